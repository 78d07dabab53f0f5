"""The samples of a document: its fenced blocks, and the commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands behind that, and its text."""

    language: str
    note: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is: `# name.py` in its first line, or behind the language."""
        if self.language in ("csv", "sh"):
            return self.note
        return self.text.partition("\n")[0].removeprefix("# ") if self.language == "python" else None

    @property
    def commands(self) -> list[str]:
        """What a person would type, line by line; a line that ends with a backslash goes on in the next."""
        lines = re.findall(r"^\$ ((?:.*\\\n)*.*)$", self.text, re.MULTILINE)
        return lines if self.language == "console" else []

    @property
    def keeps_running(self) -> bool:
        """Whether the last command runs until somebody ends it."""
        return self.note == "keeps-running"


def blocks(document: Path) -> list[Block]:
    return [Block(language, note.strip(), text) for language, note, text in _BLOCK.findall(document.read_text())]

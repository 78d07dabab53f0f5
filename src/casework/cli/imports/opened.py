"""Reads a file as lines of text: decompresses, decodes, and remembers why it could not be read to its end."""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from casework.errors import InvalidInput

_LOOKED_AT = 4096
_SIGNS_OF_JSON = re.compile(rb'(\[\s*)?\{\s*["}]')
_SIGNS_OF_MARKUP = re.compile(rb"<(!doctype|!--|\?xml|html|head|body|table|workbook)", re.IGNORECASE)
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_STEP = 50_000
"""Characters between two reports of progress, because a report takes as long as reading a line."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
"""Byte order marks and their encodings."""

_GZIP = b"\x1f\x8b"
_NOT_RECORDS = (
    (b"PK\x03\x04", "a zip archive: unpack it first, or give --format xlsx if it is an Excel workbook"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as .xlsx or CSV"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file: save it as CSV or JSON Lines"),
    (_GZIP, "compressed twice: unpack it first"),
    (b"SQLite format 3", "an SQLite database: export a table as CSV"),
)


class Opened:
    """A file that is being read."""

    def __init__(self, stream: io.BufferedReader, size: int | None) -> None:
        self.stream = stream
        self.size = size
        """Size in bytes, if it is known and progress can be measured by it."""
        self.fault = ""
        """Why the file could not be read to its end."""

    def beginning(self) -> bytes:
        """The first bytes, without consuming them."""
        return self.stream.peek(_LOOKED_AT)[:_LOOKED_AT]

    def begins_like_json(self) -> bool:
        """Whether the text begins with a brace or a bracket."""
        return self._text()[:1] in (b"{", b"[")

    def holds_objects(self) -> bool:
        """Whether the text begins as a JSON object with fields does, or as an array of such."""
        return _SIGNS_OF_JSON.match(self._text()) is not None

    def _text(self) -> bytes:
        return self.beginning().replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")

    def lines(self, encoding: str | None, advance: Callable[[int], object]) -> Iterator[str]:
        """The lines, decoded. A byte that is not in the encoding becomes a character that no case may hold, so that its
        line is reported. Without an encoding, the byte order mark decides; the default is UTF-8. Raises InvalidInput if
        the file is
        not text.
        """
        encoding = self._encoding(encoding)
        text = io.TextIOWrapper(self.stream, encoding=encoding, errors="surrogateescape", newline="")
        read = 0
        try:
            for line in text:
                read += len(line)
                if read >= _STEP:
                    advance(read)
                    read = 0
                yield line
            advance(read)
        except UnicodeError:
            self.fault = f"from here on the file is not in {encoding}, and was not read: give --encoding"
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.fault = "here the compressed file breaks off; what follows was not read"
        except OSError as error:
            self.fault = f"from here on the file could not be read: {error.strerror or error}"
        finally:
            # A reader that ends early leaves this open until after the file is closed.
            with suppress(ValueError):
                text.detach()

    def _encoding(self, given: str | None) -> str:
        beginning = self.beginning()
        if _OPEN_DOCUMENT in beginning:
            raise InvalidInput("The file is an OpenDocument spreadsheet: save it as .xlsx or CSV.")
        if _SIGNS_OF_MARKUP.match(self._text()):
            raise InvalidInput("The file is an HTML or XML document: save its records as CSV or JSON.")
        for mark, what in _NOT_RECORDS:
            if beginning.startswith(mark):
                raise InvalidInput(f"The file is {what}.")
        marked = next((name for mark, name in _MARKS if beginning.startswith(mark)), None)
        if given is not None:
            _check_encoding(given)
            return marked if marked and marked.startswith(given.lower().replace("_", "-")) else given
        if marked is None and b"\0" in beginning:
            raise InvalidInput(
                "The file contains NUL bytes, so it is not UTF-8 text: give --encoding, for example utf-16-le."
            )
        return marked or "utf-8"


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        raise InvalidInput(f"--encoding: unknown encoding {name!r}.") from None


@contextmanager
def opened(file: str) -> Iterator[Opened]:
    """Open a file, or standard input for `-`. Raises InvalidInput."""
    if file == "-":
        if sys.stdin is None:
            raise InvalidInput("Standard input is closed.")
        yield _unpacked(Opened(io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer)), None))
        return
    path = Path(file)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror or error}.") from None
    with stream:
        yield _unpacked(Opened(stream, path.stat().st_size))


def _unpacked(found: Opened) -> Opened:
    if not found.beginning().startswith(_GZIP):
        return found
    unpacked = Opened(io.BufferedReader(gzip.GzipFile(fileobj=found.stream)), None)
    try:
        unpacked.beginning()
    except (OSError, EOFError, zlib.error):
        raise InvalidInput("The compressed file is damaged and cannot be read.") from None
    return unpacked

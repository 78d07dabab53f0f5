"""The samples of the guide run as they stand."""

import subprocess
import sys

import pytest

from guides.blocks import blocks
from guides.derived import GUIDES

pytest.importorskip("pydantic_ai")


def test_the_samples_of_the_guide_run_and_their_test_passes(tmp_path):
    samples = [block.text for block in blocks(GUIDES / "pydantic-ai.md") if block.language == "py"]
    names = [text.partition("\n")[0].removeprefix("# ") for text in samples]
    assert names == ["clerk.py", "by_two.py", "test_clerk.py"]
    for name, text in zip(names, samples, strict=True):
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", "import by_two, pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The samples of the guide run as they stand."""

import subprocess
import sys

import pytest

from guides.blocks import blocks
from guides.derived import GUIDES

pytest.importorskip("langgraph")


def test_the_samples_of_the_guide_run_and_their_test_passes(tmp_path):
    samples = [block.text for block in blocks(GUIDES / "langgraph.md") if block.language == "py"]
    for text in samples:
        (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["payments.py", "test_payments.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

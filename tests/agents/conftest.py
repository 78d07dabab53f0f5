import pytest

from commanding import commanded


@pytest.fixture
def script(db, tmp_path):
    """`script(text, **options)`: a case whose agent is that script."""

    def make(text, **options):
        return commanded(db, tmp_path / "agent.sh", text, **options)

    return make

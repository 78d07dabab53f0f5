"""The setups that need nothing but what the wheels bring; `python -m compat` walks the others too."""

import pytest

from compat.setups import SETUPS, walk

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]


@pytest.mark.parametrize("name", [name for name, setup in SETUPS.items() if setup.bundled])
def test_the_path_works_on(name, tmp_path):
    assert "PostgreSQL" in walk(SETUPS[name], tmp_path)

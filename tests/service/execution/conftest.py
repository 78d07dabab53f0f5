import pytest
from executing import Process

from casework.service import crash_points


@pytest.fixture
def process(db):
    process = Process(db)
    crash_points.watch(process.reached)
    yield process
    crash_points.forget(process.reached)

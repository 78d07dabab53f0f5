"""Runs that go on although they are no longer this worker's."""

from casework.worker.overstayed import Overstayed


def test_gives_the_grace_to_what_holds_a_case_no_more():
    seen = Overstayed(10.0)
    assert seen.look({"a": True, "b": True}, 0.0) == []
    assert seen.look({"a": False, "b": True}, 5.0) == []
    assert seen.look({"a": False, "b": True}, 14.9) == []
    assert seen.look({"a": False, "b": True}, 15.0) == ["a"]


def test_leaves_alone_what_has_yet_to_start():
    seen = Overstayed(1.0)
    for now in (0.0, 5.0, 50.0):
        assert seen.look({"a": False}, now) == []


def test_begins_again_for_what_holds_a_case_again():
    seen = Overstayed(10.0)
    seen.look({"a": True}, 0.0)
    seen.look({"a": False}, 5.0)
    seen.look({"a": True}, 9.0)
    assert seen.look({"a": False}, 16.0) == []
    assert seen.look({"a": False}, 26.0) == ["a"]


def test_forgets_what_has_ended():
    seen = Overstayed(1.0)
    seen.look({"a": True}, 0.0)
    seen.look({"a": False}, 1.0)
    seen.look({}, 2.0)
    assert seen.look({"a": False}, 9.0) == []

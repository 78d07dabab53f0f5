"""What the benchmark makes of two builds' rounds."""

import re
import sys

import pytest

from bench.beside import build_in, joined
from bench.figures import at_most, with_units
from bench.parts import PARTS, load
from bench.peers.catalog import PEERS
from bench.peers.installing import SCRIPTS
from guides.derived import BENCH


def _round(**values):
    return {"figures": [{"name": name, "unit": "ms", "median": value} for name, value in values.items()]}


def test_two_builds_are_compared_round_by_round():
    mine, base = joined([_round(tick=2.0), _round(tick=3.0)], [_round(tick=4.0), _round(tick=3.0)])
    assert (mine.name, mine.against, mine.values, mine.ratios) == ("tick", "the base", [2.0, 3.0], [0.5, 1.0])
    assert (base.name, base.values) == ("tick: the base", [4.0, 3.0])


def test_figures_that_one_build_lacks_are_not_compared():
    assert joined([_round(a=1.0, b=1.0)], [_round(b=2.0, c=1.0)])[0].name == "b"
    assert joined([_round(a=1.0), _round(b=1.0)], [_round(a=1.0), _round(b=1.0)]) == []


def test_a_base_of_zero_has_no_ratio():
    (mine, _) = joined([_round(lost=1.0)], [_round(lost=0.0)])
    assert mine.ratios == []


def test_the_unit_of_a_series_stands_behind_the_last_comma():
    (figure,) = with_units({"threads, each: WAL, B": [1.0]}, {"threads, each: WAL": at_most(2)})
    assert (figure.name, figure.unit, figure.met) == ("threads, each: WAL", "B", True)


def test_a_checkout_comes_before_what_is_installed(tmp_path):
    (tmp_path / "src" / "casework").mkdir(parents=True)
    build = build_in(tmp_path)
    assert (build.python, build.source) == (sys.executable, str(tmp_path / "src"))


def test_a_virtual_environment_measures_what_is_installed(tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    build = build_in(tmp_path)
    assert (build.python, build.source) == (str(tmp_path / "bin" / "python"), "")


def test_any_other_directory_is_refused_as_a_base(tmp_path):
    with pytest.raises(ValueError, match="neither a checkout of casework nor a virtual environment"):
        build_in(tmp_path)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_what_it_measures(part):
    module = load(part)
    assert module.__doc__
    assert callable(module.measure)


def test_the_readme_says_what_each_peer_keeps():
    table = BENCH.read_text().partition("## Peers")[2].partition("## Figures")[0]
    assert re.findall(r"(?m)^\| `([a-z-]+)` \|", table) == list(PEERS)


@pytest.mark.parametrize("peer", PEERS.values(), ids=list(PEERS))
def test_every_peer_has_a_script_in_its_language(peer):
    assert (SCRIPTS / peer.script).suffix == (".mjs" if peer.node else ".py")
    assert (SCRIPTS / peer.script).is_file()

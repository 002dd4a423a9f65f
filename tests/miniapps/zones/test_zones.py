"""The city's places: one tree by their codes, whatever the file's order; anything else is refused with its reason."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.structs import Text
from miniapps.zones.codes import level_of, lies_in, nearest, nearness
from miniapps.zones.models import Zone, ZonesInvalid, ZoneTree, ZoneView
from miniapps.zones.source import load_zones, read_zones

CODES = st.builds(
    lambda city, district, rest: f"19{city}{district}{rest}",
    st.sampled_from(["00", "01", "02"]),
    st.sampled_from(["00", "01", "02"]),
    st.sampled_from(["", "001", "002", "001001"]),
)


def zone(code: str, name: str = "某地") -> Zone:
    return Zone(code=code, name=Text(zh=name, en="Somewhere"))


@pytest.mark.parametrize(
    ("whole", "place", "inside"),
    [
        ("310000", "310000", True),
        ("310000", "310100", True),
        ("310000", "310101", True),
        ("310000", "310101001", True),
        ("310100", "310101", True),
        ("310101", "310101", True),
        ("310101", "310101001", True),
        ("310101001", "310101001002", True),
        ("310101", "310000", False),
        ("310101", "310102", False),
        ("310000", "320000", False),
        ("310101001", "310101", False),
        ("310101001", "310101002", False),
        ("310100", "310200", False),
    ],
)
def test_lies_in_follows_the_codes(whole: str, place: str, inside: bool) -> None:
    assert lies_in(place, whole) is inside


def test_nearest_is_the_smallest_place_around() -> None:
    places = {"190000", "190101", "190102"}
    assert nearest("190101002", places) == "190101"
    assert nearest("190103", places) == "190000"
    assert nearest("190103", {"190101"}) is None
    assert [nearness(code, places) for code in ("190101", "190103", "200000")] == [6, 2, 0]


@given(CODES, CODES, CODES)
def test_lying_in_is_an_order(one: str, two: str, three: str) -> None:
    assert lies_in(one, one)
    if lies_in(one, two) and lies_in(two, three):
        assert lies_in(one, three)
    if lies_in(one, two) and lies_in(two, one):
        assert level_of(one) == level_of(two) or {one, two} <= {one.rstrip("0").ljust(6, "0"), one, two}


@given(st.permutations(["190000", "190101", "190101001", "190101002", "190102", "190101001001"]))
def test_the_tree_is_the_same_in_whatever_order_it_is_listed(codes: list[str]) -> None:
    tree = ZoneTree(zone(code) for code in codes)
    assert tree.root == "190000"
    assert tree.path("190101001001") == ["190101001001", "190101001", "190101", "190000"]
    assert [child.code for child in tree.view.children] == ["190101", "190102"]
    assert [child.code for child in tree.view.children[0].children] == ["190101001", "190101002"]
    assert {"190102" in tree, "190103" in tree} == {True, False}


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        ([], "No place"),
        (["19"], "no code"),
        (["１９００００"], "no code"),
        (["190000\n"], "no code"),
        (["190000", "190000"], "twice"),
        (["190000", "200000"], "More than one"),
        (["190101", "190102"], "More than one"),
        (["190000", "190101001"], "190101, which is not named"),
    ],
)
def test_what_is_no_tree_is_refused(codes: list[str], mistake: str) -> None:
    with pytest.raises(ZonesInvalid, match=mistake):
        ZoneTree(zone(code) for code in codes)


@pytest.mark.parametrize("name", ["", "  ", "<b>", "a\nb", "a\u202eb", "x" * 65])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(ZonesInvalid, match="no name"):
        ZoneTree([zone("190000", name)])


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ZonesInvalid) as refused:
        ZoneTree([zone("1"), zone("190000"), zone("190000"), zone("190101", "")])
    assert len(refused.value.mistakes) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"zones",
        b"",
        b"zones = 1",
        b'[[zones]]\ncode = "190000"',
        b'[[zones]]\ncode = 190000\nzh = "a"\nen = "b"',
        b'[[zones]]\ncode = "190000"\nzh = "a"\nen = "b"\nmore = 1',
        b'[[zones]]\ncode = "190000"\nzh = "a"\nen = "b"\n[other]',
    ],
)
def test_a_file_that_says_something_else_is_refused(body: bytes) -> None:
    with pytest.raises(ZonesInvalid):
        read_zones(body)


def test_what_ships_is_the_demo_citys() -> None:
    tree = load_zones("", "190000")
    assert (tree.root, len(tree) > 10) == ("190000", True)
    assert _depth(tree.view) == 4
    assert [level_of(code) for code in tree.path("190101001001")] == ["community", "street", "district", "province"]


def test_another_city_without_a_file_is_one_place() -> None:
    tree = load_zones("", "310000")
    assert (tree.root, len(tree)) == ("310000", 1)


def test_the_operators_file_is_about_the_operators_region(tmp_path: Path) -> None:
    file = tmp_path / "zones.toml"
    file.write_text('[[zones]]\ncode = "310000"\nzh = "某市"\nen = "A city"\n', encoding="utf-8")
    assert load_zones(str(file), "310000").root == "310000"
    with pytest.raises(ZonesInvalid, match="SUISHEN_REGION is 190000"):
        load_zones(str(file), "190000")
    with pytest.raises(ZonesInvalid, match="cannot be read"):
        load_zones(str(tmp_path / "absent.toml"), "190000")


def _depth(view: ZoneView) -> int:
    return 1 + max((_depth(child) for child in view.children), default=0)

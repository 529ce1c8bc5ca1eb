"""Addresses: what is written can be read again, and no two things share one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.address import address, id_of, kind_of, parse
from crmstate.core.words import Kind

LAW = settings(max_examples=200, deadline=None)
IDS = st.text(min_size=1) | st.text(st.characters(categories=["Cs", "Lo"]), min_size=1)
KINDS = st.sampled_from(list(Kind))


@LAW
@given(KINDS, IDS)
def test_any_id_survives_being_written_and_read(kind: Kind, id: str) -> None:
    place = address(kind, id)
    assert (kind, id) == (kind_of(place), id_of(place))
    assert place == parse(place)


@LAW
@given(st.tuples(KINDS, IDS), st.tuples(KINDS, IDS))
def test_two_things_share_an_address_only_if_they_are_one(first: tuple[Kind, str], second: tuple[Kind, str]) -> None:
    assert (first == second) == (address(*first) == address(*second))


@LAW
@given(KINDS, IDS)
def test_an_address_is_plain_text_without_spaces_slashes_or_signs_that_a_pattern_reads(kind: Kind, id: str) -> None:
    rest = address(kind, id).partition("/")[2]
    assert rest.isascii() and rest.isprintable()
    assert set() == set(rest) & set(" /*?[]!\"'`<>|&;$\\#")


@pytest.mark.parametrize(
    "text", ["", "user", "user/", "/4711", "person/4711", "User/4711", " user/4711", "user4711", "4711"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        parse(text)


@pytest.mark.parametrize("text", ["user/%FF", "user/%E5%BC", "user/a%80"])
def test_an_id_that_is_cut_in_the_middle_of_a_character_is_refused_and_not_replaced(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_an_address_needs_an_id() -> None:
    with pytest.raises(ValueError, match="needs an id"):
        address(Kind.USER, "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("user/张伟", "user/%E5%BC%A0%E4%BC%9F"), ("dataset/a b", "dataset/a%20b"), ("user/a%2Fb", "user/a%2Fb")],
)
def test_what_a_person_types_is_brought_into_the_one_form(typed: str, meant: str) -> None:
    assert meant == parse(typed)

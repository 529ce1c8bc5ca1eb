"""Who is told: what is an address, what is turned away, and what stops the whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmstate.core.audience import Turned
from crmstate.core.diagnostic import Problem
from crmstate.core.survey import Resource, UserFacts
from crmstate.core.words import Kind, Phase
from crmstate.people import recipients
from crmstate.people.addresses import Injection, NoAddress, address, clean, fingerprint, masked


def read(
    tmp_path: Path, text: str | bytes, out: frozenset[str] = frozenset(), *, strict: bool = True
) -> recipients.Found:
    file = tmp_path / "list.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return recipients.from_file(file, "list.csv", out, strict=strict)


def refused(tmp_path: Path, text: str | bytes) -> tuple[str, int]:
    with pytest.raises(Problem) as found:
        read(tmp_path, text)
    first = found.value.diagnostics[0]
    return first.code, first.span.line if first.span else 0


def test_everybody_is_taken_once_and_the_rest_is_named_by_its_line(tmp_path: Path) -> None:
    text = 'name,email\nAnn,ann@example.com\n"Bo, Jr.\n",bo@example.com\n'.replace("Jr.\n", "Jr.")
    text += "Again,ANN@Example.com\n,\nNobody,nobody\nOut,out@example.com\n张伟,zhang@例子.中国\n"
    found = read(tmp_path, text, frozenset({"out@example.com"}), strict=False)
    expected = [("ann@example.com", "Ann"), ("bo@example.com", "Bo, Jr."), ("zhang@xn--fsqu00a.xn--fiqs8s", "张伟")]
    assert expected == [(each.address, each.name) for each in found.people.values()]
    assert ([Turned(6, "address.no_at")], 1, 1, 1) == (found.turned, found.rejected, found.repeated, found.opted_out)


def test_a_row_that_is_no_address_or_comes_again_stops_the_whole_unless_the_manifest_says_otherwise(
    tmp_path: Path,
) -> None:
    text = "name,email\nAnn,ann@example.com\nNobody,nobody\nAgain,ANN@Example.com\nOut,out@example.com\nOut,out@example.com\n"
    found = read(tmp_path, text, frozenset({"out@example.com"}))
    assert [("CRM-N061", 3), ("CRM-N062", 4)] == [
        (each.code, each.span.line if each.span else 0) for each in found.faults
    ]
    assert found.faults[1].params["first"] == 2
    assert read(tmp_path, text, strict=False).faults == []
    many = read(tmp_path, "email\n" + "nobody\n" * 1000)
    assert (len(many.faults), many.rejected) == (20, 1000)


@pytest.mark.parametrize("text", ["a@b.example\nc@d.example\n", "邮箱;姓名\na@b.example;甲\nc@d.example;乙\n",
                                  "\ufeffE-Mail\r\na@b.example\r\nc@d.example\r\n"])  # fmt: skip
def test_lists_come_as_people_save_them(tmp_path: Path, text: str) -> None:
    assert ["a@b.example", "c@d.example"] == [each.address for each in read(tmp_path, text).people.values()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", ("CRM-N003", 1)),
        (b"email\n", ("CRM-N003", 1)),
        (b"who,where\nAnn,Ulm\n", ("CRM-N006", 1)),
        ("邮箱\n".encode("gbk"), ("CRM-N002", 1)),
        (b'email\na@example.com\n"open\n', ("CRM-N002", 3)),
        (b"email\n\0@example.com\n", ("CRM-N002", 1)),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_its_line(
    tmp_path: Path, text: bytes, expected: tuple[str, int]
) -> None:
    assert expected == refused(tmp_path, text)


def test_a_break_in_a_name_stops_the_whole(tmp_path: Path) -> None:
    found = read(tmp_path, 'name,email\nAnn,ann@example.com\n"Eve\nBcc: all@example.com",eve@example.com\n')
    assert [("CRM-N001", 3)] == [(each.code, each.span.line if each.span else 0) for each in found.faults]


@pytest.mark.parametrize("hidden", ["=?utf-8?q?x=0d=0aBcc:_evil=40x.example?=", "Ms =?utf-8?b?eA0KQmNjOiBl?="])
def test_an_encoded_word_that_may_hide_a_break_stops_the_whole(hidden: str) -> None:
    with pytest.raises(Injection):
        clean(hidden)


def test_a_line_of_the_opt_out_list_that_is_no_address_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("email\nann@example.com\nbo at example.com\n")
    with pytest.raises(Problem) as found:
        recipients.opted_out(file, "out.csv")
    assert [("CRM-N004", 3)] == [(each.code, each.span.line if each.span else 0) for each in found.value.diagnostics]


def test_users_who_cannot_sign_in_are_not_told() -> None:
    users = [
        Resource(Kind.USER, "1", "Ann", Phase.PRESENT, UserFacts("ann@example.com")),
        Resource(Kind.USER, "2", "Bo", Phase.INACTIVE, UserFacts("bo@example.com")),
        Resource(Kind.USER, "3", "Cy", Phase.PRESENT, UserFacts("")),
    ]
    found = recipients.from_users(users, frozenset())
    assert (["ann@example.com"], 1) == ([each.address for each in found.people.values()], found.rejected)


@pytest.mark.parametrize(
    "record",
    [
        {"Email": "ann@example.com"},
        {"id": 1, "fields": {"Email": "ann@example.com"}},
        {"Email": [{"value": "ann@example.com", "type": "work"}]},
        {"Email": ["ann@example.com", "ANN@example.com"]},
    ],
)
def test_a_field_is_found_wherever_the_vendor_puts_it(record: dict[str, object]) -> None:
    found = recipients.from_records([json.dumps(record).encode(), b'{"Email": null}'], "Email", "Contacts", frozenset())
    assert ["ann@example.com"] == [each.address for each in found.people.values()]


def test_a_field_that_no_record_has_is_a_slip() -> None:
    with pytest.raises(Problem) as found:
        recipients.from_records([b'{"Mail": "ann@example.com"}'], "Email", "Contacts", frozenset())
    assert "CRM-N005" == found.value.diagnostics[0].code


@given(st.text(max_size=60))
@example("ann@example.com\r\nBcc: x@example.com")
@example("ann@example.com>, <x@example.com")
@example("@example.com")
def test_no_address_holds_what_would_end_a_header_or_a_command(text: str) -> None:
    try:
        found = address(text)
    except (Injection, NoAddress):
        return
    assert found.isascii() and found.isprintable()
    assert not set(found) & set(' ,;:<>()[]"\\') and found.count("@") == 1
    assert address(found) == found


@given(st.text(max_size=60))
def test_no_name_holds_a_break(text: str) -> None:
    try:
        found = clean(text)
    except Injection:
        return
    assert len(found.splitlines()) <= 1


@given(st.emails())
def test_fingerprints_need_their_key_and_masks_hide(text: str) -> None:
    assert fingerprint(b"a" * 32, text) == fingerprint(b"a" * 32, text.upper().lower())
    assert fingerprint(b"a" * 32, text) != fingerprint(b"b" * 32, text)
    assert text not in masked(text)

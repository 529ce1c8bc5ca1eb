"""Whether records hold what the description of their fields promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row

from crmstate.archive import typed
from crmstate.archive.folder import FolderArchive
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Check
from crmstate.core.provider import REDACTED

SANDBOX = {
    "dataset": "t",
    "fields": [
        {"name": "full_name", "type": "text", "label": "Name"},
        {"name": "mail", "type": "email", "label": "Mail"},
        {"name": "amount", "type": "money", "label": "Amount"},
        {"name": "due", "type": "date", "label": "Due"},
        {"name": "remark", "type": "textarea", "label": "Remark"},
    ],
}
RPC = {
    "full_name": {"type": "char", "string": "Name", "name": "full_name"},
    "mail": {"type": "char", "string": "E-Mail", "name": "mail"},
    "amount": {"type": "numeric", "string": "Amount"},
    "due": {"type": "date", "string": "Due"},
    "type": {"type": "selection", "string": "Type"},
    "remark": {"type": "text", "string": "Body"},
}
FORM = {
    "widgets": [
        {"name": "full_name", "widgetName": "_widget_1", "label": "姓名", "type": "text"},
        {"name": "mail", "widgetName": "_widget_2", "label": "邮箱", "type": "text"},
        {"name": "amount", "widgetName": "_widget_3", "label": "金额", "type": "number"},
        {"name": "due", "widgetName": "_widget_4", "label": "日期", "type": "datetime"},
        {"name": "remark", "widgetName": "_widget_5", "label": "内容", "type": "textarea"},
    ],
    "sysWidgets": [{"name": "creator"}],
}


def checks(tmp_path: Path, rows: list[dict[str, Any]], described: Any, id: str = "t", verify: str = "verify") -> Any:
    vendor = Vendor(**{id: Dataset({f"r{n:04}": row(f"r{n:04}", **each) for n, each in enumerate(rows)})})
    vendor.described = {id: json.dumps(described).encode()} if described is not None else {}
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource(id), True)
    found = archive.verify(vendor, resource(id)) if verify == "verify" else archive.recheck(resource(id))
    return {each.method: each for each in found.checks if each.method not in ("checksums", "counts")}, found


GOOD = {"full_name": "王小明", "mail": "a@example.com", "amount": "1,200.50", "due": "2026-02-28", "remark": "hello"}


@pytest.mark.parametrize("described", [SANDBOX, RPC, FORM], ids=["list", "by name", "widgets"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("verify", ["verify", "recheck"])
def test_what_records_hold_is_said_by_the_types_of_their_fields(
    tmp_path: Path, described: Any, nested: bool, verify: str
) -> None:
    rows = [GOOD, {**GOOD, "amount": 3, "due": None}, dict.fromkeys(GOOD)]
    found, said = checks(tmp_path, [{"fields": each} if nested else each for each in rows], described, "t", verify)
    assert found == {
        "contacts": Check("contacts", "present", rows=2, odd=1),
        "amounts": Check("amounts", "read", rows=2, odd=0),
        "dates": Check("dates", "read", rows=1, odd=0),
    }
    assert said.method.endswith("contacts+amounts+dates")


def test_tagged_values_are_read_as_what_they_are(tmp_path: Path) -> None:
    rows = [
        {"amount": {"__class__": "Decimal", "decimal": "12.00"}, "due": {"__class__": "date", "year": 2026, "month": 2, "day": 28}},
        {"amount": 1.5, "due": {"__class__": "datetime", "year": 2026, "month": 2, "day": 28, "hour": 1}},
        {"amount": 10**30, "due": "2026-02-28T12:00:00.000Z"},
        {"amount": {"amount": "3", "currency": "EUR"}, "due": 1767225600000},
    ]  # fmt: skip
    found, _ = checks(tmp_path, rows, RPC)
    assert (found["amounts"], found["dates"]) == (Check("amounts", "read", 4, odd=0), Check("dates", "read", 4, odd=0))


@pytest.mark.parametrize("due", ["01.03.2026", "3/14/2026", "2026年3月1日", "2026.3.1 08:00", "1.3.26"])
@pytest.mark.parametrize("amount", ["1.234,50 €", "€ 1,234.50", "¥12", "1 234,5", "-3'000.10 CHF", "0,5"])
def test_what_people_write_is_read_as_well(tmp_path: Path, amount: str, due: str) -> None:
    found, _ = checks(tmp_path, [{**GOOD, "amount": amount, "due": due}] * typed.ENOUGH, SANDBOX)
    assert (found["amounts"].said, found["dates"].said) == ("read", "read")


@pytest.mark.parametrize("bad", ["a lot", "NaN", "Infinity", True, [1]])
def test_a_value_that_is_no_amount_is_counted_and_proves_nothing(tmp_path: Path, bad: object) -> None:
    found, said = checks(tmp_path, [GOOD, {**GOOD, "amount": bad}], SANDBOX)
    assert found["amounts"] == Check("amounts", "odd", rows=1, odd=1)
    assert "amounts" not in said.method.split("+") and "dates" in said.method.split("+")


@pytest.mark.parametrize(("name", "bad"), [("amount", "***"), ("due", "2026-02-30"), ("due", "0000-00-00")])
def test_a_field_of_which_nothing_can_be_read_is_a_finding(tmp_path: Path, name: str, bad: str) -> None:
    rows = [{**GOOD, name: bad}] * typed.ENOUGH
    checks(tmp_path / "few", rows[1:], SANDBOX)
    checks(tmp_path / "one good", [*rows, GOOD], SANDBOX)
    with pytest.raises(Problem) as found:
        checks(tmp_path / "all", rows, SANDBOX)
    (finding,) = found.value.diagnostics
    assert (finding.code, finding.params["fields"]) == ("CRM-A039", name)
    assert bad not in repr(finding)


@pytest.mark.parametrize("far", [1e20, -1e21, 2**70, 1e300, 10**18])
def test_a_time_that_no_calendar_reaches_is_no_date(tmp_path: Path, far: float) -> None:
    found, _ = checks(tmp_path, [GOOD, {**GOOD, "due": far}], SANDBOX)
    assert found["dates"] == Check("dates", "odd", rows=1, odd=1)


def test_what_is_kept_out_of_rows_is_not_read(tmp_path: Path) -> None:
    found, _ = checks(tmp_path, [{**GOOD, "amount": REDACTED}] * typed.ENOUGH, SANDBOX)
    assert found["amounts"] == Check("amounts", "empty", rows=0, odd=0)


def test_false_is_how_some_vendors_write_that_there_is_no_value(tmp_path: Path) -> None:
    none = {"full_name": "Ann", "mail": False, "amount": False, "due": False, "remark": False}

    found, _ = checks(tmp_path, [none] * 20, RPC)

    assert (("amounts", "empty", 0, 0), ("dates", "empty", 0, 0)) == tuple(
        (each.method, each.said, each.rows, each.odd) for each in (found["amounts"], found["dates"])
    )


def test_a_dataset_without_a_single_contact_is_said_to_lack_them(tmp_path: Path) -> None:
    found, said = checks(tmp_path, [{"full_name": "", "mail": None}, {"amount": 1}], SANDBOX)
    assert found["contacts"] == Check("contacts", "lacking", rows=0, odd=2)
    assert "contacts" not in said.method


@pytest.mark.parametrize(("text", "said"), [("Dear all", "present"), (None, "lacking"), ("  ", "lacking")])
def test_what_was_written_to_somebody_has_a_text(tmp_path: Path, text: str | None, said: str) -> None:
    found, _ = checks(tmp_path, [{"remark": text}], SANDBOX, "emails")
    assert found["bodies"] == Check("bodies", said, rows=int(said == "present"), odd=int(said != "present"))


@pytest.mark.parametrize("described", [None, {}, [], "nothing", {"fields": "many"}])
def test_where_nothing_is_described_nothing_is_claimed(tmp_path: Path, described: Any) -> None:
    found, said = checks(tmp_path, [GOOD], described)
    assert (found, said.method) == ({}, "checksums+counts")


def test_a_description_that_is_no_json_hinders_nothing() -> None:
    assert typed.fields(b"<html>") == typed.fields(b"") == typed.fields(b"[" * 100_000) == {}


def test_attachments_have_their_size(tmp_path: Path) -> None:
    vendor = Vendor(t=Dataset({"1": row("1")}))
    vendor.datasets["t"].files = [attachment("a", "1", b"content"), attachment("b", "1", b"")]
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("t"), True)
    assert archive.verify(vendor, resource("t")).checks[-1] == Check("attachments", "sized", files=2, bytes=7, odd=1)


def test_of_many_records_the_first_are_looked_at_and_how_many_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed, "MOST", 3)
    found, _ = checks(tmp_path, [GOOD] * 7, SANDBOX)
    assert found["contacts"] == Check("contacts", "present", rows=3, odd=0)

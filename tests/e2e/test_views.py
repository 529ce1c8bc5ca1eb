"""Copies for people beside the archive, in a whole decommissioning: asked for in the manifest, made from what was verified,
made again where they lack, and never taken for the archive."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from crmstate.store.load import read

from .scenes import rows_added
from .site import MANIFEST, Site

pytestmark = pytest.mark.usefixtures("quick")

ALONE = f"{MANIFEST.partition('end_state:')[0]}end_state:\n  data:\n    archive: {{to: archive/, formats: [csv]}}\n"


def views(here: Site, form: str = "csv") -> dict[str, Path]:
    folder = here.folder / "archive" / "exit" / "views" / form
    return {path.name.rpartition("-")[0]: path for path in sorted(folder.glob("*.csv"))}


def rows(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.reader(stream)) - 1


def steps(here: Site) -> dict[str, str]:
    return {
        f"{each['verb']} {each['address']}": each["why"]["code"] for each in here.plan("--format", "json").json["steps"]
    }


def test_they_are_planned_made_counted_on_record_and_a_second_apply_makes_nothing(here: Site) -> None:
    here.change("attachments: true}", "attachments: true, formats: [jsonl, csv, csv-spreadsheet]}")
    said = here.plan("--lang", "en")
    assert "copies for people are made from it: csv, csv-spreadsheet" in " ".join(said.out.split()), said.out
    assert here.apply().code == 0
    for form in ("csv", "csv-spreadsheet"):
        assert {name: rows(path) for name, path in views(here, form).items()} == {"contacts": 7, "deals": 7}
    proof = read(here.folder, "exit").state.proved("contacts")
    assert proof is not None
    (check,) = [each for one in proof.evidence for each in one.checks if each.method == "views"]
    assert (check.rows, check.names) == (7, ("csv", "csv-spreadsheet"))
    shown = here.run("archive", "verify", str(here.folder / "archive"), "--lang", "en")
    assert shown.code == 0 and "copies for people" in shown.out


def test_one_that_lacks_is_planned_for_and_made_again_without_the_vendor_being_read(here: Site) -> None:
    here.write(ALONE)
    assert here.apply().code == 0 and steps(here) == {}
    views(here)["deals"].unlink()
    assert steps(here) == {"verify archive/deals": "why.views"}
    assert here.apply().code == 0
    assert rows(views(here)["deals"]) == 7 and steps(here) == {}
    damaged = views(here)["contacts"]
    damaged.write_bytes(damaged.read_bytes().replace("客户 1".encode(), "客户 9".encode()))
    said = here.run("archive", "verify", str(here.folder / "archive"))
    assert said.code == 1 and "CRM-A110" in said.err and "views/csv/contacts" in said.err, said
    damaged.unlink()  # as the hint says
    assert here.apply().code == 0
    assert here.run("archive", "verify", str(here.folder / "archive")).code == 0 and steps(here) == {}


def test_a_form_that_is_asked_for_later_is_made_then_and_one_that_is_left_out_stays_true(here: Site) -> None:
    here.write(ALONE.replace(", formats: [csv]", ""))
    assert here.apply().code == 0 and views(here) == {} and steps(here) == {}
    here.write(ALONE)
    assert set(steps(here).values()) == {"why.views"}
    assert here.apply().code == 0 and set(views(here)) == {"contacts", "deals"} and steps(here) == {}
    here.write(ALONE.replace(", formats: [csv]", ""))
    rows_added(here, "deals", "late")
    assert here.run("archive", "delta", str(here.manifest)).code == 0
    assert rows(views(here)["deals"]) == 8
    assert here.run("archive", "verify", str(here.folder / "archive")).code == 0


def test_what_is_not_made_yet_is_refused_by_validate(here: Site) -> None:
    for form in ("xlsx", "parquet"):
        here.write(ALONE.replace("[csv]", f"[csv, {form}]"))
        said = here.run("validate", str(here.manifest))
        assert said.code == 65 and "CRM-M145" in said.err and form in said.err

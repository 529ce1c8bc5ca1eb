"""An end without an archive: written, named and approved by somebody, and never called archived."""

from __future__ import annotations

import pytest

from .site import MANIFEST, Site

ARCHIVE = "archive: {to: archive/, datasets: all, attachments: true}"
NONE = MANIFEST.replace(ARCHIVE, "archive: {status: none, why: made-up records, by: head@example.com}")


def rows(here: Site) -> int:
    return sum(each["rows"] for each in here.truth()["datasets"])


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("purge", [True, False])
def test_nothing_that_has_no_archive_is_destroyed_before_somebody_approved_it(
    saved: bool, purge: bool, here: Site
) -> None:
    here.write(NONE if purge else NONE.replace("    purge: {status: purged, bin: emptied}\n", ""))
    plan, before = str(here.folder / "plan.json"), rows(here)
    assert here.plan("--out", plan).code == 0
    said = here.run("apply", plan, "--yes") if saved else here.apply()
    assert (said.code, "CRM-E005" in said.out, rows(here)) == (3, True, before), said.out + said.err
    assert here.truth()["account"]["status"] == "open"
    here.plan("--out", plan)
    assert here.run("approve", plan, "--by", "head@example.com").code == 0
    said = here.run("apply", plan, "--yes") if saved else here.apply()
    assert said.code == 0, said.out + said.err
    assert here.truth()["account"]["status"] == "closing"
    assert here.twice() == []


def test_the_plan_says_that_there_is_no_archive_and_who_says_so(here: Site) -> None:
    here.write(NONE)
    said = here.plan()
    assert "verified archive" not in said.out
    assert "There is no archive of them, says head@example.com: made-up records" in said.out
    assert "approv" in said.out


def test_what_is_archived_needs_no_approval_that_the_manifest_does_not_ask_for(here: Site) -> None:
    assert here.apply().code == 0
    assert here.truth()["account"]["status"] == "closing"

"""A person's word that something is gone for good goes on record in its order, or with the reason why not; and then everybody
who asks is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crmstate.core.words import Outcome, Proof, Verb
from crmstate.store.load import read

from .site import Said, Site
from .test_paper import exported

pytestmark = pytest.mark.usefixtures("quick")
ACCOUNT, CONTRACT, DEALS = "account/K-4711", "subscription/contract", "dataset/Deals"
CERTIFIED = ("--proof", "certified")


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return exported(tmp_path)


def confirm(here: Site, place: str, *args: str) -> Said:
    return here.run(
        "confirm",
        place,
        str(here.manifest),
        "--by",
        "ann@example.com",
        "--evidence",
        str(here.folder / "proof.pdf"),
        *args,
    )


def recorded(here: Site) -> set[str]:
    return {each.address for each in read(here.folder, "paper-exit").state.entries.values()}


@pytest.mark.parametrize("args", [(), CERTIFIED, ("--offline",)], ids=["asked", "certified", "offline"])
def test_nothing_is_said_to_be_closed_on_an_empty_record(here: Site, args: tuple[str, ...]) -> None:
    said = confirm(here, ACCOUNT, *args)
    assert (said.code, "CRM-C160" in said.err, "--out-of-order" in said.err) == (3, True, True), said.err
    assert (
        "verify archive/" + ("all" if args == ("--offline",) else "Deals") in said.err and "freeze/cutover" in said.err
    )
    assert not (here.folder / ".crmstate" / "paper-exit").exists() or not recorded(here)


def test_nothing_is_said_to_be_purged_before_its_archive_is_there_and_verified(here: Site) -> None:
    said = confirm(here, DEALS, *CERTIFIED)
    assert (said.code, "CRM-C160" in said.err, "archive/Deals" in said.err) == (3, True, True), said.err
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nDeals,2\n", encoding="utf-8")
    assert here.apply().code == 6, "the vendor shows two, the file has one"
    said = confirm(here, DEALS, *CERTIFIED)
    assert (said.code, "verify archive/Deals" in said.err) == (3, True), said.err
    assert DEALS not in recorded(here)


def test_what_people_ask_the_vendor_for_has_no_order(here: Site) -> None:
    assert confirm(here, CONTRACT).code == 0


def test_in_its_order_nothing_is_asked(here: Site) -> None:
    assert here.apply().code == 0
    for place in (CONTRACT, "api_key/all", "user/all"):
        assert confirm(here, place).code == 0
    for path in (here.folder / "exports").iterdir():
        os.utime(path)
    assert here.apply().code == 0
    assert confirm(here, DEALS, *CERTIFIED).code == 0
    said = confirm(here, "bin/all", "--out-of-order", "just in case")
    assert said.code == 0 and "not needed" in said.err, said.err
    assert not any(each.out_of_order for each in read(here.folder, "paper-exit").state.entries.values())


def test_with_a_reason_it_is_recorded_and_everybody_is_told_who_when_and_why(here: Site) -> None:
    assert confirm(here, DEALS, *CERTIFIED, "--out-of-order", " ").code == 64, "it is said why"
    said = confirm(here, DEALS, *CERTIFIED, "--out-of-order", "the vendor wiped the tenant on its own")
    assert (said.code, "out of order" in said.err) == (0, True), said.err
    entry = read(here.folder, "paper-exit").state.latest(DEALS, Verb.PURGE)  # type: ignore[arg-type]
    assert entry is not None and (entry.outcome, entry.proof) == (Outcome.DONE, Proof.CERTIFIED)
    assert (entry.out_of_order, "archive/Deals" in entry.ahead_of) == ("the vendor wiped the tenant on its own", True)

    plan, manifest = here.plan("--lang", "en"), str(here.manifest)
    assert plan.code == 0 and "CRM-P125" in plan.out, plan.out + plan.err
    assert "ann@example.com" in plan.out and "wiped the tenant" in plan.out
    for shown in (here.run("status", manifest), here.run("status", manifest, "--format", "markdown")):
        assert "without a verified archive" in shown.out and "wiped the tenant" in shown.out, shown.out
    (kept,) = here.run("status", manifest, "--format", "json").json["out_of_order"]
    assert (kept["address"], kept["by"], kept["why"]) == (DEALS, "ann@example.com", entry.out_of_order)
    report, bundle = here.folder / "report.html", here.folder / "bundle"
    assert here.run("report", manifest, "--out", str(report), "--lang", "en").code == 0
    assert "without a verified archive" in report.read_text(encoding="utf-8")
    assert here.run("evidence", "bundle", manifest, "--out", str(bundle), "--lang", "en").code == 0
    (page,) = bundle.rglob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "without a verified archive" in text and "ann@example.com" in text and "wiped the tenant" in text
    assert "存档未验证" in here.run("status", manifest, "--lang", "zh-CN").out

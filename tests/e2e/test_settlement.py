"""After the end: claims settled in writing, the vendor's document checked, the migration compared, looking back; on a real
manifest, against the embedded sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.record import State
from crmstate.core.words import Outcome, Proof
from crmstate.store.load import read

from .scenes import apply, effects, written
from .site import MANIFEST, Said, Site

pytestmark = pytest.mark.usefixtures("quick")

CERTIFIED = MANIFEST.replace("bin: emptied}", "bin: emptied, certificate: required}")
SETTLED = MANIFEST + "settlement: {owner: finance@example.com, due: 30 days after cancel_effective}\n"
ADOPTED = (
    MANIFEST
    + """\
replacement:
  decision: adopted
  system: hubspot
  accepted: {proof: acknowledged, owner: sales@example.com}
  migrate:
    - {dataset: Contacts, to: contacts, check: [counts, fields]}
    - {dataset: Deals, to: deals}
"""
)
REVIEWED = MANIFEST + "evaluation: {after: 90 days, measures: [cost, response_time], owner: cfo@example.com}\n"
TRANSCRIPT = """\
tenant: t-1001
datasets: {Contacts: 7, Deals: 7}
backups: {expire: 2027-03-01}
sub_processors: [Example Hosting]
date: 2026-11-20
signatory: Jane Doe, Head of Trust
"""
SHEET = """\
kind,name,side,value,unit,per,text,who
cost,licences,before,1200.00,EUR,month,,
cost,licences,after,9000,EUR,year,,
measure,response_time,before,4.5,hours,,,
measure,response_time,after,3,hours,,,
feedback,,,,,,Search is <b>faster</b> | now,张伟
lesson,,,,,,Ask for the certificate in the first letter,
verdict,,,no,,,Too little of it was used,
"""


def run(here: Site, *words: str) -> Said:
    """A command with the manifest behind its own arguments."""
    at = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    return here.run(*words[:at], str(here.manifest), *words[at:])


def state(here: Site) -> State:
    return read(here.folder, "exit").state


def plan_of(here: Site, *args: str) -> Any:
    return here.plan("--format", "json", *args).json


def step(here: Site, address: str, *args: str) -> Any:
    return next((each for each in plan_of(here, *args)["steps"] if each["address"] == address), None)


def paper(here: Site, name: str, text: str = "paper") -> str:
    place = here.folder / "papers"
    place.mkdir(exist_ok=True)
    (place / name).write_text(text, encoding="utf-8")
    return str(place / name)


def add(here: Site, kind: str, amount: str, currency: str, *more: str) -> Said:
    document = paper(here, f"{kind}.pdf", f"{kind} {amount} {currency}")
    return run(
        here, "settle", "add", "--kind", kind, "--amount", amount, "--currency", currency, "--document", document, *more
    )


def confirm(here: Site, address: str, *args: str) -> Said:
    return here.run("confirm", address, str(here.manifest), *args)


def ended(here: Site) -> None:
    """Applied until the account is closed."""
    for day in ("1h", "8d", "1d"):
        apply(here)
        here.advance(day)
    assert here.truth()["account"]["status"] == "closed"


# Settlement


def test_a_settlement_is_over_when_every_claim_is_answered_in_writing_and_paid(here: Site) -> None:
    here.write(SETTLED)
    assert add(here, "invoice", "1200.00", "EUR", "--note", "November").code == 0
    assert add(here, "overcharge", "99.99", "EUR").code == 0
    assert add(here, "refund", "10", "USD").code == 0
    ended(here)
    found = step(here, "settlement/final")
    assert (found["mode"], found["owner"], found["files"]) == ("manual", "finance@example.com", True)
    assert found["deadline"].startswith("2026-12-0")
    assert "EUR 1100.01, USD -10.00" in here.plan().out
    said = confirm(here, "settlement/final", "--evidence", paper(here, "final.pdf"))
    assert said.code == 3
    assert [said.err.count(code) for code in ("CRM-F023", "CRM-F024")] == [3, 0]
    assert add(here, "payment", "1200", "EUR", "--for", "1").code == 0
    assert add(here, "agreed", "50.00", "EUR", "--for", "2").code == 0
    assert add(here, "agreed", "0", "USD", "--for", "3", "--note", "given up").code == 0
    said = confirm(here, "settlement/final", "--evidence", paper(here, "final.pdf"))
    assert (said.code, "EUR 50.00" in said.err, said.err.count("CRM-F024")) == (3, True, 1)
    assert add(here, "credit", "50", "EUR", "--for", "2").code == 0
    assert confirm(here, "settlement/final").code == 3, "without the final paper"
    assert confirm(here, "settlement/final", "--evidence", paper(here, "final.pdf"), "--by", "fin").code == 0
    assert step(here, "settlement/final") is None
    late = add(here, "invoice", "5", "EUR", "--note", "December, after all")
    assert late.code == 0
    assert step(here, "settlement/final")["occurrence"] == 2
    assert run(here, "settle", "strike", "8", "--why", "sent by mistake").code == 0
    assert step(here, "settlement/final") is None
    listed = run(here, "settle", "list", "--format", "json").json
    assert [(each["currency"], each["net"]) for each in listed["balances"]] == [("EUR", "0.00"), ("USD", "0.00")]
    assert [each["open"] for each in listed["claims"]] == ["0.00"] * 3


def test_a_settlement_keeps_its_documents_and_shows_them(here: Site) -> None:
    here.write(SETTLED)
    assert add(here, "invoice", "10.5", "CNY", "--on", "2026-10-31", "--by", "fin").code == 0
    (claim,) = state(here).claims
    kept = here.folder / ".crmstate" / "exit" / claim.document.path
    assert kept.read_text("utf-8") == "invoice 10.5 CNY"
    for lang, word in (("en", "invoice"), ("zh-CN", "发票")):
        shown = run(here, "settle", "show", "1", "--lang", lang)
        assert (shown.code, word in shown.out, "2026-10-31" in shown.out, "10.50" in shown.out) == (0, True, True, True)
        assert "CNY" in run(here, "settle", "list", "--lang", lang).out


BAD = {
    "a sum with a comma": (["--amount", "1,000"], 64, "CRM-F001"),
    "nought": (["--amount", "0"], 64, "CRM-F001"),
    "a negative sum": (["--amount=-5"], 64, "CRM-F001"),
    "a word": (["--amount", "NaN"], 64, "CRM-F001"),
    "a point between thousands": (["--amount", "1.320"], 64, "CRM-F037"),
    "five decimals": (["--amount", "1.00001"], 64, "CRM-F001"),
    "a sign": (["--currency", "€"], 64, "CRM-F002"),
    "a claim that answers": (["--for", "1"], 64, "CRM-F003"),
    "an answer to nothing": (["--kind", "payment"], 64, "CRM-F004"),
    "an answer to a stranger": (["--kind", "payment", "--for", "7"], 64, "CRM-F005"),
    "two currencies": (["--kind", "payment", "--currency", "USD", "--for", "1"], 64, "CRM-F006"),
    "too much": (["--kind", "credit", "--amount", "100.01", "--for", "1"], 64, "CRM-F008"),
    "a day to come": (["--on", "2199-03-01"], 64, "CRM-F038"),
    "no day": (["--on", "2026-02-30"], 64, ""),
    "no document": (["--document", "DIR/nothing"], 3, "CRM-C007"),
    "an empty document": (["--document", "DIR/empty"], 3, "CRM-C007"),
    "a huge document": (["--document", "DIR/huge"], 3, "CRM-C007"),
    "a link": (["--document", "DIR/link"], 3, "CRM-C007"),
    "a folder": (["--document", "DIR"], 3, "CRM-C007"),
}


def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(here: Site, tmp_path: Path) -> None:
    here.write(SETTLED)
    assert add(here, "invoice", "100", "EUR").code == 0
    (tmp_path / "empty").touch()
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 51 * 1024 * 1024)
    (tmp_path / "link").symlink_to(paper(here, "real.pdf"))
    before, serial = written(here.folder / ".crmstate"), state(here).serial
    for what, (args, code, said) in BAD.items():
        answer = add(here, "invoice", "5", "EUR", *[each.replace("DIR", str(tmp_path)) for each in args])
        assert (answer.code, said in answer.err, "Traceback" in answer.err) == (code, True, False), (what, answer.err)
    assert (state(here).serial, written(here.folder / ".crmstate")) == (serial, before)


def test_the_same_by_the_same_document_is_refused_until_it_is_struck(here: Site) -> None:
    here.write(SETTLED)
    assert add(here, "invoice", "100", "EUR").code == 0
    again = add(here, "invoice", "100", "EUR", "--amount", "100.00")
    assert (again.code, "CRM-F039" in again.err, "settle strike 1" in again.err) == (64, True, True)
    assert add(here, "invoice", "100", "EUR", "--note", "the second seat").code == 0
    assert run(here, "settle", "strike", "1", "--note", "typed wrongly").code == 0
    assert add(here, "invoice", "100", "EUR").code == 0
    assert len(run(here, "settle", "list", "--format", "json").json["claims"]) == 2


def test_a_claim_that_others_answer_is_not_struck_out(here: Site) -> None:
    here.write(SETTLED)
    add(here, "invoice", "100", "EUR")
    add(here, "payment", "40", "EUR", "--for", "1")
    said = run(here, "settle", "strike", "1", "--why", "x")
    assert (said.code, "CRM-F009" in said.err) == (64, True)
    assert add(here, "agreed", "39", "EUR", "--for", "1").code == 64
    assert run(here, "settle", "strike", "2", "--why", "x").code == 0
    assert run(here, "settle", "strike", "1", "--why", "x").code == 0
    assert run(here, "settle", "strike", "1", "--why", "x").code == 64
    assert "Nothing is claimed" in run(here, "settle", "list").out


# The vendor's document


@pytest.fixture
def purged(here: Site) -> Site:
    """A site whose data is gone, where the vendor's certificate is waited for."""
    here.write(CERTIFIED)
    _, table = apply(here)
    assert table["confirm certificate/destruction"] == "waiting"
    return here


def examine(here: Site, transcript: str = TRANSCRIPT, *more: str) -> Said:
    here.advance("2026-11-25T00:00:00Z")
    document = paper(here, "certificate.pdf", "We hereby certify")
    paper(here, "certificate.pdf.yaml", transcript)
    return run(here, "certificate", "check", document, *more)


def certify(here: Site, *args: str) -> Said:
    return confirm(here, "certificate/destruction", "--proof", "certified", *args)


def test_a_document_that_says_everything_is_taken_as_certified(purged: Site) -> None:
    document = paper(purged, "certificate.pdf", "We hereby certify")
    said = certify(purged, "--evidence", document)
    assert (said.code, "CRM-F010" in said.err) == (3, True), "nobody has read it"
    said = examine(purged)
    assert (said.code, "Complete" in said.out) == (0, True), said.out + said.err
    other = certify(purged, "--evidence", paper(purged, "other.pdf", "other"))
    assert (other.code, "CRM-F022" in other.err) == (3, True)
    assert certify(purged, "--evidence", document, "--by", "dpo").code == 0
    dates = [each["at"] for each in plan_of(purged)["deadlines"] if each["what"] == "backups"]
    assert dates == ["2027-03-02T00:00:00Z"], "the vendor's copies have a clock of their own"
    found = [each for each in state(purged).entries.values() if each.address == "certificate/destruction"]
    assert [(each.outcome, each.proof) for each in found] == [(Outcome.DONE, Proof.CERTIFIED)]
    ended(purged)


LACKING = {
    "tenant": ("tenant: t-1001\n", "", "CRM-F012"),
    "another tenant": ("t-1001", "t-9", "CRM-F013"),
    "datasets": ("datasets: {Contacts: 7, Deals: 7}\n", "", "CRM-F012"),
    "a dataset": (", Deals: 7", "", "CRM-F014"),
    "a count": ("Deals: 7", "Deals: null", "CRM-F015"),
    "fewer": ("Deals: 7", "Deals: 6", "CRM-F016"),
    "backups": ("backups: {expire: 2027-03-01}\n", "", "CRM-F012"),
    "backups for ever": ("{expire: 2027-03-01}", "kept", "CRM-F017"),
    "their expiry": ("{expire: 2027-03-01}", "expire", "CRM-F018"),
    "sub-processors": ("sub_processors: [Example Hosting]\n", "", "CRM-F012"),
    "date": ("date: 2026-11-20\n", "", "CRM-F012"),
    "a date before the purge": ("2026-11-20", "2026-10-01", "CRM-F019"),
    "a date to come": ("2026-11-20", "2026-12-24", "CRM-F020"),
    "signatory": ("signatory: Jane Doe, Head of Trust\n", "", "CRM-F012"),
}


def test_what_a_document_does_not_say_is_listed_and_never_assumed(purged: Site) -> None:
    for what, (old, new, code) in LACKING.items():
        assert old in TRANSCRIPT, what
        said = examine(purged, TRANSCRIPT.replace(old, new))
        assert (said.code, code in said.out) == (1, True), (what, said.out, said.err)
        refused = certify(purged, "--evidence", paper(purged, "certificate.pdf", "We hereby certify"))
        assert (refused.code, code in refused.err) == (3, True), what
    assert state(purged).examined[-1].document.proof is Proof.ACKNOWLEDGED
    weaker = confirm(purged, "certificate/destruction", "--proof", "acknowledged", "--evidence", paper(purged, "x"))
    assert weaker.code == 3
    assert run(purged, "certificate", "show").code == 1
    fields = ["tenant=t-1001", "datasets.contacts=7", "datasets.deals=7", "backups=destroyed", "sub_processors=none"]
    fields += ["date=2026-11-20", "signatory=Jane Doe"]
    said = examine(purged, "{}\n", *(word for field in fields for word in ("--field", field)))
    assert (said.code, run(purged, "certificate", "show", "--format", "json").json["complete"]) == (0, True), said.err


def test_a_transcript_that_cannot_be_meant_is_refused_and_nothing_is_recorded(purged: Site) -> None:
    serial = state(purged).serial
    said = examine(purged, TRANSCRIPT.replace("tenant", "tennant"))
    assert (said.code, "CRM-F011" in said.err) == (64, True), said.err
    said = examine(purged, TRANSCRIPT.replace("sub_processors: [", "sub_processors: [["))
    assert (said.code, "certificate.pdf.yaml:" in said.err) == (64, True), said.err
    assert run(purged, "certificate", "check", paper(purged, "bare.pdf")).code == 64, "nothing is written down"
    assert (state(purged).serial, state(purged).examined) == (serial, ())


# The migration


def counted(here: Site, text: str) -> Said:
    return run(here, "migrate", "check", paper(here, "counts.csv", text))


def test_nothing_is_purged_or_cancelled_before_the_migration_is_compared_and_accepted(here: Site) -> None:
    here.write(ADOPTED)
    early = counted(here, "dataset,count\nContacts,7\n")
    assert (early.code, "CRM-F027" in early.err) == (3, True), "there is no archive yet"
    code, table = apply(here)
    assert (code, table["confirm migration/dataset:Contacts"]) == (0, "waiting")
    assert table["purge dataset/contacts"] == table["cancel subscription/sub-1"] == "not_started"
    assert not {each["verb"] for each in effects(here)} & {"purge", "cancel", "close"}
    word = confirm(here, "migration/dataset:Contacts", "--evidence", paper(here, "x"))
    assert (word.code, "CRM-F025" in word.err) == (3, True)
    short = counted(here, "dataset,field,count\nContacts,,6\nContacts,fields.Name,7\nDeals,,7\n")
    assert (short.code, short.out.count("DIFFERS")) == (1, 1)
    assert step(here, "migration/dataset:Deals") is None, "what is equal is done"
    assert "archive 7, there 6" in here.plan().out
    blind = counted(here, "dataset,count\nContacts,7\n")
    assert (blind.code, "check of fields" in blind.out) == (1, True)
    unknown = counted(here, "dataset,field,count\nContacts,,7\nContacts,Nmae,7\n")
    assert (unknown.code, "CRM-F029" in unknown.err) == (64, True)
    whole = counted(here, "dataset;field;count\nContacts;;7\nContacts;fields.Name;7\n")
    assert (whole.code, step(here, "migration/dataset:Contacts")) == (0, None), whole.out + whole.err
    assert apply(here)[1]["purge dataset/contacts"] == "not_started", "compared is not accepted"
    assert confirm(here, "migration/accepted", "--evidence", paper(here, "mail.eml")).code == 3, "attested is too weak"
    accepted = ("migration/accepted", "--proof", "acknowledged", "--evidence", paper(here, "mail.eml"))
    assert confirm(here, *accepted).code == 0
    assert apply(here)[1]["purge dataset/contacts"] == "done"
    ended(here)


def test_a_comparison_holds_for_the_archive_that_it_was_made_with(here: Site) -> None:
    here.write(ADOPTED.replace("freeze: now", "freeze: 2026-11-10T18:00:00Z").replace(", check: [counts, fields]", ""))
    apply(here)
    assert counted(here, "dataset,count\nContacts,7\nDeals,7\n").code == 0
    found = step(here, "migration/dataset:Contacts")
    assert found is not None and found["needs"], "the delta after the freeze may still add to it"
    here.advance("2026-11-11T00:00:00Z")
    code, table = apply(here)
    assert (code, table["delta archive/contacts"], table["purge dataset/contacts"]) == (0, "done", "not_started")


NO_COUNTS = {
    "no columns": "a,b\n1,2\n",
    "a word": "dataset,count\nContacts,many\n",
    "a sign": "dataset,count\nContacts,-7\n",
    "twice": "dataset,count\nContacts,7\nContacts,8\n",
    "fields alone": "dataset,field,count\nContacts,Name,7\n",
    "nothing": "dataset,count\n",
    "too many cells": "dataset,count\nContacts,7,8\n",
    "an open quote": 'dataset,count\n"Contacts,7\n',
}


def test_counts_that_cannot_be_meant_name_their_line(here: Site) -> None:
    here.write(ADOPTED)
    apply(here)
    serial = state(here).serial
    for what, text in NO_COUNTS.items():
        said = counted(here, text)
        assert (said.code, "CRM-F026" in said.err, "counts.csv:" in said.err) == (64, True, True), (what, said.err)
    said = counted(here, "dataset,count\nInvoices,7\n")
    assert (said.code, "CRM-F028" in said.err, state(here).serial) == (64, True, serial)


# Looking back


def test_an_evaluation_falls_due_after_the_end_and_is_done_when_it_says_everything(here: Site) -> None:
    here.write(REVIEWED)
    ended(here)
    made = plan_of(here)
    assert [each["address"] for each in made["steps"]] == []
    (date,) = [each for each in made["deadlines"] if each["what"] == "evaluation"]
    assert date["at"] > "2027-01-29"
    assert here.plan("--detailed-exitcode").code == 0, "a date to come is no step"
    here.advance("91d")
    found = step(here, "evaluation/review")
    assert (found["owner"], here.plan("--detailed-exitcode").code) == ("cfo@example.com", 9)
    said = confirm(here, "evaluation/review", "--offline")
    assert (said.code, "cost/before" in said.err, "verdict" in said.err) == (3, True, True)
    assert run(here, "evaluate", "import", paper(here, "sheet.csv", SHEET)).code == 0
    assert confirm(here, "evaluation/review", "--by", "cfo").code == 0
    assert here.plan("--detailed-exitcode").code == 0
    assert "Finished" in here.run("status", str(here.manifest)).out


def test_a_report_compares_before_and_after_and_shows_what_people_wrote_as_text(here: Site) -> None:
    here.write(REVIEWED)
    assert run(here, "evaluate", "import", paper(here, "sheet.csv", SHEET)).code == 0
    line = ("--kind", "measure", "--name", "response_time", "--side", "after", "--value", "2.5", "--unit", "hours")
    assert run(here, "evaluate", "add", *line).code == 0
    text = run(here, "evaluate", "report").out
    assert "| EUR | 14400.00 | 9000.00 | 5400.00 | 0.00 |" in text
    assert "| `response_time` | 4.5 | 2.5 | -2.0 | `hours` |" in text
    for lang, verdict in (("en", "No."), ("zh-CN", "不会。")):
        out = here.folder / f"report-{lang}.html"
        said = run(here, "evaluate", "report", "--format", "html", "--out", str(out), "--lang", lang)
        assert said.code == 0
        page = out.read_text("utf-8")
        assert (
            f'lang="{lang}"' in page and verdict in page and "&lt;b&gt;faster&lt;/b&gt;" in page and "<b>" not in page
        )
        assert "http" not in page and "<script" not in page
        assert run(here, "evaluate", "report", "--format", "html", "--out", str(here.manifest)).code == 1
    shown = run(here, "evaluate", "show", "--format", "json").json
    assert shown["missing"] == []
    for name in ("--format", "--as"):  # as it was called at first
        assert run(here, "evaluate", "report", name, "json").json == shown


def test_a_sheet_is_taken_whole_or_not_at_all_and_every_bad_line_is_named(here: Site) -> None:
    here.write(REVIEWED)
    assert run(here, "evaluate", "import", paper(here, "sheet.csv", SHEET)).code == 0
    serial = state(here).serial
    bad = [
        "cost,licences,after,10,USD,month,,", "cost,other,after,1e3,EUR,month,,", "cost,other,after,1,euro,month,,",
        "cost,other,after,1,EUR,week,,", "cost,other,later,1,EUR,month,,", "measure,response_time,before,1,minutes,,,",
        "measure,nps,before,good,,,,", "measure,,before,1,,,,", "feedback,,,,,,,", "verdict,,,maybe,,,x,", "idea,,,,,,x,",
    ]  # fmt: skip
    text = "\n".join(["kind,name,side,value,unit,per,text,who", *bad, "lesson,,,,,,fine,"])
    said = run(here, "evaluate", "import", paper(here, "bad.csv", text))
    assert (said.code, state(here).serial) == (64, serial)
    assert [f"bad.csv:{number}:" in said.err for number in range(2, 14)] == [True] * 11 + [False]


def test_what_was_handed_in_stands_in_the_journal_and_in_no_line_twice(here: Site) -> None:
    here.write(REVIEWED)
    run(here, "evaluate", "import", paper(here, "sheet.csv", SHEET))
    history = here.run("state", "history", "exit", "--folder", str(here.folder), "--format", "json")
    assert history.code == 0 and history.out.count("remarked") == 1
    assert json.loads(history.out)


def test_a_saved_plan_from_which_the_acceptance_was_taken_out_is_not_applied(here: Site) -> None:
    here.write(ADOPTED.partition("  migrate:\n")[0])
    saved = here.folder / "plan.json"
    assert here.plan("--out", str(saved)).code == 0
    plan = json.loads(saved.read_text("utf-8"))
    assert "migration/accepted" in {each["address"] for each in plan["steps"]}
    plan["steps"] = [each for each in plan["steps"] if each["address"] != "migration/accepted"]
    saved.write_text(json.dumps(plan), encoding="utf-8")
    said = here.run("apply", str(saved), "--yes")
    assert (said.code, effects(here)) == (5, []), said.out + said.err

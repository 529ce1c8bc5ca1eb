"""A vendor without an API, from what its own export gave to the end: people do everything, and their proof is kept."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .site import Site

pytestmark = pytest.mark.usefixtures("quick")

MANIFEST = """
apiVersion: crmstate/v1
kind: Decommission
name: paper-exit
owner: owner@example.com
provider:
  name: paper
  tenant: K-4711
  exports: exports
  coverage: {by: owner@example.com, why: every list of the system was exported}
cutover: {freeze: now}
end_state:
  subscription: {status: cancelled, effective: immediately}
  users: {status: removed, keep: [{email: owner@example.com, why: closes the account}]}
  api_keys: {status: revoked}
  data:
    archive: {to: ./archive, datasets: all, attachments: true, verify: {counts: exact, sample: 100%, restore_test: true}}
    purge: {status: purged, bin: emptied, certificate: required}
  account: {status: deleted}
"""

DOCUMENT = [
    part
    for field in (
        "tenant=K-4711",
        "datasets.Contacts=2",
        "datasets.Deals=1",
        "datasets.files=1",
        "backups=destroyed",
        "sub_processors=none",
        f"date={datetime.now(UTC):%Y-%m-%d}",
        "signatory=Paper Ltd",
    )
    for part in ("--field", field)
]
"""What the vendor's document says."""


def exported(folder: Path) -> Site:
    """A folder with its manifest, one table exported and counted, and a paper to prove things with."""
    made = Site(folder)
    made.write(MANIFEST)
    (folder / "exports").mkdir()
    (folder / "exports" / "Deals.csv").write_text("id,sum\n1,12\n", encoding="utf-8")
    (folder / "exports" / "counts.csv").write_text("dataset,rows\nDeals,1\n", encoding="utf-8")
    (folder / "proof.pdf").write_bytes(b"%PDF-1.7 the vendor's letter")
    return made


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A folder with the manifest and an export of two tables and a file; nothing is served."""
    made = Site(tmp_path)
    made.write(MANIFEST)
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "Contacts.csv").write_text(
        "id,name,mail\n1,Müller,m@example.com\n2,李雷,l@example.com\n", encoding="utf-8"
    )
    (folder / "Deals.csv").write_text("编号;金额\n1;12,50\n", encoding="gb18030")
    (folder / "offer.pdf").write_bytes(b"%PDF-1.7 offer")
    (folder / "counts.csv").write_text("dataset,rows\nContacts,2\nDeals,1\n", encoding="utf-8")
    (tmp_path / "proof.pdf").write_bytes(b"%PDF-1.7 the vendor's letter")
    return made


def steps(here: Site) -> list[dict[str, str]]:
    found = here.plan("--format", "json")
    assert found.code == 0, found.err
    return list(json.loads(found.out)["steps"])


def exported_again(here: Site) -> None:
    """As after the freeze: the same files, put down later."""
    for path in (here.folder / "exports").iterdir():
        os.utime(path)


def confirm_all(here: Site) -> list[str]:
    """People report whatever they can; what is refused since its time has not come. The document of destruction is read
    first."""
    letter, refused = str(here.folder / "proof.pdf"), []
    for step in steps(here):
        if step["mode"] != "manual":
            continue
        if step["address"] == "certificate/destruction":
            here.run("certificate", "check", letter, str(here.manifest), *DOCUMENT)
        proof = step.get("proof", "attested")
        said = here.run("confirm", step["address"], str(here.manifest), "--proof", proof, "--evidence", letter)
        assert said.code in (0, 3), said.err
        if said.code:
            refused.append(step["address"])
    return refused


def test_the_whole_end_is_carried_by_people_and_a_second_plan_has_nothing_to_do(here: Site) -> None:
    said = here.apply()
    assert said.code == 0, said.err
    confirm_all(here)  # what they can do before the delta: keys, people, the contract
    exported_again(here)
    for _ in range(3):
        assert here.apply().code == 0
        confirm_all(here)
    assert here.apply().code == 0

    assert "No changes" in here.plan().out
    status = here.run("status", str(here.manifest)).out
    assert "attested" in status
    shown = here.run("archive", "show", str(here.folder / "archive")).out
    assert "Contacts" in shown and "files" in shown
    restored = here.folder / "back"
    assert here.run("archive", "restore", str(here.folder / "archive"), "--to", str(restored), "--as", "csv").code == 0
    assert any("李雷" in path.read_text(encoding="utf-8") for path in restored.rglob("*.csv"))


def test_nobody_is_asked_over_a_network_and_no_key_of_ours_is_to_be_revoked(here: Site) -> None:
    assert {step["address"] for step in steps(here) if step["verb"] == "revoke"} == {"api_key/all"}


def test_an_export_from_before_the_freeze_is_not_the_last_one(here: Site) -> None:
    assert here.apply().code == 0
    for path in (here.folder / "exports").iterdir():
        os.utime(path, (1, 1))
    confirm_all(here)
    here.apply()

    found = json.loads(here.plan("--format", "json").out)

    assert {each["address"] for each in found["blocked"]} >= {"archive/Contacts", "archive/Deals", "archive/files"}
    assert not [step for step in found["steps"] if step["verb"] == "delta"]


def test_what_the_manifest_declares_of_a_table_is_how_it_is_read(here: Site) -> None:
    said = here.plan("--lang", "en").out
    assert (
        "Deals is written in gb18030 is a guess" in said and "`encoding: gb18030`, or the right one, for Deals" in said
    ), said
    here.apply()
    coverage = here.folder / "archive" / "paper-exit" / "coverage.json"
    assert "guessed" in json.loads(coverage.read_text())
    text = here.manifest.read_text(encoding="utf-8").replace("name: paper-exit", "name: other")
    here.write(
        text.replace("  exports: exports\n", "  exports: exports\n  tables: {Deals: {encoding: gbk, id: 编号}}\n")
    )
    assert here.run("validate", str(here.manifest)).code == 0
    assert "CRM-P063" not in here.plan().out
    here.apply()
    coverage = here.folder / "archive" / "other" / "coverage.json"
    found = {each["dataset"]: each.get("encoding") for each in json.loads(coverage.read_text())["datasets"]}
    assert (found["Deals"], found["Contacts"]) == ("gbk", "utf-8") and "guessed" not in coverage.read_text()
    shown = here.run("archive", "verify", str(here.folder / "archive" / "other"), "--format", "json")
    assert shown.code == 0
    here.change("encoding: gbk", "encoding: klingon")
    assert here.run("validate", str(here.manifest)).code == 65


def test_an_export_of_a_round_number_of_rows_that_nobody_counted_is_told_before_anything_goes(here: Site) -> None:
    rows = "".join(f"{n},x\n" for n in range(2000))
    (here.folder / "exports" / "Deals.csv").write_text("id,name\n" + rows, encoding="utf-8")
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nContacts,2\n", encoding="utf-8")
    assert here.apply().code == 0
    said = here.plan("--lang", "en").out
    assert "CRM-P062" in said and "Deals has just 2,000 records" in said and "Contacts has just" not in said
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nContacts,2\nDeals,2431\n", encoding="utf-8")
    exported_again(here)
    confirm_all(here)
    assert here.apply().code == 6
    assert not any(step["verb"] == "purge" and step["mode"] == "auto" for step in steps(here))


def test_an_export_that_is_shorter_than_the_vendor_shows_is_not_verified(here: Site) -> None:
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nContacts,3\nDeals,1\n", encoding="utf-8")

    said = here.apply()

    assert said.code == 6 and "Contacts" in said.out + said.err


def test_a_vendor_with_an_api_takes_no_folder_and_paper_takes_nothing_else(here: Site) -> None:
    text = here.manifest.read_text(encoding="utf-8")
    here.write(text.replace("  exports: exports\n", "  credentials: {read: {token: {env: CRMSTATE_X}}}\n"))
    assert "CRM-V041" in here.plan().err
    here.write(text.replace("name: paper\n", "name: tryton\n  url: http://127.0.0.1:1\n"))
    assert "CRM-V040" in here.plan().err
    here.write(text.replace("exports: exports", "exports: ../elsewhere"))
    assert here.plan().code == 3


def test_a_broken_table_is_named_before_anything_is_kept(here: Site) -> None:
    (here.folder / "exports" / "Deals.csv").write_bytes(b"a,b\n1\n")

    for said in (here.plan(), here.apply()):
        text = said.out + said.err
        assert said.code == 3 and "CRM-V045" in text and "exports/Deals.csv:2" in text, text
    assert not (here.folder / "archive").exists()


def test_counts_that_differ_are_those_of_the_file_that_somebody_wrote(here: Site) -> None:
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nContacts,3\n", encoding="utf-8")
    said = here.plan("--lang", "en").out
    assert "CRM-P059" in said and "`Deals,NUMBER`" in said and "`Contacts,NUMBER`" not in said, said
    assert "CRM-V062" in said and "Contacts.csv has 2 rows, and counts.csv says 3" in said, said
    said = here.apply().out
    assert "CRM-A096" in said and "credential" not in said, said


def test_a_folder_among_the_exports_is_no_matter_of_the_network(here: Site) -> None:
    (here.folder / "exports" / "Aufgaben").mkdir()
    for said in (here.plan(), here.apply()):
        assert (said.code, "CRM-V050" in said.err, "network" in said.err) == (1, True, False), said.err


@pytest.mark.parametrize("began", [False, True])
def test_a_dataset_is_called_as_people_type_it_unless_its_archive_began_under_the_other_writing(
    here: Site, monkeypatch: pytest.MonkeyPatch, began: bool
) -> None:
    one, other = "Auftra\u0308ge", "Auftr\u00e4ge"
    (here.folder / "exports" / "Deals.csv").rename(here.folder / "exports" / f"{one}.csv")
    (here.folder / "exports" / "counts.csv").write_text("dataset,rows\nContacts,2\n", encoding="utf-8")
    with monkeypatch.context() as earlier:
        if began:
            earlier.setattr("crmstate.providers.paper.folder.normalize", lambda _, text: text)
        assert here.apply().code == 0
    found = {(each["verb"], each["address"]) for each in steps(here) if each["kind"] == "dataset"}
    assert ("purge", f"dataset/Auftr{'a%CC%88' if began else '%C3%A4'}ge") in found, found
    assert not {each["verb"] for each in steps(here)} & {"archive", "verify"}
    typed = here.run("confirm", f"dataset/{one if began else other}", str(here.manifest), "--proof", "attested")
    assert "CRM-C006" not in typed.err, typed.err


def test_an_export_of_long_ago_is_not_the_last_one_even_where_the_freeze_is_now(here: Site) -> None:
    """Nothing else stands before the delta here: the freeze and the delta would go in one apply."""
    ends = [
        line
        for line in MANIFEST.splitlines()
        if not line.startswith(("  subscription", "  users", "  api_keys", "  account"))
    ]
    here.write("\n".join(ends))
    for path in (here.folder / "exports").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))

    assert here.apply().code == 0

    found = json.loads(here.plan("--format", "json").out)
    assert "archive/Contacts" in {each["address"] for each in found["blocked"]}


def test_a_folder_that_is_not_there_is_named_and_not_taken_for_a_network(here: Site) -> None:
    here.change("exports: exports", "exports: exprots")
    said = here.plan()
    assert (said.code, "CRM-V042" in said.err) == (65, True), said.err


ONLY_PAPER = """
apiVersion: crmstate/v1
kind: Decommission
name: paper-exit
owner: owner@example.com
provider: {name: paper, tenant: K-4711, exports: exports}
contract: {parties: {vendor: Papertrail Ltd}}
cutover: {freeze: now}
mail: {host: 127.0.0.1, port: 1, tls: none, sender: owner@example.com}
notices: [{to: partners, channel: mail, recipients: {file: list.csv}, send: 30 days before freeze}]
end_state:
  subscription: {status: cancelled, effective: immediately}
"""


@pytest.mark.parametrize("named", [True, False])
def test_the_vendor_is_called_what_the_contract_calls_it(here: Site, named: bool) -> None:
    here.write(ONLY_PAPER if named else ONLY_PAPER.replace("contract: {parties: {vendor: Papertrail Ltd}}\n", ""))
    (here.folder / "list.csv").write_text("email\nann@example.com\n", encoding="utf-8")
    plan = here.plan("--format", "json").json
    assert plan["notices"][0]["subject"].startswith("the CRM of Papertrail Ltd is" if named else "our CRM is")
    here.run("confirm", "notice/partners-mail", str(here.manifest), "--note", "told by telephone")
    here.apply()
    asked = here.run("confirm", "subscription/contract", str(here.manifest))
    assert asked.code == 0, asked.err
    page = here.folder / "report.html"
    for more in ((), ("--offline",)):
        status = here.run("status", str(here.manifest), *more)
        assert ("from Papertrail Ltd" in status.out) is (named and not more), status.out
        assert "Finished" not in status.out  # the end itself is not proved, whoever is asked
        assert here.run("report", str(here.manifest), "--out", str(page), *more).code == 0
        text = page.read_text("utf-8")
        assert ("Papertrail Ltd" in text) is named and "Finished" not in text


def test_nobody_looks_back_before_the_end(here: Site) -> None:
    here.write(MANIFEST + "evaluation: {after: 90 days, measures: [cost], owner: cfo@example.com}\n")
    said = here.run("confirm", "evaluation/review", str(here.manifest))
    assert (said.code, "CRM-C082" in said.err) == (3, True), said.err
    waived = ("--waive", "--note", "nobody is left who could", "--expires", "2099-01-01")
    assert here.run("confirm", "evaluation/review", str(here.manifest), *waived).code == 0


RESTING = """
apiVersion: crmstate/v1
kind: Decommission
name: paper-exit
owner: owner@example.com
provider: {name: paper, tenant: K-4711, exports: exports}
contract:
  term: {start: 2020-02-01, length: 12 months, end: inclusive, renewal: automatic}
  notice: {period: 30 days, before: term_end, to: legal@vendor.example}
end_state:
  subscription: {status: paused, from: 2020-03-01, until: 2099-03-01}
"""


def test_the_proof_of_a_pause_is_no_end_of_the_contract(here: Site) -> None:
    here.write(RESTING)
    first = steps(here)
    assert [(each["verb"], each["why"]["code"]) for each in first] == [
        ("pause", "why.subscription.paused"),
        ("probe", "why.result.pause.later"),
    ]
    for proof in ("attested", "certified"):
        said = here.run(
            "confirm", "subscription/contract", str(here.manifest), "--proof", proof,
            "--evidence", str(here.folder / "proof.pdf"),
        )  # fmt: skip
        assert said.code == 0, said.err
    life = json.loads(here.plan("--format", "json").out)["life"]
    assert life["state"] == "active" and [each["what"] for each in life["asides"]] == ["paused", "renewed_by_default"]
    assert steps(here) == []
    dates = here.run("deadlines", str(here.manifest), "--format", "json").json["deadlines"]
    assert {"notice_deadline", "term_end", "renewal", "pause"} <= {each["what"] for each in dates}

    here.change("{status: paused, from: 2020-03-01, until: 2099-03-01}", "{status: cancelled, effective: end_of_term}")
    assert [(each["verb"], each["address"]) for each in steps(here)] == [
        ("request", "notice/contract"),
        ("renew_off", "subscription/contract"),
        ("probe", "subscription/contract"),
    ]


TRAINING = """
people:
  - {id: training, title: Train sales, owner: hr@example.com, proof: attested, before: freeze}
"""


def test_an_export_is_asked_for_after_the_freeze_and_not_while_the_freeze_waits(here: Site) -> None:
    """The freeze `now` moves with every plan as long as it is not on record: no export could ever be late enough."""
    here.write(MANIFEST + TRAINING)
    first = here.apply("--quiet").out
    assert "Waited for first: confirm human_step/training" in first, first
    exported_again(here)
    plan = here.plan("--format", "json").json
    why = {each["address"]: (each["why"]["code"], each["why"]["params"].get("names")) for each in plan["blocked"]}
    awaits = ("blocked.export_after_freeze.waits", "human_step/training")
    assert why == dict.fromkeys(("archive/Contacts", "archive/Deals", "archive/files"), awaits)
    text = here.plan("--lang", "en").out
    assert "It waits for human_step/training." in text and "Export it again" not in text
    assert "waits for human_step/training" in here.run("status", str(here.manifest)).out

    assert here.run("confirm", "human_step/training", str(here.manifest)).code == 0
    said = here.apply().out
    assert "comes with `apply`" in said and "freeze, which waits" not in said, said
    for path in (here.folder / "exports").iterdir():
        os.utime(path, (1, 1))
    assert "Export it again" in here.plan("--lang", "en").out
    exported_again(here)
    assert {each["verb"] for each in steps(here) if each["address"].startswith("archive/")} == {"delta"}


def test_a_freeze_on_a_day_to_come_asks_for_no_export_before_it(here: Site) -> None:
    here.change("freeze: now", "freeze: 2099-01-01T18:00:00Z")
    assert here.apply().code == 0
    text = here.plan("--lang", "en").out
    assert "after the freeze at 2099-01-01T18:00:00Z" in text and "Export it again" not in text, text


def test_what_only_the_whole_of_a_long_table_shows_is_named_by_its_line(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmstate.providers.paper.folder.LOOKED", 0)
    monkeypatch.setattr("crmstate.providers.paper.folder.PAGE", 2)
    (here.folder / "exports" / "Deals.csv").write_text("a,b\n" + "1,2\n" * 5 + "3\n", encoding="utf-8")
    assert here.plan().code == 0
    said = here.apply()
    text = said.out + said.err
    assert said.code == 6 and "CRM-V045" in text and "line 7" in text and "vendor was not" not in text, text


def test_what_people_read_calls_things_by_their_names(here: Site) -> None:
    parties = "contract: {parties: {customer: Acme GmbH, vendor: Papertrail Ltd}, regimes: [gdpr]}\n"
    here.write(MANIFEST + parties + "evaluation: {after: 90 days, measures: [cost], owner: cfo@example.com}\n")
    assert here.apply().code == 0
    letter = here.run("letter", "deletion", str(here.manifest)).out
    assert "Contacts: 2 records" in letter and "documents and attachments (1 file)" in letter, letter
    assert "Vendor `Papertrail Ltd`" in here.run("evaluate", "report", str(here.manifest)).out

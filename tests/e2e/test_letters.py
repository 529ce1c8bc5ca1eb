"""The whole way: a CRM is archived and purged, and the letters say what the record proves."""

from __future__ import annotations

import json

import pytest

from .site import MANIFEST, Site

CONTRACT = """\
contract:
  parties: {customer: Acme GmbH, customer_address: Hauptstr. 1, vendor: Sandbox Ltd., vendor_address: Example Road 2, number: S-1}
  regimes: [gdpr]
  notice: {period: 1 days, before: term_end, to: legal@vendor.example}
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic}
cutover:"""


@pytest.mark.usefixtures("quick")
def test_letters_say_what_was_archived_verified_and_purged(here: Site) -> None:
    here.change("cutover:", CONTRACT)
    before = json.loads(here.run("letter", "deletion", str(here.manifest), "--format", "json").out)
    assert [each["field"] for each in before["missing"]] == ["account.id", "data.all"]
    assert "CRM-L010" in [each["code"] for each in before["diagnostics"]]

    notice, receipt = here.folder / "notice.eml", here.folder / "receipt.eml"
    said = here.run("letter", "cancellation", str(here.manifest), "--format", "eml", "--out", str(notice))
    assert said.code == 9 and notice.read_bytes().startswith(b"Subject: [DRAFT] Cancellation of agreement no. S-1\r\n")
    receipt.write_text("We have received your notice.", encoding="utf-8")
    files = ("--evidence", str(notice), "--evidence", str(receipt))
    assert here.run("confirm", "notice/contract", str(here.manifest), "--proof", "acknowledged", *files).code == 0
    assert here.apply().code == 0

    after = json.loads(here.run("letter", "deletion", str(here.manifest), "--format", "json").out)
    assert after["missing"] == [] and after["diagnostics"] == []
    facts = {each["field"]: each for each in after["facts"]}
    assert {facts[f"data.kept[{n}].name"]["value"] for n in range(2)} == {"Contacts", "Deals"}
    assert facts["data.kept[0].name"]["from"].startswith("record: archive/")
    assert [facts[f"data.purged[{n}].rows"]["value"] for n in range(2)] == ["7", "7"]
    assert facts["data.discarded[0].name"]["value"].lower() == "dashboards"
    assert "which you have acknowledged" in " ".join(after["text"].split())

    out = here.folder / "deletion.eml"
    sent = here.run("letter", "deletion", str(here.manifest), "--format", "eml", "--out", str(out))
    assert sent.code == 0 and out.read_bytes().startswith(b"Subject: Instruction to delete personal data\r\n")


def test_a_letter_that_ends_what_the_manifest_does_not_end_says_so(here: Site) -> None:
    for goal in ("{status: downgraded, to: free, effective: immediately}", "{status: active}"):
        here.write(
            MANIFEST.replace("{status: cancelled, effective: immediately}", goal).replace(
                "  account: {status: deleted}\n", ""
            )
        )
        said = here.run("letter", "cancellation", str(here.manifest), "--format", "json")
        assert "CRM-L014" in [each["code"] for each in said.json["diagnostics"]], said.err
    here.write(MANIFEST)
    said = here.run("letter", "cancellation", str(here.manifest), "--format", "json")
    assert "CRM-L014" not in [each["code"] for each in said.json["diagnostics"]]


@pytest.mark.parametrize("depth", [40, 300, 9000])
def test_a_template_that_is_nested_for_ever_is_a_finding_and_no_bug(here: Site, depth: int) -> None:
    own = here.folder / "letters"
    own.mkdir()
    (own / "cancellation.j2").write_text("{% if " + "not " * depth + "customer.name %}x{% endif %}y", encoding="utf-8")
    said = here.run("letter", "cancellation", str(here.manifest), "--templates", str(own))
    assert said.code == (0 if depth == 40 else 65), said.err
    assert depth == 40 or said.err.startswith("error[CRM-L015]"), said.err

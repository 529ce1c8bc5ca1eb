"""No command writes over a file that it did not write itself, and none among the records."""

from __future__ import annotations

from tests.e2e.site import Site

MANIFEST = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: owner@example.com
reason: {code: replaced, text: Sales moves to another CRM.}
provider: {name: sandbox, embedded: acme.db}
contract:
  parties: {customer: Example GmbH, vendor: Vendor Ltd, number: V-1}
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 30 days, before: term_end, roll: none}
notices:
  - {to: staff, channel: mail, send: 30 days before freeze}
mail: {host: 127.0.0.1, port: 2525, tls: none, sender: owner@example.com}
cutover: {freeze: 2027-01-15T18:00Z}
end_state:
  sessions: {status: ended}
evaluation: {after: 90 days, measures: [cost], owner: owner@example.com}
"""
WRITING = (
    ("plan", "--out"), ("graph", "--out"), ("notices", "--out"), ("report", "--out"), ("letter", "cancellation", "--out"),
    ("evaluate", "report", "--out"), ("deadlines", "--ics"), ("evidence", "bundle", "--out"),
)  # fmt: skip


def test_nothing_is_written_over_what_is_somebody_elses(here: Site) -> None:
    here.write(MANIFEST)
    notes = here.folder / "notes.md"
    notes.write_text("mine\n", encoding="utf-8")
    assert here.apply("--quiet").code == 0
    records = here.folder / ".crmstate" / "exit"
    kept = [here.manifest, notes, *sorted(path for path in records.rglob("*") if path.is_file())]
    before = {path: path.read_bytes() for path in kept}
    for *words, option in WRITING:
        for out in (here.manifest, notes, records / "journal" / "00000001.jsonl", records / "new"):
            said = here.run(*words, str(here.manifest), option, str(out))
            assert said.code not in (0, 70) and "error[CRM-" in said.err, (words, out, said)
            assert {path: path.read_bytes() for path in kept} == before, (words, out)
            assert not (records / "new").exists(), (words, out)

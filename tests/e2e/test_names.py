"""Who says so: a name goes on record as one line that hides nothing, or it is refused before anything is recorded."""

from __future__ import annotations

import pytest

from .scenes import EMBEDDED, written
from .site import Site

MANIFEST = f"""\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: revops@example.com
{EMBEDDED}
end_state: {{sessions: {{status: active}}}}
people:
  - {{id: training, title: Train, owner: hr@example.com, proof: attested}}
"""
TRAINING = ("confirm", "human_step/training")


NAMES = {
    "header": "Bob\nBcc: all@example.com",
    "terminal": "\x1b[2JBob",
    "direction": "Bob\u202egpj",
    "encoded": "=?utf-8?q?=0ABcc?=",
    "empty": "",
    "blank": "  ",
    "long": "B" * 201,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_is_more_than_a_line_or_nobody_is_refused(
    here: Site, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write(MANIFEST)
    before = written(here.folder, ".crmstate/exit/lock")
    said = here.run(*TRAINING, str(here.manifest), "--by", name)
    assert (said.code, "CRM-C084" in said.err) == (64, True)
    monkeypatch.setenv("CRMSTATE_BY", name)
    if name:  # an empty variable is none
        said = here.run(*TRAINING, str(here.manifest))
        assert (said.code, "CRM-C084" in said.err) == (64, True)
    assert written(here.folder, ".crmstate/exit/lock") == before


def test_blanks_around_a_name_make_nobody_else_of_it(here: Site) -> None:
    here.write(MANIFEST + "safeguards: {approvals: {irreversible: 2}}\n")
    here.change("{sessions: {status: active}}", "{sessions: {status: ended}}")
    here.change("end_state:", "cutover: {freeze: now}\nend_state:")
    plan = str(here.folder / "plan.json")
    assert here.plan("--out", plan).code == 0
    assert "1 of 2" in here.run("approve", plan, "--by", "Ann").err
    assert "1 of 2" in here.run("approve", plan, "--by", " Ann ").err


def test_what_is_wrong_with_a_notice_is_said_with_its_line_and_nothing_else_is_advised(here: Site) -> None:
    (here.folder / "list.csv").write_text("email\n", encoding="utf-8")
    notices = """\
notices:
  - {to: partners, channel: mail, recipients: {file: list.csv}, template: ../../x, send: 2026-10-01}
mail: {host: 127.0.0.1, port: 2525, tls: none, sender: revops@example.com, name: "RevOps\\r\\nBcc: all@example.com"}
"""
    here.write(MANIFEST + notices)
    made = here.plan("--format", "json").json
    found = {each["code"]: (each.get("span") or {}).get("line") for each in made["diagnostics"]}
    lines = (MANIFEST + notices).splitlines()
    first = lines.index("notices:") + 2
    assert {each: line for each, line in found.items() if each.startswith("CRM-N")} == {
        "CRM-N010": first, "CRM-N048": first + 1, "CRM-N003": 1,
    }  # fmt: skip
    assert here.apply().code == 3
    assert not list((here.folder / ".crmstate").rglob("*.jsonl"))

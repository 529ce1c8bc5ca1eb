"""Where a manifest masks people, no command shows one of them: not in text, and not in JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .site import HEAD, MANIFEST, Site

pytestmark = pytest.mark.usefixtures("quick")
MASKED = (
    MANIFEST
    + """\
privacy: {mask_people: true}
settlement: {owner: finance@example.com, due: 2027-03-01}
evaluation: {after: 90 days, measures: [cost], owner: cfo@example.com}
"""
)
EVERYBODY = MASKED.replace(
    "privacy:",
    """\
notices:
  - {to: partners, channel: mail, recipients: {file: list.csv}, feedback_owner: care@example.com, send: 30 days before freeze}
mail: {host: 127.0.0.1, port: 2525, tls: none, sender: sender@example.com}
people:
  - {id: training, title: Train sales, owner: hr@example.com, proof: attested, due: 2027-01-10}
privacy:""",
)
PEOPLE = ("Zhang Wei", "finance@example.com", "cfo@example.com", "revops@example.com", "Jane Doe")


def test_nobody_is_named_by_what_shows_the_record(here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMSTATE_BY", "Zhang Wei")
    paper = tmp_path / "invoice.txt"
    paper.write_text("an invoice", encoding="utf-8")
    for masked in (False, True):
        here.write(MASKED if masked else MASKED.replace("mask_people: true", "mask_people: false"))
        if not masked:
            claim = ("--kind", "invoice", "--amount", "5.00", "--currency", "EUR", "--document", str(paper))
            note = ("--note", "Zhang Wei has signed", "--by", "Zhang Wei")
            assert here.run("settle", "add", str(here.manifest), *claim, *note).code == 0
            said = ("--kind", "feedback", "--text", "Zhang Wei is glad", "--who", "Jane Doe", "--by", "Zhang Wei")
            assert here.run("evaluate", "add", str(here.manifest), *said).code == 0
        shown = [
            here.run(*words)
            for manifest in [str(here.manifest)]
            for words in (
                ("settle", "show", "1", manifest),
                ("settle", "show", "1", manifest, "--format", "json"),
                ("settle", "show", "1", manifest, "--format", "markdown"),
                ("settle", "list", manifest, "--format", "json"),
                ("evaluate", "report", manifest, "--format", "json"),
                ("evaluate", "show", manifest, "--format", "json"),
                ("state", "show", "exit", "--folder", str(here.folder), "--format", "json"),
                ("state", "history", "exit", "--folder", str(here.folder), "--format", "json"),
                ("state", "history", "exit", "--folder", str(here.folder)),
            )
        ]
        for each in shown:
            assert each.code == 0, each.err
            found = [name for name in PEOPLE if name in each.out]
            assert bool(found) is not masked, (each.out, found)
        if masked:
            assert json.loads(shown[1].out)["claim"]["by"].startswith("P")
            assert json.loads(shown[6].out)["claims"][0]["amount"] == "5.00"


def test_nobody_whom_the_manifest_names_is_shown_by_any_command_in_any_format(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSTATE_BY", "Zhang Wei")
    (here.folder / "list.csv").write_text("email\nann@example.com\n", encoding="utf-8")
    here.write(EVERYBODY)
    manifest, saved = str(here.manifest), str(here.folder / "plan.json")
    assert here.run("plan", manifest, "--out", saved).code == 0
    assert here.run("approve", saved, "--by", "Jane Doe").code == 0
    forms = [("--format", each) for each in ("text", "json", "markdown")]
    ways = [(one, manifest, *form) for one in ("plan", "status", "deadlines") for form in forms]
    ways += [("status", manifest, "--offline", *form) for form in forms]
    ways += [("plan", manifest, "--quiet"), ("graph", manifest), ("graph", manifest, "--full")]
    ways += [(one, manifest, *form) for one in ("drift", "validate") for form in forms[:2]]
    told = list(PEOPLE[:-1]) + [each for each in EVERYBODY.replace(",", " ").split() if "@" in each]
    told = sorted({each.strip("{}[]") for each in told} | {"Jane Doe"})
    assert len(told) > 7
    for words in ways:
        seen = here.run(*words)
        assert seen.code in (0, 2), (words, seen.err)
        assert [name for name in told if name in seen.out + seen.err] == [], words


HANDED_IN = (
    HEAD
    + """\
end_state:
  sessions: {status: ended}
  data: {archive: {to: archive/, datasets: [contacts]}}
people:
  - {id: training, title: Train sales, owner: hr@example.com, proof: attested}
  - {id: review, title: Jane Doe reads it, owner: hr@example.com, proof: attested, files: required}
replacement:
  {decision: adopted, system: new, migrate: [{dataset: contacts, to: x, check: [counts]}], accepted: {proof: attested, owner: sales@example.com}}
privacy: {mask_people: MASKED}
"""
)


SHOWN = ("Jane Doe", "Max Muster", "revops@example.com", "hr@example.com", "sales@example.com")


def shown(here: Site, *words: str) -> list[str]:
    """Who is named by a command, whether it is refused or not."""
    said = here.run(*words)
    assert said.code in (0, 1, 3, 64), (words, said.err)
    return [each for each in SHOWN if each in said.out + said.err]


@pytest.mark.parametrize("masked", [pytest.param(False, marks=pytest.mark.deep), True])
def test_nobody_is_named_by_what_takes_in_papers_and_words(here: Site, tmp_path: Path, masked: bool) -> None:
    (tmp_path / "paper.txt").write_text("destroyed", encoding="utf-8")
    (tmp_path / "paper.txt.yaml").write_text("tenant: t-1001\nsignatory: Max Muster\n", encoding="utf-8")
    (tmp_path / "counts.csv").write_text("dataset,field,count\ncontacts,,7\n", encoding="utf-8")
    manifest, by = str(here.manifest), ("--by", "Jane Doe")
    here.write(HANDED_IN.replace("MASKED", str(masked).lower()))
    assert here.apply("--target", "archive/*").code == 0
    forms = [("--format", each) for each in ("text", "json", "markdown")]
    talk = ("--kind", "request", "--channel", "mail", "--person", "Max Muster", "--outcome", "Jane Doe has asked")
    named = [
        ("confirm", "human_step/training", manifest, *by),
        ("confirm", "human_step/review", manifest, "--evidence", str(tmp_path / "Jane Doe.pdf"), *by),
        *(("certificate", "check", str(tmp_path / "paper.txt"), manifest, *by, *form) for form in forms),
        *(("certificate", "show", manifest, *form) for form in forms),
        ("migrate", "check", str(tmp_path / "counts.csv"), manifest, *by, *forms[1]),
        ("migrate", "show", manifest, *forms[1]),
        ("contact", "add", manifest, *talk, *by, *forms[1]),
        ("contact", "list", manifest, *forms[1]),
        ("contact", "list", manifest),
    ]
    for words in named:
        assert bool(shown(here, *words)) is not masked, words


WRONG = "colour: red\npeople: [{id: a, title: b, owner: Max Muster}]\n"


@pytest.mark.parametrize("wrong", [pytest.param("", id="a warning"), pytest.param(WRONG, id="errors")])
@pytest.mark.parametrize("masked", [False, True])
def test_nobody_is_named_by_what_is_said_of_the_manifest_itself(here: Site, masked: bool, wrong: str) -> None:
    """The one who gets the records is not kept: a warning says so, whatever the command is."""
    asked = (
        MANIFEST.replace("closes the account}]", "closes the account}], transfer_records_to: heir@example.com") + wrong
    )
    here.write(asked + f"privacy: {{mask_people: {str(masked).lower()}}}\n")
    for words in (("validate",), ("validate", "--format", "json"), ("plan",), ("deadlines",)):
        said = here.run(words[0], str(here.manifest), *words[1:])
        assert said.code != 70
        named = [each for each in ("heir@example.com", "Max Muster") if each in said.out + said.err]
        assert bool(named) is not masked, (words, said)


@pytest.mark.deep
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("masked", [False, True])
def test_nobody_is_named_by_a_rehearsal(here: Site, masked: bool, form: str) -> None:
    here.write(HANDED_IN.replace("MASKED", str(masked).lower()).replace("Jane Doe reads", "They read"))
    assert bool(shown(here, "rehearse", str(here.manifest), "--format", form)) is not masked


@pytest.mark.parametrize("masked", [False, True])
def test_a_reminder_names_nobody_but_to_whoever_sends_it_on(here: Site, masked: bool) -> None:
    here.write(
        HANDED_IN.replace("MASKED", str(masked).lower()).replace(
            "title: Train sales, owner: hr@example.com, proof: attested}",
            "title: Train sales, owner: hr@example.com, proof: attested, due: 2026-10-01}",
        )
        + "reminders: {before: 7 days}\n"
    )
    manifest, late = str(here.manifest), ("--as-of", "2026-10-03")
    ways: list[tuple[str, ...]] = [
        ("remind", manifest, *late, "--format", form) for form in ("text", "json", "markdown")
    ]
    ways += [("remind", manifest, "--format", "json"), ("remind", manifest, "--all")]
    for words in ways:
        said = here.run(*words)
        assert said.code == 0 and "human_step/training" in said.out, words
        named = [each for each in SHOWN if each in said.out + said.err]
        assert bool(named) is not masked, (words, said.out)
    sent = here.run("remind", manifest, *late, "--all", "--name-people", "--format", "json").json["reminders"]
    assert {each["to"] for each in sent} == {"revops@example.com", "hr@example.com"}


class Telling(BaseHTTPRequestHandler):
    """A vendor that refuses everything, and names people as it does."""

    def do_GET(self) -> None:
        error = {"code": "rejected", "message": "Max Muster <max@vendor.example> has closed t-1001"}
        said = json.dumps({"error": error}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def telling(here: Site) -> Iterator[Site]:
    """The site, with that vendor at its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Telling)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    ready = here.data.with_name(f"{here.data.name}.server.json")
    found = json.loads(ready.read_text(encoding="utf-8")) | {"url": f"http://127.0.0.1:{server.server_address[1]}"}
    ready.write_text(json.dumps(found), encoding="utf-8")
    yield here
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("masked", [False, True])
def test_nobody_whom_the_vendor_names_in_a_refusal_is_shown(
    telling: Site, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them says so here as well; the other nobody knows, but by the address."""
    monkeypatch.setenv("CRMSTATE_BY", "Max Muster")
    telling.write(HANDED_IN.replace("MASKED", str(masked).lower()))
    manifest = str(telling.manifest)
    ways: list[tuple[str, ...]] = [
        (one, manifest) for one in ("plan", "status", "drift", "rehearse", "graph", "remind")
    ]
    ways += [
        ("apply", manifest, "--yes"),
        ("confirm", "human_step/training", manifest),
        ("plan", manifest, "--format", "json"),
    ]
    ways += [("evaluate", "add", manifest, "--kind", "feedback", "--text", "good")]
    ways += [
        ("contact", "add", manifest, "--kind", "request", "--channel", "mail", "--person", "Li", "--outcome", "so")
    ]
    for words in ways:
        said = telling.run(*words)
        assert said.code == 1 and "has closed t-1001" in said.out + said.err, (words, said)
        named = [each for each in ("Max Muster", "max@vendor.example") if each in said.out + said.err]
        assert bool(named) is not masked, (words, said)

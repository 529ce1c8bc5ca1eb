"""The whole decommission of a company on a real Odoo server: planned, applied, killed, troubled, and then nothing more to
do. What is so in the end is asked of the server over XML-RPC by another client, and every key is tried.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.archive.folder import FolderArchive
from crmstate.cli.clock import RealClock
from crmstate.cli.effects import Straight
from crmstate.core.words import Outcome, Verb
from crmstate.sandbox import World

from ...contract.stage import Trouble
from ..outside import lock_is_free, once
from .office import LEAVER, Office, office
from .place import DATABASE
from .seed_counts import CONTACTS, FILES, LEADS, REPS

pytestmark = pytest.mark.deep

APPLY = ("apply", "--yes", "--parallel", "2", "--format", "json")
KEPT = {"admin", LEAVER}
ROWS = {"res.partner": CONTACTS, "crm.lead": LEADS, "crm.tag": 1, "res.partner.category": 2}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "site") as made:
        yield made


def opens(here: Office, login: str) -> bool:
    assert here.odoo is not None
    return here.odoo.opens(here.odoo.keys[login])


def ended(here: Office) -> None:
    """There is nothing more to do, the server agrees, and everything that is gone is in the archive. That our own key is
    dead is seen by the next run."""
    for words in (("plan", "--detailed-exitcode"), APPLY):
        said = here.command(*words)
        assert said.code == 0, said.out + said.err
    truth = here.truth()
    assert {login for login, active in truth["users"].items() if active} == KEPT
    assert (truth["keys"], truth["rules"]) == ([], [])
    assert here.odoo is not None and not any(opens(here, login) for login in here.odoo.keys)
    assert [] == [id for rows in truth["rows"].values() for id in rows]
    archive = FolderArchive(here.folder / "archive" / "exit", Straight(), RealClock(), "test")
    assert ROWS == {name: len(set(archive.ids(name))) for name in ROWS}
    files = [path.read_bytes() for path in (here.folder / "archive").rglob("*") if path.is_file()]
    assert sum(each.startswith(b"%PDF-1.4 ") for each in files) >= FILES
    assert here.recorded().open() == {}
    assert lock_is_free(here)
    silent(here)


def silent(here: Office) -> None:
    """No secret lies in the archive, the state, the journal, or what was said."""
    assert here.odoo is not None
    secrets = [*here.odoo.keys.values(), here.credential(LEAVER)["ODOO_WRITE_PASSWORD"], "secret-path"]
    for path in here.folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not [each for each in secrets if each.encode() in text], path


def agrees(here: Office) -> None:
    """What the record calls done is done at the server."""
    truth, state = here.truth(), here.recorded()
    done = [entry for entry in state.entries.values() if entry.outcome is Outcome.DONE]
    revoked = {str(entry.address).partition("/")[2] for entry in done if entry.verb is Verb.REVOKE}
    assert not revoked & set(truth["keys"])
    off = sum(not active for login, active in truth["users"].items() if login.startswith("rep"))
    assert off > sum(entry.verb is Verb.DEACTIVATE for entry in done), "one was switched off before"
    for entry in done:
        name = str(entry.address).partition("/")[2]
        if entry.verb is Verb.PURGE and name in ROWS:
            assert truth["rows"][name] == [], name


def test_what_is_planned_is_applied_and_a_second_plan_is_empty(here: Office) -> None:
    before = here.truth()
    assert REPS + 1 == len(before["keys"]) and not opens(here, f"rep{REPS - 1}"), "somebody who left, with a key"
    planned = here.command("plan", "--format", "json")
    assert planned.code == 0, planned.err
    assert here.truth() == before
    steps = {(step["verb"], step["address"]) for step in planned.json["steps"]}
    assert {address for verb, address in steps if verb == "revoke"} == {f"api_key/{id}" for id in before["keys"]}
    assert {address for verb, address in steps if verb == "purge"} >= {f"dataset/{name}" for name in ROWS}
    assert planned.json["blocked"] == []
    assert here.proxy is not None
    acts = ("/write", "/unlink", "/remove", "/run_check", "/create")
    assert not [each for each in here.proxy.received() if each.endswith(acts)]

    said = here.command(*APPLY)

    assert said.code == 0, said.out[-2000:] + said.err
    assert once(here.recorded())
    ended(here)


@pytest.mark.deep(seconds=40)
def test_an_apply_that_is_killed_again_and_again_comes_to_the_same_end(here: Office) -> None:
    chance, places, met = random.Random(1), [3, 14, 26, 38], 0
    for far in places:
        met += here.killed(*APPLY, far=far, late=0.05 * chance.random())
        if (here.state_folder / "journal").exists():
            agrees(here)
    assert met >= len(places) // 2, "the runs had ended before they could be killed"

    said = here.command(*APPLY)

    assert said.code == 0, said.out[-2000:] + said.err
    ended(here)


LOST = [
    "res.users.identitycheck/run_check",
    "res.users/write",
    "base.automation/unlink",
    "crm.lead/unlink",
    "res.partner/unlink",
]


def test_answers_that_are_lost_and_outages_change_nothing_about_the_end(here: Office) -> None:
    """Every act's first answer is lost, after it was done or before; listings meet pages of errors."""
    lost = [Trouble.CUT_AFTER_THE_EFFECT, Trouble.OUTAGE_AFTER_THE_EFFECT, Trouble.TORN_BODY, Trouble.OUTAGE_500]
    for place, method in enumerate(LOST):
        here.trouble(lost[place % len(lost)], method)
    for method in ("res.users/search_read", "res.partner/search_read", "ir.model/search_read"):
        here.trouble(Trouble.OUTAGE_500, method)
    for _ in range(6):
        said = here.command(*APPLY)
        assert said.code in (0, 5, 6), said.out[-2000:] + said.err
        agrees(here)
        if said.code == 0 and here.command("plan", "--detailed-exitcode").code == 0:
            break
    ended(here)


def test_what_would_go_wrong_is_told_before_the_first_write(here: Office) -> None:
    """A wrong password for the revocation, another tenant, a salesman's key that sees its own key alone, no key at all."""
    before: dict[str, Any] = here.truth()
    here.env["ODOO_WRITE_PASSWORD"] = "not-the-password"
    assert here.command(*APPLY).code == 7
    here.env |= here.credential(LEAVER)
    here.env |= dict.fromkeys(("ODOO_READ_API_KEY", "ODOO_WRITE_API_KEY"), "0" * 40)
    assert here.command(*APPLY).code == 7
    here.env |= here.credential("rep0")
    assert here.command(*APPLY).code != 0
    here.env |= here.credential(LEAVER)
    here.change('tenant: "', 'tenant: "1')
    assert here.command(*APPLY).code == 7
    assert here.truth() == before


def test_attachments_whose_files_the_server_has_lost_are_not_archived_as_empty(here: Office) -> None:
    """They lie in files beside the database; without them the server says that there are no contents, and no error."""
    assert here.odoo is not None
    store = here.odoo.place / "data" / "filestore" / DATABASE
    lost = [path for path in store.rglob("*") if path.is_file() and path.read_bytes().startswith(b"%PDF-1.4 ")]
    assert len(lost) == FILES
    lost[0].unlink()

    said = here.command(*APPLY)

    assert said.code == 6, said.out[-2000:] + said.err
    assert len(here.truth()["rows"]["crm.lead"]) == LEADS


def test_people_who_are_to_be_deleted_are_gone_and_the_servers_own_users_stay(here: Office) -> None:
    """The server refuses to delete those two; everything behind would wait for ever. So it does the first administrator."""
    here.change("status: removed\n    keep:", "status: deleted\n    keep:")
    kept = "      - {email: admin@example.com, why: drops the database}\n"
    whole = here.manifest.read_text(encoding="utf-8")
    here.change(kept, "")
    blocked = here.command("plan", "--format", "json").json["blocked"]
    assert [("user/2", "blocked.undeletable")] == [(each["address"], each["why"]["code"]) for each in blocked]
    here.write(whole)

    first, said = here.command(*APPLY), here.command(*APPLY)

    assert (first.code, "CRM-E010" in first.out) == (5, True), "their contacts are rows now, more than were reviewed"
    assert said.code == 0, said.out[-2000:] + said.err
    again = here.command("plan", "--detailed-exitcode")
    assert again.code == 0, again.out + again.err
    assert here.truth()["users"] == {**dict.fromkeys(KEPT, True), "public": False, "portaltemplate": False}


def test_a_rehearsal_plays_it_all_on_a_simulator_and_only_reads_here(here: Office, tmp_path: Path) -> None:
    """Under the numbers that the server has."""
    before, kept = here.truth(), tmp_path / "kept"

    said = here.command("rehearse", "--format", "json", "--keep", str(kept))

    assert said.code == 0, said.out + said.err
    found = said.json
    assert (found["finished"], found["provider"]) == (True, "odoo")
    addresses = {each["address"] for each in found["scenes"]}
    assert {f"api_key/{id}" for id in before["keys"]} <= addresses
    assert {f"dataset/{name}" for name in ROWS} <= addresses
    assert here.truth() == before
    assert here.proxy is not None
    acting = ("/write", "/unlink", "/remove", "/run_check", "/create")
    assert not [each for each in here.proxy.received() if each.endswith(acting)]
    with World.open(kept / "vendor.db") as world:
        left = {each["id"]: each["rows"] for each in world.truth()["datasets"]}
    assert dict.fromkeys(ROWS, 0) == {name: left[name] for name in ROWS}

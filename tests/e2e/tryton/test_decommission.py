"""The whole decommission of a company on a real Tryton server: planned, applied, killed, troubled, and then nothing more
to do. What is so in the end is asked of the server by another client (proteus), and every key is tried.
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

from ...contract.stage import Trouble
from ..outside import lock_is_free, once
from .office import LEAVER, Office, office
from .place import DATABASE
from .seed_counts import FILES, OPPORTUNITIES, PARTIES, REPS

APPLY = ("apply", "--yes", "--parallel", "2", "--format", "json")
KEPT = {"admin", "leaver"}
ROWS = {"party.party": PARTIES + 1, "sale.opportunity": OPPORTUNITIES, "ir.attachment": FILES}
CHUNKS = 50
"""About as many chunks as the journal of an undisturbed run has."""

pytestmark = pytest.mark.deep


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "site") as made:
        yield made


@pytest.fixture
def keys(here: Office) -> dict[str, str]:
    """Every key in clear, by its id, that works in the beginning; also those of people who are gone."""
    found = {id: key for id, (_, state, key) in here.truth()["keys"].items() if state == "validated"}
    assert len(found) == REPS + 1
    assert all(here.opens(key) for key in found.values())
    return found


def ended(here: Office, keys: dict[str, str]) -> None:
    """There is nothing more to do, the server agrees, and everything that is gone is in the archive."""
    said = here.command("plan", "--detailed-exitcode")
    assert said.code == 0, said.out + said.err
    truth = here.truth()
    assert {login for login, active in truth["users"].items() if active} == KEPT
    assert {state for _, state, _ in truth["keys"].values()} == {"cancelled"}
    assert not any(here.opens(key) for key in keys.values())
    assert set(truth["rows"].values()) == {0}
    archive = FolderArchive(here.folder / "archive" / "exit", Straight(), RealClock(), "test")
    assert {name: len(set(archive.ids(name))) for name in ROWS} == ROWS
    files = [path for path in (here.folder / "archive").rglob("*") if path.is_file()]
    assert sum(path.read_bytes().startswith(b"%PDF-1.4 ") for path in files) >= FILES
    state = here.recorded()
    assert state.open() == {}
    assert lock_is_free(here)
    silent(here, [*keys.values(), LEAVER["password"]])


def silent(here: Office, secrets: list[str]) -> None:
    """No secret lies in the archive, the state, the journal, or what was said."""
    for path in here.folder.rglob("*"):
        if path.is_file() and "vendor" not in path.relative_to(here.folder).parts:
            text = path.read_bytes()
            assert not [each for each in secrets if each.encode() in text], path


def agrees(here: Office) -> None:
    """What the record calls done is done at the server."""
    truth, state = here.truth(), here.recorded()
    keys = {id: state for id, (_, state, _) in truth["keys"].items()}
    done = [entry for entry in state.entries.values() if entry.outcome is Outcome.DONE]
    revoked = [str(entry.address).partition("/")[2] for entry in done if entry.verb is Verb.REVOKE]
    assert {keys[id] for id in revoked} <= {"cancelled"}
    assert sum(not active for active in truth["users"].values()) >= sum(e.verb is Verb.DEACTIVATE for e in done)
    for entry in done:
        name = str(entry.address).partition("/")[2]
        if entry.verb is Verb.PURGE and name in truth["rows"]:
            assert truth["rows"][name] == 0, name


def test_a_plan_changes_nothing_and_names_what_will_end(here: Office) -> None:
    before = here.truth()
    said = here.command("plan", "--format", "json")
    assert said.code == 0, said.err
    assert here.truth() == before
    steps = {(step["verb"], step["address"]) for step in said.json["steps"]}
    assert {address for verb, address in steps if verb == "revoke"} == {f"api_key/{id}" for id in before["keys"]}
    assert ("purge", "dataset/sale.opportunity") in steps
    assert here.proxy is not None
    acts = (".write", ".delete", ".cancel", ".create")
    assert not [each for each in here.proxy.received() if each.endswith(acts)]


def test_what_is_planned_is_applied_and_a_second_plan_is_empty(here: Office, keys: dict[str, str]) -> None:
    said = here.command(*APPLY)
    assert said.code == 0, said.out[-2000:] + said.err
    assert once(here.recorded())
    ended(here, keys)


def kills(here: Office, keys: dict[str, str], places: list[int], chance: random.Random) -> None:
    met = 0
    for far in places:
        met += here.killed(*APPLY, far=far, late=0.05 * chance.random())
        if (here.state_folder / "journal").exists():
            agrees(here)
    assert met >= len(places) // 2, "the runs had ended before they could be killed"
    said = here.command(*APPLY)
    assert said.code == 0, said.out[-2000:] + said.err
    ended(here, keys)


@pytest.mark.deep(seconds=40)
def test_an_apply_that_is_killed_again_and_again_comes_to_the_same_end(here: Office, keys: dict[str, str]) -> None:
    kills(here, keys, [2, 12, 24, 34, 42], random.Random(1))


@pytest.mark.deep(seconds=40)
@pytest.mark.parametrize("seed", range(4))
def test_many_kills_at_random_places_are_survived(here: Office, keys: dict[str, str], seed: int) -> None:
    chance = random.Random(seed)
    kills(here, keys, sorted(chance.sample(range(1, CHUNKS - 4), 8)), chance)


LOST = ["model.res.user.write", "model.res.user.application.cancel", "model.sale.opportunity.cancel"]
LOST += ["model.sale.opportunity.delete", "model.party.party.delete"]


@pytest.mark.deep
def test_answers_that_are_lost_outages_and_throttling_change_nothing_about_the_end(
    here: Office, keys: dict[str, str]
) -> None:
    """Every act's first answer is lost, after it was done or before; listings meet pages of errors; the login is
    throttled."""
    lost = [Trouble.CUT_AFTER_THE_EFFECT, Trouble.OUTAGE_AFTER_THE_EFFECT, Trouble.TORN_BODY, Trouble.OUTAGE_500]
    for place, method in enumerate(LOST):
        here.trouble(lost[place % len(lost)], method)
    for method in ("model.res.user.search_read", "model.party.party.search_read", "system.listMethods"):
        here.trouble(Trouble.OUTAGE_500, method)
    here.trouble(Trouble.THROTTLED_WITHOUT_A_WORD, "common.db.login", times=2)
    codes = []
    for _ in range(6):
        said = here.command(*APPLY)
        codes.append(said.code)
        assert said.code in (0, 5, 6), said.out[-2000:] + said.err
        agrees(here)
        if said.code == 0 and here.command("plan", "--detailed-exitcode").code == 0:
            break
    ended(here, keys)
    assert here.proxy is not None
    cancels = [each for each in here.proxy.received() if each.endswith("#model.res.user.application.cancel")]
    assert len(cancels) <= 3, "a call whose answer was lost was sent again without looking"


def test_attachments_whose_files_the_server_has_lost_are_not_archived_as_empty(here: Office) -> None:
    """They lie in files beside the database; without them the server says that there are no contents, and no error."""
    assert here.tryton is not None
    lost = [path for path in (here.tryton.folder / DATABASE).rglob("*") if path.is_file()]
    assert len(lost) == FILES
    lost[0].unlink()
    said = here.command(*APPLY)
    assert said.code == 6, said.out[-2000:] + said.err
    rows = here.truth()["rows"]
    assert [rows[name] for name in ("sale.opportunity", "ir.attachment")] == [OPPORTUNITIES, FILES]


def test_a_wrong_password_and_a_wrong_tenant_stop_before_the_first_write(here: Office) -> None:
    before: dict[str, Any] = here.truth()
    here.env["TRYTON_PASSWORD"] = "not-the-password"
    assert here.command(*APPLY).code == 7
    here.env["TRYTON_PASSWORD"] = LEAVER["password"]
    here.change('tenant: "', 'tenant: "1')
    assert here.command(*APPLY).code == 7
    assert here.truth() == before


def test_somebody_without_the_rights_is_told_so_before_the_first_write(here: Office) -> None:
    """A salesman sees his own key alone, and no error says that there are others."""
    before: dict[str, Any] = here.truth()
    here.env |= {"TRYTON_LOGIN": "rep0", "TRYTON_PASSWORD": "Str0ng-pw-rep-0"}
    said = here.command(*APPLY)
    assert said.code != 0, said.out + said.err
    assert here.truth() == before

"""The vendor's own backup in a plan: a job where its API has one, a person's step where only people can order one, a blocker
where nobody can; before anything is taken away, and never in the place of an archive."""

from __future__ import annotations

import pytest

from crmstate.core.backup import BACKUP
from crmstate.core.goal import ArchiveGoal
from crmstate.core.provider import Bulk, Cell, Provider
from crmstate.core.schedule import ready
from crmstate.core.words import How, Kind, Mode, Packing, Proof, Verb

from .scenes import PURGED, account, dataset, ids, one, plan, tenant, vendor, wish

WANTED = wish(archive=ArchiveGoal("file:///archive", backup=True), purge=PURGED)
SEEN = tenant(dataset("contacts"), account())
BULK = Bulk(("POST /backup",), lambda *_: None, lambda *_: None, Packing.ZIP, listed=lambda *_: (), cost=10)


def offering(how: How) -> Provider:
    run = (lambda *_: None) if how is How.API else None
    runbook = "runbook.model" if how is How.MANUAL else None
    bulk = BULK if how is How.API else None
    return vendor(Cell(Kind.ACCOUNT, Verb.EXPORT, how, run=run, runbook=runbook, bulk=bulk, source="test"))


def test_it_is_a_job_that_the_plan_names_and_verified_before_anything_goes() -> None:
    made = plan(WANTED, SEEN, by=offering(How.API))
    taken, verified = one(made, Verb.ARCHIVE, BACKUP), one(made, Verb.VERIFY, BACKUP)
    assert (taken.jobs, taken.calls, verified.needs, verified.jobs) == (1, 14, (taken.id,), 0)
    assert BACKUP not in ids(made, Verb.DELTA), "it is taken once"
    others = [step.id for step in made.steps if step.id not in (taken.id, verified.id)]
    assert {step.id for step in ready(made, others)} == {taken.id}
    before = [step.id for step in made.steps if step.verb in (Verb.ARCHIVE, Verb.VERIFY) and step is not verified]
    assert Verb.CONFIRM not in {step.verb for step in ready(made, before)}, "nothing is frozen before it is read back"


def test_where_only_people_can_order_one_a_person_is_asked_for_its_files() -> None:
    made = plan(WANTED, SEEN, by=offering(How.MANUAL))
    step = one(made, Verb.CONFIRM, BACKUP)
    assert (step.mode, step.files, step.proof, step.runbook) == (Mode.MANUAL, True, Proof.ATTESTED, "runbook.model")
    assert BACKUP not in ids(made, Verb.ARCHIVE)


@pytest.mark.parametrize("by", [vendor(), offering(How.NONE)])
def test_where_nobody_can_it_blocks_what_destroys(by: Provider) -> None:
    made = plan(WANTED, SEEN, by=by)
    (blocked,) = [each for each in made.blocked if each.why.code == "blocked.no_backup"]
    assert (blocked.verb, blocked.stage) == (Verb.ARCHIVE, "archive")
    assert Verb.PURGE not in {
        step.verb for step in ready(made, [each.id for each in made.steps if each.stage == "archive"])
    }

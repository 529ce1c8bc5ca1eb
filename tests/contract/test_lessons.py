"""What five real CRMs taught, one lesson a number: each happened at a real vendor, and is made to happen here at
every one.

Where a lesson is about what becomes of an answer, it goes as far as the plan: nothing that a vendor shows, hides or
claims may lead to a step that is not there, or to one that is.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.goal import (
    ArchiveGoal,
    Desired,
    Keep,
    ListGoal,
    PurgeGoal,
    Selector,
    StatusGoal,
    SubscriptionGoal,
    UsersGoal,
)
from crmstate.core.plan import Plan
from crmstate.core.planning.planner import plan
from crmstate.core.ports import Session
from crmstate.core.provider import Args, Batch, Cell, Item, Result
from crmstate.core.record import State
from crmstate.core.survey import ApiKeyFacts, DatasetFacts, Listing, Survey
from crmstate.core.survey import survey as make_survey
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Verb
from crmstate.engine.observe import listed_kinds, observe

from .stage import SHOWN, Company, HeldKey, Stage, Trouble, Who, look, request_of, rows_of
from .test_reading import set_scene

GOALS = (Kind.USER, Kind.API_KEY, Kind.SESSION, Kind.INTEGRATION, Kind.SUBSCRIPTION, Kind.ACCOUNT)
GOOD = {Outcome.DONE, Outcome.REQUESTED}


def seen(company: Company, who: Who = Who.STRONG) -> Survey:
    """The tenant, observed as a plan observes it."""
    return observe([company.reader(who)], company.clock, company.stage.tenant, State("exit"))


def planned(stage: Stage, survey: Survey, keep: str | None = None, **changed: Any) -> Plan:
    """The plan of ending everything; `keep`: a user that stays."""
    kept = (Keep(Selector(id=keep)),) if keep else ()
    goals: dict[str, Any] = {
        "users": UsersGoal("removed", kept),
        "api_keys": ListGoal("revoked"),
        "sessions": ListGoal("ended"),
        "integrations": ListGoal("removed"),
        "archive": ArchiveGoal("file:///archive"),
        "purge": PurgeGoal(bin=True),
        "subscription": SubscriptionGoal("cancelled", effective="immediately"),
        "account": StatusGoal("deleted"),
    }
    desired = Desired(
        name="exit",
        digest="d" * 64,
        provider=stage.provider.name,
        tenant=stage.tenant,
        owner="ops@example.com",
        freeze="now",
        coverage="head@example.com",
        **{**goals, **changed},
    )
    return plan(desired, survey, State("exit"), stage.provider)


def cell_of(stage: Stage, kind: Kind, *verbs: Verb) -> Cell | None:
    """The first of these capabilities that the API has."""
    found = (stage.provider.cell(kind, verb) for verb in verbs)
    return next((cell for cell in found if cell is not None and cell.how is How.API), None)


def leaving(stage: Stage) -> Cell:
    """How people are kept out at this vendor."""
    cell = cell_of(stage, Kind.USER, Verb.DEACTIVATE, stage.provider.removal[Kind.USER])
    assert cell is not None
    return cell


def act(session: Session, cell: Cell, id: str) -> Result:
    (result,) = session.perform(Batch(cell.kind, cell.verb, (Item(id, Args()),)))
    return result


def revoke(stage: Stage, session: Session, held: HeldKey) -> None:
    """By the API, or where the vendor lists no keys, as its runbook says."""
    cell = cell_of(stage, Kind.API_KEY, Verb.REVOKE)
    if cell is None or held.id is None:
        held.revoke()
        return
    assert act(session, cell, held.id).outcome is Outcome.DONE


def whole(session: Any, cell: Cell, dataset: str) -> object:
    """What a reading cell shows where it claims that this is everything; None where it says that it is not, or raises
    a Failure."""
    try:
        found = look(session, cell, dataset)
    except Failure:
        return None
    if isinstance(found, Listing):
        assert found.complete == (found.gap is None)
        return found if found.complete else None
    return found


def test_lesson_01_a_users_key_works_on_after_them_and_is_dead_only_once_it_is_revoked(
    stage: Stage, company: Company
) -> None:
    """A deactivated user's API key can go on reading and writing, which the vendor's table has to say where it is so.
    Revoke keys apart and probe that they are dead."""
    held, session = stage.held_key(), company.writer()
    outlives = held.id is None or "keys_outlive" in leaving(stage).attributes

    assert act(session, leaving(stage), held.user).outcome is Outcome.DONE
    outlived = held.answers()
    revoke(stage, session, held)

    assert (outlived, held.answers()) == (outlives, False)
    if held.credential is not None:
        assert not company.with_key(held.credential).alive()
    if held.id is not None:
        left = session.list(Kind.API_KEY, [held.id])
        assert left.complete and {Phase.ABSENT} >= {row.phase for row in left.resources}


def test_lesson_01_whose_keys_outlive_them_is_told_before_they_are_left_behind(stage: Stage, company: Company) -> None:
    """A deactivated user's API key can go on reading and writing: a plan that leaves it says so, one that revokes it
    does that first, or has a person do it."""
    held = stage.held_key()
    survey = seen(company)

    left, ended = (planned(stage, survey, stage.own_user(), api_keys=goal) for goal in (None, ListGoal("revoked")))

    owners = {row.id: row.facts.user for row in survey.of(Kind.API_KEY) if isinstance(row.facts, ApiKeyFacts)}
    if held.id is not None:
        assert held.user == owners[held.id]
        told = "CRM-P005" in {each.code for each in left.diagnostics}
        assert told == ("keys_outlive" in leaving(stage).attributes)
    steps = [(step.kind, step.verb) for step in ended.steps]
    assert steps.index((Kind.API_KEY, Verb.REVOKE)) < steps.index((Kind.USER, leaving(stage).verb))


def test_lesson_02_a_revocation_that_answers_well_and_revokes_nothing_is_seen_by_the_key_that_lives(
    stage: Stage, company: Company
) -> None:
    """ "Revoke" can answer 200 and revoke nothing until an identity check follows."""
    held, session = stage.held_key(), company.writer()
    cell = cell_of(stage, Kind.API_KEY, Verb.REVOKE)

    if cell is not None and held.id is not None:
        stage.trouble(Trouble.DONE_THAT_DID_NOTHING, request_of(cell))
        result = act(session, cell, held.id)
        assert result.proof is Proof.ACKNOWLEDGED
        assert {Phase.PRESENT} == {row.phase for row in session.list(Kind.API_KEY, [held.id]).resources}

    assert held.answers()
    if held.credential is not None:
        assert company.with_key(held.credential).alive()


@pytest.mark.parametrize("ignored", [False, True], ids=["refused or done", "ignored"])
def test_lesson_03_the_end_of_ones_own_user_is_called_done_only_where_it_is(
    stage: Stage, company: Company, ignored: bool
) -> None:
    """The only admin can lock itself out for good, or be told 200 and be ignored, or be refused."""
    own, cell, session = stage.own_user(), leaving(stage), company.writer()
    if ignored:
        stage.trouble(Trouble.DONE_THAT_DID_NOTHING, request_of(cell))

    result = act(session, cell, own)

    happened = stage.truth.happened(Kind.USER, own)
    assert result.proof is Proof.ACKNOWLEDGED
    if ignored:
        assert happened == 0
        assert {Phase.PRESENT} == {row.phase for row in session.list(Kind.USER, [own]).resources}
    else:
        assert happened == (result.outcome is Outcome.DONE)


def test_lesson_03_no_plan_locks_everybody_out(stage: Stage, company: Company) -> None:
    """The only admin can lock itself out for good: where the account lives on somebody stays, or the plan is refused."""
    made = planned(stage, seen(company), account=None)

    goes = {step.address for step in made.steps if step.kind is Kind.USER}
    there = {row.address for row in seen(company).resources if row.kind is Kind.USER and row.phase is Phase.PRESENT}
    assert made.errors or there - goes


def test_lesson_04_a_weak_key_sees_less_without_any_error_and_nothing_follows_from_it(
    stage: Stage, company: Company
) -> None:
    """A weak key sees less without any error. An observation has to prove its own privilege, or call itself
    incomplete."""
    set_scene(stage)

    weak = seen(company, Who.WEAK)

    strong = {(row.kind, row.id) for row in seen(company).resources}
    assert {(row.kind, row.id) for row in weak.resources} < strong
    assert (frozenset(), set(listed_kinds(stage.provider))) == (weak.complete, {gap.kind for gap in weak.gaps})
    made = planned(stage, weak)
    blocked = {each.address.partition("/")[0] for each in made.blocked}
    assert {kind.value for kind in (Kind.DATASET,) if kind in listed_kinds(stage.provider)} <= blocked


def test_lesson_04_a_total_of_nothing_is_not_believed_of_a_weak_key(
    stage: Stage, company: Company, paged: Cell
) -> None:
    """A weak key sees less without any error: 2 of 57 keys, total 0."""
    set_scene(stage)
    stage.trouble(Trouble.SAYS_THERE_IS_NOTHING, request_of(paged), times=None)

    assert not company.reader(Who.WEAK).list(paged.kind).complete


def test_lesson_05_what_cannot_be_observed_is_unknown_and_somebodys_to_end(stage: Stage, company: Company) -> None:
    """Some things cannot be observed at all. Unknown is not zero."""
    session, survey = company.reader(), seen(company)
    unseen = set(Kind) - set(listed_kinds(stage.provider))

    for kind in unseen:
        found = session.list(kind)
        assert (found.complete, found.gap and found.gap.why) == (False, "gap.not_offered")
    assert not unseen & survey.complete
    made = planned(stage, survey)
    told = {step.kind.value for step in made.steps} | {each.address.partition("/")[0] for each in made.blocked}
    assert {kind.value for kind in GOALS if kind in unseen} <= told


def test_lesson_05_a_listing_that_is_denied_to_everybody_is_a_gap(stage: Stage, company: Company, paged: Cell) -> None:
    """Some things cannot be observed at all: webhooks 403 even for the super-admin. Unknown is not zero."""
    set_scene(stage)
    stage.trouble(Trouble.FORBIDDEN_TO_EVERYBODY, request_of(paged), times=None)

    found = company.reader().list(paged.kind)

    assert (found.resources, found.complete, found.gap and found.gap.why) == ((), False, "gap.denied")
    survey = make_survey(stage.tenant, [found], [])
    assert (frozenset(), (paged.kind,)) == (survey.complete, tuple(gap.kind for gap in survey.gaps))


def test_lesson_06_people_who_are_switched_off_are_listed(stage: Stage, company: Company) -> None:
    """Rows hide: inactive users."""
    off = stage.switched_off()

    found = {row.id: row.phase for row in company.reader().list(Kind.USER).resources}

    assert stage.truth.phases(Kind.USER)[off] == found[off]


def test_lesson_06_archived_rows_and_their_attachments_are_read_and_counted(stage: Stage, company: Company) -> None:
    """Rows hide: archived records, attachments (113 of 859 shown)."""
    dataset, row = stage.hidden_row(b"hidden")
    session = company.reader()

    (listed,) = session.list(Kind.DATASET, [dataset]).resources
    rows = [id for id, _ in rows_of(session, dataset)]
    (file,) = session.files(dataset).files

    assert row in rows and session.count(dataset).rows == len(rows)
    assert isinstance(listed.facts, DatasetFacts) and listed.facts.rows == len(rows)
    assert (row, b"hidden") == (file.row, b"".join(session.fetch(file)))


def test_lesson_07_rows_that_are_counted_and_listed_no_more_are_looked_for_by_their_ids(
    stage: Stage, company: Company
) -> None:
    """A purge can be soft: totals are 0 and every record is still readable by id. Read back by id, not only by count."""
    purge, read, count = (stage.provider.cell(Kind.DATASET, verb) for verb in (Verb.PURGE, Verb.READ, Verb.COUNT))
    assert purge is not None and read is not None
    batch = stage.batch(purge, 3)
    assert batch.parent is not None
    stage.trouble(Trouble.DONE_THAT_DID_NOTHING, request_of(purge))
    for cell in (read, count):
        if cell is not None and cell.how is How.API:
            stage.trouble(Trouble.SAYS_THERE_IS_NOTHING, request_of(cell), times=None)
    session = company.writer()

    session.perform(batch)

    assert (rows_of(session, batch.parent), session.count(batch.parent).rows or 0) == ([], 0)
    assert len(session.read(batch.parent, ids=[item.id for item in batch.items]).rows) == 3


def test_lesson_08_a_secret_in_a_listing_gets_nowhere(stage: Stage, company: Company) -> None:
    """Lists can carry secrets in clear (API keys, webhook secrets): redact before anything is stored."""
    set_scene(stage)
    for kind in listed_kinds(stage.provider):
        stage.trouble(Trouble.SECRET_IN_ROWS, request_of(stage.provider.table[kind, Verb.LIST]), times=None)

    survey = seen(company)

    made = planned(stage, survey)
    assert survey.resources and made.steps
    for kept in (repr(survey), msgspec.json.encode(survey).decode(), msgspec.json.encode(made).decode()):
        assert SHOWN not in kept


def test_lesson_08_a_secret_in_an_answer_to_an_act_gets_into_no_record(
    stage: Stage, company: Company, acting: Cell
) -> None:
    """Lists can carry secrets in clear: nothing of it may get into the results that a state keeps."""
    batch = stage.batch(acting, 2)
    for request in acting.requests:
        stage.trouble(Trouble.SECRET_IN_ROWS, request, times=None)

    assert SHOWN not in msgspec.json.encode(company.writer().perform(batch)).decode()


@pytest.mark.parametrize("trouble", [Trouble.REFUSED_IN_200, Trouble.REFUSED_AS_500, Trouble.REFUSED_AS_404])
def test_lesson_09_a_refusal_under_another_status_is_never_an_answer(
    stage: Stage, company: Company, reading: Cell, trouble: Trouble
) -> None:
    """Statuses mislead: 200 for unknown endpoints, 500 for business refusals, 404 for empty lists."""
    dataset = set_scene(stage)
    stage.trouble(trouble, request_of(reading), times=None)

    assert whole(company.reader(), reading, dataset) is None


def test_lesson_09_a_dead_token_that_is_called_forbidden_shows_nothing(
    stage: Stage, company: Company, reading: Cell
) -> None:
    """Statuses mislead: 403 for dead tokens."""
    dataset = set_scene(stage)
    stage.trouble(Trouble.DEAD_TOKEN_AS_403, request_of(reading), times=None)

    assert not whole(company.reader(), reading, dataset)


@pytest.mark.parametrize("trouble", [Trouble.REFUSED_IN_200, Trouble.REFUSED_AS_500])
def test_lesson_09_an_act_that_was_refused_under_another_status_is_not_done(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    """Statuses mislead: 200 for failed drops, 500 for business refusals."""
    batch = stage.batch(acting, 2)
    stage.trouble(trouble, request_of(acting), times=None)

    try:
        results = company.writer().perform(batch)
    except Failure as failure:
        assert failure.code is not Code.MISSING
    else:
        assert not {result.outcome for result in results} & GOOD
    assert {0} == {stage.truth.happened(batch.kind, item.id, batch.parent) for item in batch.items}


def test_lesson_10_what_a_deletion_takes_along_is_archived_before_it(stage: Stage, company: Company) -> None:
    """Deletes cascade: leads take their attachments. Archive everything before anything is deleted."""
    dataset = stage.attachment(b"contract")
    session = company.writer()
    (file,) = session.files(dataset).files
    before = b"".join(session.fetch(file))
    made = planned(stage, seen(company))

    purge = stage.provider.table[Kind.DATASET, Verb.PURGE]
    act_on = [row for row, _ in rows_of(session, dataset)]
    results = session.perform(Batch(Kind.DATASET, purge.verb, tuple(Item(row) for row in act_on), dataset))

    assert {Outcome.DONE} == {result.outcome for result in results}
    assert (b"contract", ()) == (before, session.files(dataset).files)
    destroyed = {Verb.PURGE, Verb.EMPTY, Verb.DELETE, Verb.REVOKE, Verb.CLOSE, Verb.CANCEL, Verb.DEACTIVATE}
    last = max(place for place, step in enumerate(made.steps) if step.verb is Verb.VERIFY)
    assert last < min(place for place, step in enumerate(made.steps) if step.verb in destroyed)
    steps = {step.id: step for step in made.steps}
    for step in (each for each in made.steps if each.verb is Verb.PURGE):
        needed = {(steps[each].verb, steps[each].address.partition("/")[2]) for each in step.needs}
        assert (Verb.VERIFY, step.address.partition("/")[2]) in needed


def test_lesson_11_a_listing_whose_pages_are_not_what_was_asked_for_is_whole_or_says_so(
    stage: Stage, company: Company, paged: Cell
) -> None:
    """Paging parameters can be silently ignored."""
    stage.put(paged.kind, [f"n{place}" for place in range(12)])
    stage.trouble(Trouble.PAGING_IGNORED, request_of(paged), times=None)

    found = whole(company.reader(page=3), paged, "")

    if found is not None:
        assert isinstance(found, Listing)
        assert stage.truth.phases(paged.kind).keys() == {row.id for row in found.resources}


def test_lesson_11_rows_whose_pages_are_not_what_was_asked_for_are_whole_or_raised(
    stage: Stage, company: Company
) -> None:
    """Paging parameters can be silently ignored."""
    dataset, ids = stage.rows(["many"] * 12)
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    stage.trouble(Trouble.PAGING_IGNORED, request_of(read), times=None)

    try:
        found = [id for id, _ in rows_of(company.reader(page=3), dataset)]
    except Failure as failure:
        assert failure.code is Code.UNAVAILABLE
    else:
        assert ids == found


def test_lesson_11_a_page_limit_that_is_forbidden_is_no_empty_dataset(stage: Stage, company: Company) -> None:
    """A page limit can answer 403."""
    dataset, _ = stage.rows(["many"] * 5)
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    stage.trouble(Trouble.FORBIDDEN_TO_EVERYBODY, request_of(read), times=None)

    with pytest.raises(Failure) as raised:
        company.reader(page=1000).read(dataset)

    assert Code.DENIED is raised.value.code


def test_lesson_11_a_listing_without_ids_is_refused(stage: Stage, company: Company, paged: Cell) -> None:
    """A CSV export can drop the id column."""
    stage.put(paged.kind, ["one", "two"])
    stage.trouble(Trouble.ROWS_WITHOUT_IDS, request_of(paged), times=None)

    assert whole(company.reader(), paged, "") is None


def test_lesson_11_rows_without_ids_are_refused(stage: Stage, company: Company) -> None:
    """A CSV export can drop the id column."""
    dataset, _ = stage.rows(["one", "two"])
    read = stage.provider.table[Kind.DATASET, Verb.READ]
    stage.trouble(Trouble.ROWS_WITHOUT_IDS, request_of(read), times=None)

    with pytest.raises(Failure):
        rows_of(company.reader(), dataset)


def test_lesson_12_the_end_of_the_account_is_a_step_with_a_proof(stage: Stage, company: Company) -> None:
    """Self-hosted "account deletion" = backup, drop database, stop service, remove files: human or scripted steps with
    proof."""
    close = stage.provider.table[Kind.ACCOUNT, Verb.CLOSE]

    steps = [each for each in planned(stage, seen(company)).steps if each.kind is Kind.ACCOUNT]
    (step,) = (each for each in steps if each.verb is Verb.CLOSE)

    if close.how is How.API:
        assert (Mode.AUTO, Verb.CLOSE) == (step.mode, step.verb)
        assert cell_of(stage, Kind.ACCOUNT, Verb.LIST), "nobody would see whether it is gone"
        return
    assert (Mode.MANUAL, close.runbook) == (step.mode, step.runbook)
    assert step.proof is not None and step.proof not in {Proof.NONE, Proof.WAIVED}
    assert {each.verb for each in steps if each is not step} <= {
        Verb.PROBE
    }  # that it is gone, where our own key cannot tell
    assert close.runbook is not None
    for language, word in (("en", ("Proof",)), ("zh-CN", ("证明", "凭据"))):
        text = stage.provider.words[language][close.runbook]
        assert any(each in text for each in word), f"the runbook asks for no proof ({language})"

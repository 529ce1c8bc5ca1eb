"""Acting on every vendor: whatever goes wrong, nothing happens twice, and nothing is called done that is not known to
be.
"""

from __future__ import annotations

import socket

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Cell, Item, Result
from crmstate.core.words import Kind, Outcome, Phase, Proof, Verb
from crmstate.providers.kit import ATTEMPTS
from crmstate.providers.kit.session import LIVES_UNSEEN

from .stage import Company, Stage, Trouble, Who, request_of, secrets, sent, wait

GOOD = {Outcome.DONE, Outcome.REQUESTED}
NOTHING_HAPPENED = [Trouble.RESET_AT_ONCE, Trouble.CUT_BEFORE_THE_EFFECT, Trouble.OUTAGE_500, Trouble.OUTAGE_502]
NOTHING_HAPPENED += [Trouble.OUTAGE_503]
IT_HAPPENED = [Trouble.CUT_AFTER_THE_EFFECT, Trouble.OUTAGE_AFTER_THE_EFFECT, Trouble.TORN_BODY]
IT_HAPPENED += [Trouble.MALFORMED_BODY, Trouble.CUT_GZIP]


def outcomes(results: list[Result]) -> set[Outcome]:
    return {result.outcome for result in results}


def happened(stage: Stage, batch: Batch) -> set[int]:
    return {stage.truth.happened(batch.kind, item.id, batch.parent) for item in batch.items}


def test_an_act_does_what_it_says(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 5)

    results = company.writer().perform(batch)

    assert [item.id for item in batch.items] == [result.id for result in results]
    assert outcomes(results) <= GOOD
    assert {1} == happened(stage, batch)
    numbered = bool(stage.provider.dialect.request_id)
    assert all(result.proof is Proof.ACKNOWLEDGED for result in results)
    assert {bool(result.request_id) for result in results} == {numbered}


def test_what_was_done_shows_the_cells_phase(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 3)
    session = company.writer()

    results = session.perform(batch)

    if batch.parent is not None:
        left = {row.id for row in session.read(batch.parent, ids=[item.id for item in batch.items]).rows}
        assert set() == left
        return
    listing = session.list(batch.kind, [item.id for item in batch.items])
    assert listing.complete
    seen = {row.id: row.phase for row in listing.resources}
    for result in results:
        phase = acting.after if result.outcome is Outcome.DONE else Phase.PENDING
        assert phase == seen.get(result.id, Phase.ABSENT)


def needs(batch: Batch) -> dict[tuple[Kind, Verb], list[str]]:
    """What the act of a batch is for, as an apply asks for its rights."""
    return {(batch.kind, batch.verb): [batch.parent] if batch.parent else [item.id for item in batch.items]}


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED_FOR_SECONDS, Trouble.THROTTLED_WITHOUT_A_WORD])
def test_a_throttled_act_is_sent_again_and_happens_once(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    batch = stage.batch(acting, 3)
    stage.trouble(trouble, request_of(acting), times=2)

    results = company.writer().perform(batch)

    assert outcomes(results) <= GOOD
    assert {1} == happened(stage, batch)
    assert sum(company.clock.slept) >= 0.5


def test_an_act_waits_as_long_as_the_vendor_asks(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 3)
    stage.trouble(Trouble.THROTTLED_FOR_SECONDS, request_of(acting), times=2)

    company.writer().perform(batch)

    assert sum(company.clock.slept) >= 14


def test_a_used_up_quota_is_raised_with_its_end_and_not_waited_for(
    stage: Stage, company: Company, acting: Cell
) -> None:
    batch = stage.batch(acting, 3)
    stage.trouble(Trouble.QUOTA_USED_UP, request_of(acting))

    with pytest.raises(Failure) as raised:
        company.writer().perform(batch)

    assert Code.EXHAUSTED is raised.value.code
    assert raised.value.until and raised.value.until.endswith("Z")
    assert ({0}, 1, []) == (happened(stage, batch), sent(stage, acting), company.clock.slept)


@pytest.mark.parametrize("trouble", NOTHING_HAPPENED)
def test_an_act_without_an_answer_is_unknown_although_nothing_happened(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    batch = stage.batch(acting, 3)
    stage.trouble(trouble, request_of(acting))

    results = company.writer().perform(batch)

    assert ({Outcome.UNKNOWN}, {Proof.NONE}) == (outcomes(results), {result.proof for result in results})
    assert ({0}, 1) == (happened(stage, batch), sent(stage, acting))


@pytest.mark.parametrize("trouble", IT_HAPPENED)
def test_an_act_whose_answer_is_lost_is_unknown_and_never_sent_again(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    batch = stage.batch(acting, 3)
    stage.trouble(trouble, request_of(acting))

    results = company.writer().perform(batch)

    assert {Outcome.UNKNOWN} == outcomes(results)
    assert {Code.AMBIGUOUS.value} == {result.code for result in results}
    assert ({1}, 1) == (happened(stage, batch), sent(stage, acting))


@pytest.mark.parametrize("trouble", [Trouble.SLOW_BEFORE_THE_EFFECT, Trouble.SLOW_AFTER_THE_EFFECT])
def test_an_act_that_takes_too_long_is_unknown_and_never_sent_again(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    batch = stage.batch(acting, 2)
    stage.trouble(trouble, request_of(acting))

    results = company.writer(timeout=stage.late).perform(batch)

    assert {Outcome.UNKNOWN} == outcomes(results)
    wait(lambda: len(stage.truth.received()) == len(company.effects.done))
    assert sent(stage, acting) == 1


def test_where_nobody_listens_nothing_was_sent_and_that_is_said(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 2)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(Failure) as raised:
        company.writer(url=url).perform(batch)

    assert Code.UNAVAILABLE is raised.value.code
    assert (ATTEMPTS, {0}) == (len(company.effects.done), happened(stage, batch))


@pytest.mark.parametrize("who", [Who.READ_ONLY, Who.DEAD])
def test_a_credential_without_the_right_is_told_so_and_changes_nothing(
    stage: Stage, company: Company, acting: Cell, who: Who
) -> None:
    batch = stage.batch(acting, 2)

    with pytest.raises(Failure) as raised:
        company.writer(who).perform(batch)

    assert (Code.DENIED if who is Who.READ_ONLY else Code.EXPIRED) is raised.value.code
    assert {0} == happened(stage, batch)


def test_a_credential_that_only_reads_is_known_before_the_first_act(
    stage: Stage, company: Company, acting: Cell
) -> None:
    batch = stage.batch(acting, 2)
    writer = company.writer(Who.READ_ONLY)

    if writer.whoami().may_write:
        with pytest.raises(Failure) as raised:
            writer.rights(needs(batch))
        assert Code.DENIED is raised.value.code
    assert {0} == happened(stage, batch)


def test_a_credential_with_the_right_is_not_held_up_and_asking_for_it_changes_nothing(
    stage: Stage, company: Company, acting: Cell
) -> None:
    batch = stage.batch(acting, 2)
    writer = company.writer()

    assert writer.whoami().may_write
    writer.rights(needs(batch))

    assert {0} == happened(stage, batch)


def test_a_token_that_ends_midway_is_renewed_and_the_act_happens_once(
    stage: Stage, company: Company, acting: Cell
) -> None:
    batch = stage.batch(acting, 3)
    session = company.writer(Who.REFRESHING)
    session.whoami()
    stage.trouble(Trouble.TOKEN_EXPIRED, request_of(acting))

    results = session.perform(batch)

    assert outcomes(results) <= GOOD
    assert {1} == happened(stage, batch)


def test_a_token_that_cannot_be_renewed_is_raised_as_expired(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 2)
    stage.trouble(Trouble.TOKEN_EXPIRED, request_of(acting))

    with pytest.raises(Failure) as raised:
        company.writer(Who.STRONG).perform(batch)

    assert Code.EXPIRED is raised.value.code
    assert ({0}, 1) == (happened(stage, batch), sent(stage, acting))


def test_the_same_act_again_is_already_so_and_happens_once(stage: Stage, company: Company, acting: Cell) -> None:
    batch = stage.batch(acting, 3)
    session = company.writer()
    first = session.perform(batch)

    again = session.perform(batch)

    if LIVES_UNSEEN in acting.attributes:
        assert {Outcome.DONE} == outcomes(again)
    assert outcomes(first) == outcomes(again)
    assert {1} == happened(stage, batch)


def test_a_missing_thing_is_done_only_where_its_absence_is_the_aim(
    stage: Stage, company: Company, batched: Cell
) -> None:
    there = stage.batch(batched, 1)
    batch = Batch(there.kind, there.verb, (Item("never-was"), *there.items), there.parent)

    missing, found = company.writer().perform(batch)

    ends = batched.after is Phase.ABSENT and LIVES_UNSEEN not in batched.attributes
    assert (Outcome.DONE if ends else Outcome.FAILED) is missing.outcome
    assert Outcome.DONE is found.outcome


def test_a_missing_thing_is_called_missing(stage: Stage, company: Company, batched: Cell) -> None:
    there = stage.batch(batched, 1)
    batch = Batch(there.kind, there.verb, (Item("never-was"), *there.items), there.parent)

    missing, found = company.writer().perform(batch)

    assert (Code.MISSING.value, None) == (missing.code, found.code)


def test_a_weak_credential_that_does_not_find_a_thing_has_not_ended_it(
    stage: Stage, company: Company, batched: Cell
) -> None:
    batch = stage.batch(batched, 2)

    try:
        results = company.writer(Who.WEAK).perform(batch)
    except Failure as failure:
        assert failure.code in {Code.DENIED, Code.MISSING}
    else:
        for result, item in zip(results, batch.items, strict=True):
            assert (result.outcome is Outcome.DONE) == (stage.truth.happened(batch.kind, item.id, batch.parent) == 1)


def test_what_lives_on_unseen_is_never_called_done(stage: Stage, company: Company, batched: Cell) -> None:
    hidden = stage.hidden(batched.kind)
    there = stage.batch(batched, 1)
    items = (*(Item(id) for id in hidden), *there.items)

    *unseen, seen = company.writer().perform(Batch(there.kind, there.verb, items, there.parent))

    assert len(hidden) == len(unseen) and seen.outcome is Outcome.DONE
    assert not any(result.outcome in GOOD for result in unseen)


def test_a_batch_that_fails_in_part_says_which(stage: Stage, company: Company, batched: Cell) -> None:
    batch = stage.batch(batched, 4)
    stage.trouble(Trouble.EVERY_SECOND_ITEM_FAILS, request_of(batched))

    results = company.writer().perform(batch)

    assert [result.outcome for result in results] == [Outcome.DONE, Outcome.FAILED] * 2
    assert [stage.truth.happened(batch.kind, item.id, batch.parent) for item in batch.items] == [1, 0] * 2


def test_what_is_accepted_for_later_is_requested_with_its_time(stage: Stage, company: Company, batched: Cell) -> None:
    batch = stage.batch(batched, 2)
    stage.trouble(Trouble.ACCEPTED_FOR_LATER, request_of(batched))
    session = company.writer()

    results = session.perform(batch)

    assert {Outcome.REQUESTED} == outcomes(results)
    assert all(result.until and result.until.endswith("Z") for result in results)
    if batch.parent is None and batch.kind is not Kind.BIN:
        rows = session.list(batch.kind, [item.id for item in batch.items]).resources
        assert {(Phase.PENDING, results[0].until)} == {(row.phase, row.pending_until) for row in rows}
        stage.days_pass(4)
        left = {row.id: row.phase for row in session.list(batch.kind, [item.id for item in batch.items]).resources}
        assert {batched.after} == {left.get(item.id, Phase.ABSENT) for item in batch.items}


def test_a_done_that_did_nothing_is_only_acknowledged_and_shows_when_looked_at(
    stage: Stage, company: Company, batched: Cell
) -> None:
    batch = stage.batch(batched, 2)
    stage.trouble(Trouble.DONE_THAT_DID_NOTHING, request_of(batched))
    session = company.writer()
    ids = [item.id for item in batch.items]
    before = session.list(batch.kind, ids).resources if batch.parent is None else ()

    results = session.perform(batch)

    assert {Proof.ACKNOWLEDGED} == {result.proof for result in results}
    assert {0} == happened(stage, batch)
    if batch.parent is None:
        rows = session.list(batch.kind, ids).resources
        assert before == rows
        assert batched.after not in {row.phase for row in rows}
    else:
        assert len(batch.items) == len(session.read(batch.parent, ids=[item.id for item in batch.items]).rows)


@pytest.mark.parametrize("trouble", [Trouble.ECHO_IN_ERROR, Trouble.ECHO_IN_HTML])
def test_a_vendor_that_echoes_the_credential_does_not_get_it_into_a_result(
    stage: Stage, company: Company, acting: Cell, trouble: Trouble
) -> None:
    batch = stage.batch(acting, 1)
    stage.trouble(trouble, request_of(acting))

    results = company.writer().perform(batch)

    for secret in secrets(stage):
        assert secret not in repr(results)


def test_a_batch_larger_than_the_cell_or_with_a_thing_twice_is_not_sent(
    stage: Stage, company: Company, batched: Cell
) -> None:
    items = tuple(Item(f"n{place}") for place in range(batched.batch + 1))
    session = company.writer()

    for wrong in (items, (items[0], items[0])):
        with pytest.raises(ValueError, match="at most"):
            session.perform(Batch(batched.kind, batched.verb, wrong))
    assert (session.perform(Batch(batched.kind, batched.verb, ())), stage.truth.received()) == ([], [])

"""Export jobs of every vendor that has them: submitted once, found again, polled, fetched whole or not at all."""

from __future__ import annotations

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Session
from crmstate.core.provider import Bulk, Cell, Job, Order, Part
from crmstate.core.words import JobStatus, Kind
from crmstate.providers.kit.jobs import PATIENCE, call_to_submit
from crmstate.providers.kit.wire import NotDeclared

from .stage import Company, Stage, Trouble, Who
from .test_acting import IT_HAPPENED, NOTHING_HAPPENED
from .test_reading import PASSING

LOOKS = "GET *"


def bulk(cell: Cell) -> Bulk:
    assert cell.bulk is not None
    return cell.bulk


def order_of(stage: Stage, cell: Cell, rows: int = 7) -> Order:
    """Something to export."""
    dataset, _ = stage.rows(["one"] * rows)
    return Order(cell.kind, dataset if cell.kind is Kind.DATASET else "")


def submitted(session: Session, order: Order) -> Job:
    job = session.submit(order, session.known(order))
    assert job is not None
    return job


def done(session: Session, order: Order) -> Job:
    job = session.awaited(order, submitted(session, order).id)
    assert job.status is JobStatus.DONE
    return job


def fetched(session: Session, order: Order, part: Part) -> bytes:
    return b"".join(session.collect(order, part))


def test_a_job_is_submitted_awaited_and_fetched(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer()

    job = done(session, order)

    assert stage.submitted(exporting.kind) == 1
    assert job.parts
    for part in job.parts:
        assert part.size in (None, len(fetched(session, order, part)))


def test_a_job_says_how_many_rows_its_files_hold(stage: Stage, company: Company, dataset_export: Cell) -> None:
    from crmstate.archive.results import Rows

    made, session = bulk(dataset_export), company.writer()
    dataset, ids = stage.rows(["one", "two, three", 'quote"', "line\nbreak"] * 50)
    order = Order(Kind.DATASET, dataset)

    job = done(session, order)

    found: list[str] = []
    for part in job.parts:
        rows = Rows(made.packing, made.key, made.secret)
        found += [row.id for row in rows.feed(fetched(session, order, part))] + [row.id for row in rows.end()]
        assert part.rows in (None, rows.count)
    assert (ids, job.more) == (found, None)
    assert job.rows in (None, len(ids))


def test_an_empty_dataset_is_exported_as_no_rows(stage: Stage, company: Company, dataset_export: Cell) -> None:
    from crmstate.archive.results import Rows

    made, session, order = bulk(dataset_export), company.writer(), order_of(stage, dataset_export, 0)

    job = done(session, order)

    for part in job.parts:
        rows = Rows(made.packing, made.key)
        assert [*rows.feed(fetched(session, order, part)), *rows.end()] == []
    assert job.rows in (None, 0)


def test_a_job_is_polled_ever_more_seldom(stage: Stage, company: Company, exporting: Cell) -> None:
    stage.slow_jobs(10)
    order, session = order_of(stage, exporting), company.writer()

    done(session, order)

    assert len(company.clock.slept) >= 5
    assert company.clock.slept[-1] > 3 * company.clock.slept[0]


def test_a_job_that_takes_too_long_is_left_running_and_can_be_waited_for_again(
    stage: Stage, company: Company, exporting: Cell
) -> None:
    stage.slow_jobs(400)
    order, session = order_of(stage, exporting), company.writer()
    job = submitted(session, order)

    with pytest.raises(Failure) as raised:
        session.awaited(order, job.id)

    assert (raised.value.code, raised.value.vendor) == (Code.UNAVAILABLE, "kit.running")
    assert PATIENCE <= sum(company.clock.slept) <= PATIENCE + 120
    while True:
        try:
            assert session.awaited(order, job.id).status is JobStatus.DONE
            break
        except Failure as failure:
            assert failure.vendor == "kit.running"
    assert stage.submitted(exporting.kind) == 1


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED_FOR_SECONDS, Trouble.THROTTLED_WITHOUT_A_WORD])
def test_a_throttled_submission_is_sent_again_and_happens_once(
    stage: Stage, company: Company, exporting: Cell, trouble: Trouble
) -> None:
    order, session = order_of(stage, exporting), company.writer()
    stage.trouble(trouble, bulk(exporting).submits[-1], times=2)

    done(session, order)

    assert stage.submitted(exporting.kind) == 1


@pytest.mark.parametrize("trouble", IT_HAPPENED)
def test_a_submission_whose_answer_was_lost_is_found_and_not_sent_again(
    stage: Stage, company: Company, exporting: Cell, trouble: Trouble
) -> None:
    order, session = order_of(stage, exporting), company.writer()
    known = session.known(order)
    stage.trouble(trouble, bulk(exporting).submits[-1])

    if known is None:
        with pytest.raises(Failure) as raised:
            session.submit(order, known)
        assert raised.value.code is (Code.UNAVAILABLE if bulk(exporting).repeatable else Code.AMBIGUOUS)
    else:
        job = session.submit(order, known)
        assert job is not None
        assert session.awaited(order, job.id).status is JobStatus.DONE
    assert stage.submitted(exporting.kind) == 1


@pytest.mark.parametrize("trouble", NOTHING_HAPPENED)
def test_a_submission_that_did_not_happen_is_never_taken_for_one_that_did(
    stage: Stage, company: Company, exporting: Cell, trouble: Trouble
) -> None:
    order, session = order_of(stage, exporting), company.writer()
    earlier = submitted(session, order)
    session.awaited(order, earlier.id)
    known = session.known(order)
    stage.trouble(trouble, bulk(exporting).submits[-1])

    with pytest.raises(Failure) as raised:
        session.submit(order, known)

    listed = known is not None or bulk(exporting).repeatable
    assert raised.value.code is (Code.UNAVAILABLE if listed else Code.AMBIGUOUS)
    assert stage.submitted(exporting.kind) == 1
    if listed:
        assert session.found(order, known) is None


def test_a_used_up_quota_submits_nothing(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer()
    stage.trouble(Trouble.QUOTA_USED_UP, bulk(exporting).submits[-1])

    with pytest.raises(Failure) as raised:
        session.submit(order, session.known(order))

    assert (Code.EXHAUSTED, 0) == (raised.value.code, stage.submitted(exporting.kind))


def test_a_credential_without_the_right_submits_nothing(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer(Who.READ_ONLY)

    with pytest.raises(Failure) as raised:
        session.submit(order, None)

    assert (Code.DENIED, 0) == (raised.value.code, stage.submitted(exporting.kind))


def test_no_job_is_submitted_by_a_session_for_reading(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.reader()
    assert not hasattr(session, "submit")

    with pytest.raises(NotDeclared):
        exporting.run(call_to_submit(session._line, exporting), order)  # type: ignore[attr-defined, misc]

    assert stage.submitted(exporting.kind) == 0


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_passes_does_not_change_what_a_job_made(
    stage: Stage, company: Company, exporting: Cell, trouble: Trouble
) -> None:
    order, session = order_of(stage, exporting), company.writer()
    job = submitted(session, order)
    stage.trouble(trouble, LOOKS, times=2)

    found = session.awaited(order, job.id)

    assert (JobStatus.DONE, job.id) == (found.status, found.id)
    assert company.clock.slept


def test_a_job_that_fails_is_failed(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer()
    job = submitted(session, order)
    stage.trouble(Trouble.JOB_FAILS, LOOKS)

    found = session.awaited(order, job.id)

    assert (JobStatus.FAILED, ()) == (found.status, found.parts)


def test_a_job_that_vanishes_is_gone_and_not_done(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer()
    job = submitted(session, order)
    stage.trouble(Trouble.JOB_VANISHES, LOOKS)

    assert JobStatus.GONE is session.awaited(order, job.id).status


def test_a_result_that_has_ended_is_gone(stage: Stage, company: Company, exporting: Cell) -> None:
    order, session = order_of(stage, exporting), company.writer()
    job = done(session, order)
    stage.days_pass(40)

    with pytest.raises(Failure) as raised:
        fetched(session, order, job.parts[0])

    assert Code.EXPIRED is raised.value.code
    assert JobStatus.GONE is session.awaited(order, job.id).status


@pytest.mark.parametrize("trouble", [Trouble.TORN_BODY, Trouble.CUT_GZIP, Trouble.CUT_RESULT])
def test_a_file_that_is_cut_short_is_raised(stage: Stage, company: Company, exporting: Cell, trouble: Trouble) -> None:
    order, session = order_of(stage, exporting), company.writer()
    job = done(session, order)
    stage.trouble(trouble, LOOKS, times=None)

    if job.parts[0].size is None and trouble is Trouble.CUT_RESULT:
        return  # the file itself tells, to whoever unpacks it
    with pytest.raises(Failure) as raised:
        fetched(session, order, job.parts[0])

    assert Code.UNAVAILABLE is raised.value.code


def test_a_file_with_fewer_rows_than_said_shows_it(stage: Stage, company: Company, dataset_export: Cell) -> None:
    from crmstate.archive.damaged import Damaged
    from crmstate.archive.results import Rows

    made, session, order = bulk(dataset_export), company.writer(), order_of(stage, dataset_export, 9)
    job = done(session, order)
    stage.trouble(Trouble.SHORT_RESULT, LOOKS, times=None)

    rows = Rows(made.packing, made.key)
    try:
        rows.feed(fetched(session, order, job.parts[0]))
        rows.end()
    except (Failure, Damaged):
        return
    assert rows.count not in {job.rows, job.parts[0].rows} - {None}


def test_what_a_file_says_of_our_own_credential_is_masked(stage: Stage, company: Company, exporting: Cell) -> None:
    session = company.writer()
    session.whoami()
    secret = session._line.own_secrets[0]  # type: ignore[attr-defined]

    assert session.masked(b'{"a":"x' + secret + b'y"}') == b'{"a":"x[secret]y"}'

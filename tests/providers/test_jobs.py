"""What the kit makes of jobs whose vendors are odd: ids that lack, answers about others, files that are not what was
said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crmstate.core.failure import UNSURE, Code, Failure
from crmstate.core.provider import Bulk, Job, Limits, Order, Part, Provider
from crmstate.core.words import JobStatus, Kind, Packing
from crmstate.providers.kit import Call

from .test_session import session

ORDER = Order(dataset="deals")
RUNNING, DONE = Job("j", JobStatus.RUNNING), Job("j", JobStatus.DONE)


def exports(
    submit: Callable[[], Any] = lambda: RUNNING,
    polls: Callable[[], Job] = lambda: DONE,
    pieces: tuple[bytes, ...] = (),
    listed: Callable[[], tuple[Job, ...]] | None = None,
    **facts: Any,
) -> Any:
    def place(made: Provider) -> None:
        def collect(call: Call, part: Part) -> Iterator[bytes]:
            yield from pieces

        bulk = Bulk(
            ("POST /x",), lambda call, id: polls(), collect, Packing.CSV, "id",
            listed and (lambda call, order: listed()), **facts,
        )  # fmt: skip
        made.exports(Kind.DATASET, "GET /x", bulk=bulk, source="here")(lambda call, order: submit())

    return session(place)


def lost() -> Job:
    raise Failure(Code.AMBIGUOUS)


def code_of(act: Callable[[], object]) -> Code:
    with pytest.raises(Failure) as raised:
        act()
    return raised.value.code


def test_a_lost_submission_is_looked_for_where_jobs_are_listed() -> None:
    other, mine = Job("old", JobStatus.DONE), Job("new", JobStatus.RUNNING)
    assert exports(lost, listed=lambda: (other, mine)).submit(ORDER, ("old",)) == mine
    assert code_of(lambda: exports(lost, listed=lambda: (other,)).submit(ORDER, ("old",))) is Code.UNAVAILABLE


def test_where_looking_for_a_lost_submission_fails_as_well_the_job_may_be_there() -> None:
    def unreachable() -> tuple[Job, ...]:
        raise Failure(Code.UNAVAILABLE, "no connection")

    def unreadable() -> Job:
        raise Failure(Code.REJECTED, "not one job", vendor="kit.malformed")

    for made in (exports(lost, listed=unreachable), exports(unreadable, listed=unreachable)):
        with pytest.raises(Failure) as raised:
            made.submit(ORDER, ("old",))
        assert raised.value.vendor == UNSURE


def test_where_none_are_listed_nobody_can_know_unless_another_does_no_harm() -> None:
    assert code_of(lambda: exports(lost).submit(ORDER, None)) is Code.AMBIGUOUS
    assert code_of(lambda: exports().found(ORDER, None)) is Code.AMBIGUOUS
    assert exports(repeatable=True).found(ORDER, None) is None
    assert code_of(lambda: exports(lost, repeatable=True).submit(ORDER, None)) is Code.UNAVAILABLE


def test_a_list_that_was_not_looked_at_before_tells_nothing_after() -> None:
    assert code_of(lambda: exports(lost, listed=lambda: (RUNNING,)).submit(ORDER, None)) is Code.AMBIGUOUS


def test_a_job_without_an_id_was_submitted_and_cannot_be_named() -> None:
    assert code_of(lambda: exports(lambda: Job("", JobStatus.RUNNING)).submit(ORDER, None)) is Code.AMBIGUOUS


def test_no_job_for_a_dataset_is_said_as_none() -> None:
    assert exports(lambda: None).submit(ORDER, None) is None


def test_an_answer_about_another_job_is_no_answer() -> None:
    assert code_of(lambda: exports(polls=lambda: Job("k", JobStatus.DONE)).awaited(ORDER, "j")) is Code.UNAVAILABLE


def test_the_text_null_is_the_end_and_an_empty_one_leads_nowhere() -> None:
    assert exports(polls=lambda: Job("j", JobStatus.DONE, more="null")).awaited(ORDER, "j").more is None
    assert code_of(lambda: exports(polls=lambda: Job("j", JobStatus.DONE, more="")).awaited(ORDER, "j")) is (
        Code.UNAVAILABLE
    )


def test_a_file_is_what_its_job_says_or_is_raised() -> None:
    data = (b"id\r\n", b"1\r\n")
    made, digest = exports(pieces=data), hashlib.sha256(b"".join(data)).hexdigest()
    assert b"".join(made.collect(ORDER, Part("f", "u", size=7, sha256=digest.upper()))) == b"id\r\n1\r\n"
    for wrong in (Part("f", "u", size=6), Part("f", "u", size=8), Part("f", "u", sha256="0" * 64)):
        assert code_of(lambda wrong=wrong: b"".join(made.collect(ORDER, wrong))) is Code.UNAVAILABLE  # type: ignore[misc]


def test_a_vendor_without_jobs_offers_none() -> None:
    assert code_of(lambda: session(lambda made: None).submit(ORDER, None)) is Code.REJECTED


def test_a_job_counts_against_the_days_quota_as_what_it_costs() -> None:
    made = exports(cost=50)
    made._line.pace._limits = Limits(per_day=1000)
    made.submit(ORDER, None)
    assert made._line.pace.today == 49, "and its own request"

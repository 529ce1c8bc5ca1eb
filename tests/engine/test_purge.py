"""The purge: exactly what is archived, each row once, resumable, proved by count and by id, and honest where neither can be had."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from msgspec import structs

from crmstate.core.closing import Result
from crmstate.core.diagnostic import problem
from crmstate.core.event import Check, Evidence
from crmstate.core.failure import Code, Failure
from crmstate.core.goal import ArchiveGoal, Discard, NoArchive, PurgeGoal, StatusGoal
from crmstate.core.provider import Batch, Page
from crmstate.core.provider import Result as Answer
from crmstate.core.record import Entry
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Kind, Outcome, Proof, Verb

from ..core.scenes import ARCHIVED, account, cell, dataset, disabled, discard, module, vendor
from .model import FAULTS, Archive, Bomb, Crash, Site
from .stages import site

ALONE = dict.fromkeys(
    ("users", "api_keys", "sessions", "integrations", "settings", "modules", "subscription", "account", "discard")
)


def purging(rows: int = 8, batch: int = 3, **goals: Any) -> Site:
    """One dataset that is to be purged."""
    facts = goals.pop("facts", {})
    by = vendor(cell(Kind.DATASET, Verb.PURGE, batch=batch))
    here = site(
        by=by,
        rows=(dataset("contacts", goals.pop("shown", rows), **facts),),
        **{**ALONE, "purge": PurgeGoal(), **goals},
    )
    here.world.data["contacts"] = {f"r{n:03}": "x" for n in range(rows)}
    return here


def entry(here: Site) -> Entry:
    return next(each for each in here.state().entries.values() if each.verb is Verb.PURGE)


def purge_line(here: Site, **more: Any) -> Any:
    closing = here.apply(**more)
    assert closing is not None
    return next(line for line in closing.lines if line.step.verb is Verb.PURGE)


def test_every_row_goes_in_batches_and_its_absence_is_observed() -> None:
    here = purging()
    assert purge_line(here).result is Result.DONE
    assert [len(call.items) for call in here.world.calls] == [3, 3, 2]
    assert (here.world.data["contacts"], entry(here).proof, entry(here).rows) == ({}, Proof.OBSERVED, 8)


@pytest.mark.parametrize("first", FAULTS)
@pytest.mark.parametrize("second", FAULTS)
def test_whatever_becomes_of_two_batches_every_row_goes_once(first: str, second: str) -> None:
    here = purging()
    here.world.acts = deque([first, second])
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])
    assert entry(here).outcome is Outcome.DONE
    assert here.planned().steps == ()


@pytest.mark.parametrize("fault", ["nothing", "promised", "accepted"])
def test_nothing_is_called_done_before_the_rows_are_gone(fault: str) -> None:
    here = purging()
    here.world.acts = deque([fault])
    line = purge_line(here)
    assert line.result in (Result.FAILED, Result.WAITING)
    assert entry(here).outcome is not Outcome.DONE


def test_a_batch_that_did_nothing_is_found_even_where_the_sample_misses_it() -> None:
    """Twenty ids of a thousand are sampled: the count tells that some are left, and every one is looked for again."""
    here = purging(rows=300, batch=4)
    here.world.acts = deque(["ok", "ok", "ok", "nothing"])
    assert purge_line(here).result is Result.FAILED
    assert len(here.world.data["contacts"]) == 4
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])


def test_rows_that_came_after_the_archive_are_not_destroyed_but_archived_first() -> None:
    here = purging()
    perform = here.world.perform

    def busy(batch: Batch) -> Any:
        if len(here.world.calls) == 1:
            here.world.add_row("contacts", "late")
        return perform(batch)

    here.world.perform = busy  # type: ignore[method-assign]
    line = purge_line(here)
    assert (line.result, line.found.code, set(here.world.data["contacts"])) == (Result.FAILED, "CRM-E009", {"late"})
    here.settle()
    assert here.world.data["contacts"] == {}
    assert set(here.sealed["contacts"]) == {"late", *(f"r{n:03}" for n in range(8))}, (
        "what was purged stays in the archive"
    )


def test_more_rows_than_the_plan_showed_are_refused() -> None:
    here = purging()
    saved = here.planned()
    here.world.add_row("contacts", "late")
    line = purge_line(here, saved=saved)
    assert (line.result, line.found.code) == (Result.REFUSED, "CRM-E010")
    assert here.world.calls == []
    here.settle()
    assert here.world.data["contacts"] == {}


@pytest.mark.parametrize(("shown", "exact"), [(None, True), (5, False)])
def test_without_an_exact_count_the_ids_are_the_proof(shown: int | None, exact: bool) -> None:
    here = purging(shown=shown, facts={"exact": exact})
    assert purge_line(here).result is Result.DONE
    assert (entry(here).proof, here.planned().steps) == (Proof.OBSERVED, ())


def test_without_a_count_rows_that_can_still_be_read_are_not_called_hidden() -> None:
    here = purging(shown=None)
    here.world.acts = deque(["nothing", "nothing", "nothing"])
    line = purge_line(here)
    assert (line.result, entry(here).code) == (Result.FAILED, "rows_remain")
    here.settle()
    assert here.world.data["contacts"] == {}


def test_a_vendor_that_only_hides_what_it_deleted_is_told_so_and_not_believed_further() -> None:
    here = purging()
    session_read = here.world.listing
    hidden = dict(here.world.data["contacts"])
    from .model import Session

    original = Session.read

    def shows_all(self: Session, name: str, cursor: str | None = None, ids: Any = None) -> Page:
        if ids is not None:
            from crmstate.core.provider import Row

            return Page(tuple(Row(id, b"x") for id in sorted(hidden) if id in set(ids)), None)
        return original(self, name, cursor, ids)

    Session.read = shows_all  # type: ignore[method-assign]
    try:
        line = purge_line(here)
    finally:
        Session.read = original  # type: ignore[method-assign]
    assert (line.result, line.found.code, entry(here).proof, entry(here).code) == (
        Result.DONE,
        "CRM-E011",
        Proof.ACKNOWLEDGED,
        "soft_delete",
    )
    assert session_read is not None


def test_a_row_that_was_deleted_is_not_sent_again_because_the_look_afterwards_failed() -> None:
    here = purging()
    here.world.acts = deque(["partial"])
    from .model import Session

    original, failures = Session.read, [True]

    def down(self: Session, name: str, cursor: str | None = None, ids: Any = None) -> Page:
        if ids is not None and failures:
            failures.pop()
            raise Failure(Code.UNAVAILABLE, "down")
        return original(self, name, cursor, ids)

    Session.read = down  # type: ignore[method-assign]
    try:
        assert purge_line(here).result is Result.FAILED
    finally:
        Session.read = original  # type: ignore[method-assign]
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])


@pytest.mark.parametrize("mode", ["before", "after"])
def test_after_a_crash_at_any_effect_it_goes_on_and_no_row_is_sent_twice(mode: str) -> None:
    whole = Bomb()
    purging(rows=20).apply(whole)
    for at in range(len(whole.seen)):
        here = purging(rows=20)
        with pytest.raises(Crash):
            here.apply(Bomb(at, mode))
        here.settle()
        assert (here.world.data["contacts"], here.world.repeats) == ({}, []), at
        assert sum(len(call.items) for call in here.world.calls) == 20, at


def test_a_purge_that_takes_days_of_quota_resumes_from_its_last_batch() -> None:
    here = purging(rows=9)
    for _ in range(3):
        here.world.acts = deque(["ok", "exhausted"])
        here.apply()
        here.world.advance(1)
    assert [len(call.items) for call in here.world.calls] == [3] * len(here.world.calls)
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])
    assert here.apply().exit is Exit.OK  # type: ignore[union-attr]


def test_an_archive_that_is_no_longer_there_stops_the_purge() -> None:
    here = purging()
    here.apply(target=["archive/*"])
    saved = here.planned()
    here.sealed.clear()
    line = purge_line(here, saved=saved)
    assert line.result is Result.FAILED
    assert here.world.calls == []


def test_by_a_written_decision_a_purge_needs_no_archive() -> None:
    here = purging(archive=NoArchive("small", "head@example.com"))
    assert purge_line(here).result is Result.DONE
    assert (here.world.data["contacts"], here.sealed) == ({}, {})


def test_a_purge_without_an_archive_waits_until_somebody_approved_it() -> None:
    here = purging(archive=NoArchive("small", "head@example.com"))
    here.approver = None
    assert purge_line(here).result in (Result.REFUSED, Result.NOT_STARTED)
    assert here.world.calls == []
    here.approve(here.planned(), "head@example.com")
    assert purge_line(here).result is Result.DONE


@pytest.mark.parametrize("fault", FAULTS)
def test_a_purge_without_an_archive_survives_the_same_faults(fault: str) -> None:
    here = purging(archive=NoArchive("small", "head@example.com"))
    here.world.acts = deque(["ok", fault])
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])


def test_what_is_given_up_is_left_to_the_account() -> None:
    here = purging(discard=discard("contacts"))
    here.settle()
    assert len(here.world.data["contacts"]) == 8
    assert here.world.calls == []


@pytest.mark.parametrize("given", [False, True])
def test_attachments_that_a_verification_misses_just_now_are_not_purged_unless_somebody_gave_them_up(
    given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evidence(self: Archive, dataset: str) -> Evidence:
        return structs.replace(plain(self, dataset), checks=(Check("left_out", "lacking"),))

    plain = Archive._evidence
    monkeypatch.setattr(Archive, "_evidence", evidence)
    given_up = (Discard("contacts", "scans", "head@example.com", attachments=True),)
    here = purging(discard=given_up if given else ())
    line = purge_line(here)
    found = line.found.code if line.found is not None else None
    assert (line.result, found) == ((Result.DONE, None) if given else (Result.REFUSED, "CRM-E032"))
    assert bool(here.world.data["contacts"]) is not given


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    ("end", "verb"),
    [
        ({"purge": PurgeGoal()}, Verb.PURGE),
        ({"account": StatusGoal("deleted")}, Verb.CLOSE),
        ({"modules": disabled("crm", "clears")}, Verb.DISABLE),
    ],
)
def test_attachments_that_no_record_of_an_earlier_version_tells_of_are_missed_before_anything_goes(
    end: dict[str, Any], verb: Verb, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recheck(self: Archive, dataset: Resource, expected: str | None = None) -> Evidence:
        return structs.replace(plain(self, dataset, expected), checks=(Check("left_out", "lacking"),))

    plain = Archive.recheck
    monkeypatch.setattr(Archive, "recheck", recheck)
    given_up = (Discard("contacts", "scans", "head@example.com", attachments=True),) if given else ()
    rows = (account(), module("crm", "clears"), dataset("contacts", 1))
    here = site(rows=rows, **{**ALONE, "purge": None, "discard": given_up, **end})
    here.world.data["contacts"] = {"r": "x"}
    (line,) = [each for each in (here.apply() or pytest.fail("nothing")).lines if each.step.verb is verb]
    assert (line.found.code if line.found is not None else None) == (None if given else "CRM-E032")
    assert bool(here.world.calls) is given


def test_the_bin_is_emptied_after_the_purge_and_is_seen_to_be_empty() -> None:
    here = purging(purge=PurgeGoal(bin=True), facts={"bin_rows": 0})
    closing = here.apply()
    assert closing is not None
    assert [line.result for line in closing.lines if line.step.verb is Verb.EMPTY] == [Result.DONE]
    assert here.world.bins["contacts"] == {}
    assert here.planned().steps == ()


def test_a_bin_that_the_vendor_does_not_count_is_emptied_once_after_each_purge() -> None:
    here = purging(purge=PurgeGoal(bin=True), facts={"bin_rows": None})
    here.settle()
    assert here.world.bins["contacts"] == {}
    assert [call.verb for call in here.world.calls].count(Verb.EMPTY) == 1
    assert here.planned().steps == ()


def test_a_bin_that_was_not_emptied_before_a_crash_is_emptied_afterwards() -> None:
    for count in (None, 0):
        here = purging(purge=PurgeGoal(bin=True), facts={"bin_rows": count})
        here.world.acts = deque(["ok", "ok", "ok", "denied"])
        here.settle()
        assert here.world.bins["contacts"] == {}
        assert isinstance(here.desired.archive, ArchiveGoal) and here.desired.archive == ARCHIVED


@pytest.mark.parametrize("fault", ["exhausted", "unavailable", "denied", "lost_before"])
@pytest.mark.parametrize("first", ["accepted", "promised"])
def test_rows_that_the_vendor_took_on_are_waited_for_by_later_runs_too(first: str, fault: str) -> None:
    """A run that ends early may not forget that an earlier batch was accepted: its rows still show, and would be sent
    again. `promised` is a promise that the vendor breaks: after its day they are asked for once more."""
    here = purging()
    here.world.acts = deque([first, *[fault] * 3])
    here.apply()
    for _ in range(4):
        here.world.advance(0.1)
        here.apply()
    assert here.world.repeats == []
    sent = [item.id for call in here.world.calls for item in call.items]
    assert [sent.count(f"r{n:03}") for n in range(3)] == [1, 1, 1], "the rows of the first batch are sent once"
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])


def test_an_archive_whose_delta_was_cut_off_is_mended_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record of that delta is lost as well, a verification is the first to see it, and may not be the end."""
    mended: list[str] = []
    verify, delta = Archive.verify, Archive.delta

    def cut(self: Archive, *given: Any, **more: Any) -> Any:
        if not mended:
            raise problem(Exit.ERROR, "CRM-A028", file="contacts.jsonl")
        return verify(self, *given, **more)

    def whole(self: Archive, *given: Any, **more: Any) -> Any:
        mended.append("delta")
        return delta(self, *given, **more)

    monkeypatch.setattr(Archive, "verify", cut)
    monkeypatch.setattr(Archive, "delta", whole)
    here = purging()
    here.settle()
    assert (here.world.data["contacts"], mended[:1]) == ({}, ["delta"])


def in_two_acts(*fates: str) -> Site:
    """A purge whose vendor takes two acts for it: after the first a row lies in a bin that nothing lists."""
    by = vendor(cell(Kind.DATASET, Verb.PURGE, batch=3, attributes=frozenset({"halfway_unseen"})))
    here = site(by=by, rows=(dataset("contacts", 8),), **{**ALONE, "purge": PurgeGoal()})
    here.world.data["contacts"] = {f"r{n:03}": "x" for n in range(8)}
    here.world.bins["contacts"] = {}
    left = deque(fates)

    def perform(batch: Batch) -> list[Answer]:
        here.world.calls.append(batch)
        fate = left.popleft() if left else "ok"
        data, bin = here.world.data["contacts"], here.world.bins["contacts"]
        for item in batch.items:
            if item.id in data:
                bin[item.id] = data.pop(item.id)
        if fate == "crash":
            raise Crash
        if fate == "exhausted":
            raise Failure(Code.EXHAUSTED, "quota", until="2026-06-02T16:00:00Z")
        if fate == "lost":
            return [Answer(item.id, Outcome.UNKNOWN, "ambiguous", proof=Proof.NONE) for item in batch.items]
        if fate == "kept":
            return [Answer(item.id, Outcome.FAILED, "rejected", "others need it") for item in batch.items]
        for item in batch.items:
            bin.pop(item.id, None)
        return [Answer(item.id, Outcome.DONE) for item in batch.items]

    here.world.perform = perform  # type: ignore[method-assign]
    return here


@pytest.mark.parametrize("fate", ["lost", "exhausted", "crash"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_rows_that_are_half_gone_and_show_nowhere_are_asked_for_again(fate: str, place: int) -> None:
    here = in_two_acts(*["ok"] * place, fate)
    try:
        here.apply()
    except Crash:
        here.world.advance(1)
    here.settle()
    assert (here.world.data["contacts"], here.world.bins["contacts"]) == ({}, {})
    assert (entry(here).outcome, entry(here).rows) == (Outcome.DONE, 8)


def test_what_is_half_gone_and_refused_is_not_called_done() -> None:
    here = in_two_acts("ok", "kept")
    line = purge_line(here)
    assert (line.result, entry(here).summary, entry(here).position) == (Result.FAILED, "others need it", 3)
    assert len(here.world.bins["contacts"]) == 3

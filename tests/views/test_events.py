"""What happened, as it happens."""

from __future__ import annotations

import json

from crmstate.core.address import Address
from crmstate.core.event import Advanced, Finished, Intended, Reopened, Settled, Settlement, Started, StepRef
from crmstate.core.words import Outcome, Undo, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.events import Progress, event_line, first_line

AT = "2026-12-01T08:00:00Z"
EN = Catalogue("en", strict=True)
REFS = tuple(StepRef(f"s{n}", Address(f"user/u{n}"), Verb.DEACTIVATE, Undo.FREE, f"Person {n}") for n in range(5))


def test_the_first_line_names_the_format_version() -> None:
    assert json.loads(first_line())["format_version"] == "1.0"
    assert json.loads(first_line())["event"] == "format"


def test_an_event_is_one_line_with_its_name() -> None:
    line = event_line(Finished(AT, "r1", 0, {"done": 1}))
    assert json.loads(line) == {"event": "finished", "at": AT, "run": "r1", "exit": 0, "counts": {"done": 1}}
    assert line.endswith("}\n")
    assert line.count("\n") == 1


def test_people_see_what_a_batch_did_and_how_far_it_has_come() -> None:
    progress = Progress(EN)
    assert progress.lines(Started(AT, "r1", "p1", "d", "me", 5)) == ["Plan p1: 5 steps."]
    assert progress.lines(Intended(AT, "r1", "b1", REFS)) == []
    results = tuple(Settlement(ref.id, Outcome.FAILED if ref.id == "s4" else Outcome.DONE) for ref in REFS)
    assert progress.lines(Settled(AT, "r1", "b1", results)) == [
        "[4/5] done: deactivate user/u0 Person 0, deactivate user/u1 Person 1, deactivate user/u2 Person 2, … and 1 more",
        "[4/5] failed: deactivate user/u4 Person 4",
    ]


def test_a_purge_says_how_many_rows_are_gone() -> None:
    progress = Progress(Catalogue("zh-CN", strict=True))
    progress.lines(Intended(AT, "r1", "b1", (StepRef("s9", Address("dataset/c"), Verb.PURGE, Undo.NEVER, "客户"),)))
    assert progress.lines(Advanced(AT, "r1", "s9", 200, 2_000)) == ["清除数据 dataset/c 客户：已清除 2,000 行"]


def test_reopened_steps_are_told_of_and_unknown_ones_do_no_harm() -> None:
    progress = Progress(EN)
    assert progress.lines(Reopened(AT, "r1", ("s1",))) == [
        "A step of an earlier run did not happen: it may be sent again."
    ]
    assert progress.lines(Settled(AT, "r1", "b", (Settlement("?", Outcome.DONE),))) == ["done: ?"]

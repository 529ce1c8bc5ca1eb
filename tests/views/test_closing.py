"""The closing table: everything that is not done has a reason and a next step."""

from __future__ import annotations

import json

import msgspec

from crmstate.core.address import Address
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.message import message
from crmstate.core.words import Exit
from crmstate.views.catalogue import Catalogue
from crmstate.views.closing import closing_brief, closing_json, closing_markdown, closing_text
from tests.views.samples import closed, representative

EN = Catalogue("en", strict=True)
ZH = Catalogue("zh-CN", strict=True)


def test_every_result_is_counted() -> None:
    assert (
        closing_text(closed(), EN).splitlines()[0]
        == "1 done, 1 already done, 15 failed, 2 waiting, 1 unknown, 1 refused, 1 not started."
    )


def test_failures_with_one_reason_are_folded_unless_everything_is_asked_for() -> None:
    assert "… and 5 more" in closing_text(closed(), EN)
    assert "user/u114" in closing_text(closed(), EN, full=True)
    assert "user/u114" in closing_markdown(closed(), EN)


def test_json_is_one_line_and_folds_nothing() -> None:
    raw = closing_json(closed(), EN)
    found = json.loads(raw)
    assert raw.count("\n") == 1
    assert (found["event"], found["exit"], len(found["steps"])) == ("closing", 6, 22)


def test_everything_that_is_not_done_says_what_to_do_next() -> None:
    found = json.loads(closing_json(closed(), EN))
    assert [
        each["id"] for each in found["steps"] if bool(each.get("next")) is (each["result"] in ("done", "already_done"))
    ] == []


def test_who_is_waited_for_is_named_with_the_command() -> None:
    assert "When it@example.com has done it: crmstate confirm human_step/impact" in closing_text(closed(), EN)


def test_what_one_person_has_to_do_is_said_of_each_step_by_its_own_reason() -> None:
    (impact,) = (step for step in representative().steps if step.label == "评估受影响的系统")
    other = msgspec.structs.replace(
        impact, id="o", address=Address("human_step/o"), why=message("why.human", title="Other")
    )
    alike = tuple(msgspec.structs.replace(other, id=f"a{n}", address=Address(f"human_step/a{n}")) for n in range(2))
    lines = tuple(Line(step, Result.WAITING) for step in (impact, *alike))
    late = (Line(msgspec.structs.replace(other, id="l"), Result.NOT_STARTED),)
    shown = closing_brief(Closing("r", Exit.OK, lines + late), EN)
    assert shown.count("waiting (") == 2 and "confirm human_step/impact --evidence" in shown, shown
    assert "Only a person can do this: Other\n  → When it@example.com has done it: crmstate confirm ADDRESS" in shown, (
        shown
    )
    first = "Waited for first: confirm human_step/impact, confirm human_step/a0, confirm human_step/a1.\n"
    assert shown.splitlines(True)[0].endswith(first), shown
    assert "Waited for first" not in closing_brief(Closing("r", Exit.OK, lines), EN)


def test_an_empty_run_says_so() -> None:
    shown = closing_text(Closing("r", Exit.OK, ()), EN)
    assert shown == "There was nothing to do.\n\nExit 0: everything that can be done now is done.\n"


def test_a_run_that_did_everything_is_two_lines() -> None:
    lines = tuple(Line(step, Result.DONE) for step in representative().steps)
    assert closing_text(Closing("r", Exit.OK, lines), EN).startswith("41 done.\n\nExit 0")


def test_a_run_of_which_everything_was_blocked_did_not_have_nothing_to_do() -> None:
    several = tuple(msgspec.structs.replace(representative().blocked[0], address=f"dataset/d{n}") for n in range(5))
    shown = closing_text(Closing("r", Exit.OK, (), (), several), EN)
    assert shown.startswith("Nothing could be done now.\n\nBlocked (5)")
    last = shown.splitlines()[-1]
    assert "dataset/d0" in last and "dataset/d2" in last and "dataset/d3" not in last and "and 2 more" in last
    chinese = closing_text(Closing("r", Exit.OK, (), (), several), ZH).splitlines()
    assert "没有可以执行的步骤" in chinese[0] and "dataset/d0" in chinese[-1] and "再次应用" in chinese[-1]


def test_a_run_that_did_everything_it_could_does_not_call_done_what_was_blocked() -> None:
    made = representative()
    lines = tuple(Line(step, Result.DONE) for step in made.steps)
    closing = Closing("r", Exit.OK, lines, (), made.blocked)
    place, number = made.blocked[0].address, len(made.blocked)
    assert number > 1
    names = [f"{EN.word('verb', each.verb.value)} {each.address}" for each in made.blocked]
    last = (
        f"Exit 0: everything that can be done now is done. {number} things are blocked, and not done: {', '.join(names)}. "
        "Clear what is said of them above, then apply again."
    )
    for shown in (closing_text(closing, EN), closing_brief(closing, EN)):
        assert shown.endswith(f"\n\n{last}\n")
        assert f"Blocked ({number})" in shown and place in shown
        assert made.blocked[0].owner in shown  # type: ignore[operator]
    quoted = last.replace(", ".join(names), f"`{', '.join(names)}`")
    page = closing_markdown(closing, EN)
    assert f"### Blocked ({number})" in page and page.endswith(f"\n\n{quoted}\n")
    found = json.loads(closing_json(closing, EN))["blocked"]
    assert [each["address"] for each in found] == [each.address for each in made.blocked]
    assert all(each["why"] for each in found)

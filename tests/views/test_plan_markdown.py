"""The plan as one comment: within its budget, irreversible steps first and never silently cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.address import address
from crmstate.core.diagnostic import diagnostic
from crmstate.core.message import message
from crmstate.core.plan import Blocked
from crmstate.core.words import Kind, Mode, Undo, Verb
from crmstate.views.catalogue import LANGUAGES, Catalogue
from crmstate.views.plan_markdown import BUDGET, plan_markdown
from tests.views.samples import plan, representative, step

EN = Catalogue("en", strict=True)


def keys(count: int, label: str = "") -> tuple:  # type: ignore[type-arg]
    return tuple(
        step(Kind.API_KEY, f"k{n:06}", Verb.REVOKE, "keys", undo=Undo.NEVER, label=label) for n in range(count)
    )


def users(count: int, label: str = "") -> tuple:  # type: ignore[type-arg]
    return tuple(step(Kind.USER, f"u{n:06}", Verb.DEACTIVATE, "users", label=label) for n in range(count))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 500, 3_000, 100_000])
@pytest.mark.parametrize("label", ["", "客户" * 100, "`" * 200])
def test_the_comment_never_exceeds_its_budget(lang: str, count: int, label: str) -> None:
    count = min(count, 5_000) if label else count
    shown = plan_markdown(plan((*keys(count // 2, label), *users(count // 2, label))), Catalogue(lang, strict=True))
    assert len(shown) <= BUDGET


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 300), st.integers(0, 200))
def test_the_budget_holds_for_every_mixture(final: int, other: int, human: int, stuck: int) -> None:
    humans = tuple(
        step(Kind.HUMAN_STEP, f"h{n}", Verb.CONFIRM, f"human_step/h{n}", mode=Mode.MANUAL, label="x" * 90)
        for n in range(human)
    )
    blocked = tuple(
        Blocked(address(Kind.USER, f"b{n}"), Verb.DELETE, "users", message("blocked.question", text="q" * n))
        for n in range(stuck)
    )
    found = tuple(diagnostic("CRM-P020", dataset="d" * 500) for _ in range(stuck))
    made = plan((*keys(final, "y" * 90), *users(other, "z" * 90), *humans), blocked, found)
    shown = plan_markdown(made, EN)
    assert len(shown) <= BUDGET
    assert shown.count("<details>") == shown.count("</details>")


def test_every_irreversible_step_is_listed_before_anything_is_folded() -> None:
    shown = plan_markdown(plan((*keys(400), *users(5_000))), EN)
    first, _, rest = shown.partition("<details>")
    assert [n for n in range(400) if f"`api_key/k{n:06}`" not in first] == []
    assert "more lines, left out to fit into one comment" in rest


def test_irreversible_steps_lose_their_labels_before_they_lose_their_lines() -> None:
    shown = plan_markdown(plan(keys(900, "A very long label of a key that nobody needs")), EN)
    assert [n for n in range(900) if f"- revoke `api_key/k{n:06}`" not in shown] == []
    assert "A very long label" not in shown


def test_too_many_irreversible_steps_are_counted_and_the_comment_says_so() -> None:
    shown = plan_markdown(plan(keys(20_000)), EN)
    assert "- 20,000 × revoke API key" in shown
    assert "All 20,000 irreversible steps do not fit into one comment." in shown
    assert "`api_key/k000000`" in shown
    assert "`api_key/k019999`" in shown
    listed = shown.count("- revoke `api_key/k")
    first, last = (listed + 1) // 2, listed // 2
    assert f"with the first {first:,} and the last {last:,}" in shown


def test_the_rest_is_cut_in_the_middle_and_counted() -> None:
    shown = plan_markdown(plan(users(5_000)), EN)
    assert "`user/u000000`" in shown
    assert "`user/u004999`" in shown
    missing = 5_000 - shown.count("- deactivate `user/")
    assert f"… {missing:,} more lines, left out" in shown


def test_a_plan_without_irreversible_steps_says_so() -> None:
    assert "No step of this plan is irreversible." in plan_markdown(plan(users(1)), EN)


def test_a_small_plan_is_not_cut() -> None:
    assert "left out" not in plan_markdown(representative(), EN)

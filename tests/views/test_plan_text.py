"""The plan in a terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from crmstate.core.diagnostic import diagnostic
from crmstate.core.words import Kind, Mode, Undo, Verb
from crmstate.views.catalogue import LANGUAGES, Catalogue
from crmstate.views.closing import closing_markdown, closing_text
from crmstate.views.plan_markdown import plan_markdown
from crmstate.views.plan_text import plan_text
from crmstate.views.providers_text import providers_markdown, providers_text
from crmstate.views.state_text import state_list, state_show
from crmstate.views.status_text import status_markdown, status_text
from tests.views.samples import closed, plan, record, representative, step, vendor

GOLDEN = Path(__file__).parent / "golden"
VIEWS = {
    "plan.txt": lambda words: plan_text(representative(), words),
    "plan.md": lambda words: plan_markdown(representative(), words),
    "closing.txt": lambda words: closing_text(closed(), words),
    "closing.md": lambda words: closing_markdown(closed(), words),
    "status.txt": lambda words: status_text(record(), representative(), words),
    "status.md": lambda words: status_markdown(record(), representative(), words),
    "state.txt": lambda words: state_list([record()], words) + "\n" + state_show(record(), words),
    "providers.txt": lambda words: providers_text([vendor()], words),
    "providers.md": lambda words: providers_markdown([vendor()], words),
}
EN = Catalogue("en", strict=True)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_reads_as_it_was_approved(lang: str, name: str) -> None:
    """CRMSTATE_GOLDEN=1 writes the files anew; read the difference before committing it."""
    path = GOLDEN / f"{lang}.{name}"
    shown = VIEWS[name](Catalogue(lang, strict=True))
    if os.environ.get("CRMSTATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text("utf-8")


def test_colour_changes_no_letter() -> None:
    painted = plan_text(representative(), EN, color=True)
    assert "\x1b[31m" in painted
    assert re.sub(r"\x1b\[[0-9]+m", "", painted) == plan_text(representative(), EN)


def test_an_irreversible_step_has_a_mark_a_word_and_a_colour() -> None:
    shown = plan_text(plan((step(Kind.API_KEY, "k1", Verb.REVOKE, "keys", undo=Undo.NEVER),)), EN, color=True)
    assert "\x1b[31m  ! revoke  api_key/k1  (irreversible)\x1b[0m" in shown


def test_a_long_group_is_folded_and_says_how_many_are_left_out() -> None:
    many = tuple(step(Kind.USER, f"u{n:04}", Verb.DEACTIVATE, "users", "why.user.removed") for n in range(1_000))
    shown = plan_text(plan(many), EN)
    assert "… and 990 more" in shown
    assert sum(line.startswith("  - deactivate") for line in shown.splitlines()) == 10


def test_full_folds_nothing() -> None:
    many = tuple(step(Kind.USER, f"u{n}", Verb.DEACTIVATE, "users", "why.user.removed") for n in range(100))
    shown = plan_text(plan(many), EN, full=True)
    assert sum(line.startswith("  - deactivate") for line in shown.splitlines()) == 100


def test_folded_irreversible_steps_say_that_they_are() -> None:
    many = tuple(step(Kind.API_KEY, f"k{n}", Verb.REVOKE, "keys", undo=Undo.NEVER) for n in range(50))
    assert "… and 40 more, irreversible" in plan_text(plan(many), EN)


def test_a_long_label_is_cut_to_the_width_of_the_terminal() -> None:
    shown = plan_text(plan((step(Kind.USER, "u1", Verb.DELETE, "users", label="客户" * 60),)), EN)
    row = next(line for line in shown.splitlines() if "user/u1" in line)
    assert row.endswith("…")
    assert sum(2 if ord(char) > 0x2E80 else 1 for char in row) <= 80


def test_an_empty_plan_says_that_nothing_changes() -> None:
    shown = plan_text(plan(), EN)
    assert "No changes. Everything is as the manifest says." in shown
    assert "crmstate apply" not in shown


def test_a_plan_that_only_waits_says_so() -> None:
    made = plan(
        (step(Kind.FREEZE, "cutover", Verb.CONFIRM, "freeze", mode=Mode.WAIT, not_before="2027-01-01T00:00:00Z"),)
    )
    shown = plan_text(made, EN)
    assert "No changes now. What is left waits" in shown
    assert "not before 2027-01-01T00:00:00Z" in shown


def test_a_sealed_plan_says_that_the_vendor_is_gone_by_design() -> None:
    shown = plan_text(plan(sealed="2027-02-01T00:00:00Z"), EN)
    assert "No changes. The vendor is no longer reachable, by design; last verified at 2027-02-01T00:00:00Z." in shown


def test_a_hypothetical_plan_offers_no_apply() -> None:
    shown = plan_text(msgspec.structs.replace(representative(), hypothetical=True), EN)
    assert "Hypothetical" in shown
    assert "crmstate apply" not in shown


def test_a_plan_with_errors_offers_no_apply() -> None:
    made = plan((step(Kind.USER, "u1", Verb.DELETE, "users"),), found=(diagnostic("CRM-P051", count=60, ceiling=5),))
    shown = plan_text(made, EN)
    assert "This plan has an error. Nothing of it can be applied." in shown
    assert "error[CRM-P051] 60 would lose access; `safeguards.max_removals` allows 5" in shown
    assert "crmstate apply" not in shown


def test_a_saved_plan_is_applied_by_its_file_and_id() -> None:
    made = plan((step(Kind.USER, "u1", Verb.DELETE, "users"),))
    assert f"crmstate apply 'my plan.json' --plan-id {made.plan_id}" in plan_text(made, EN, saved="my plan.json")


def test_stages_stand_in_the_order_of_the_plan() -> None:
    first = step(Kind.HUMAN_STEP, "late", Verb.CONFIRM, "human_step/late", mode=Mode.MANUAL)
    second = step(Kind.USER, "u1", Verb.DELETE, "users")
    order = (("users", "human_step/late"),)
    shown = plan_text(plan((first, second), order=order), EN)
    assert shown.index("user/u1") < shown.index("human_step/late")


def test_a_circle_among_stages_hides_no_step() -> None:
    steps = (step(Kind.USER, "u1", Verb.DELETE, "users"), step(Kind.SESSION, "s1", Verb.SIGN_OUT, "sessions"))
    shown = plan_text(plan(steps, order=(("users", "sessions"), ("sessions", "users"))), EN)
    assert "user/u1" in shown
    assert "session/s1" in shown


def test_what_was_left_out_by_hand_is_named() -> None:
    assert "Left out of this plan by --target or --exclude: Users." in plan_text(plan(excluded=("users",)), EN)

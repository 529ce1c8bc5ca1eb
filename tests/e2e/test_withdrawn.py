"""A closing that the vendor had accepted and that somebody took back there: plan, drift and status say so at once, and it is
asked for once more, when no listing can run behind any more."""

from __future__ import annotations

import pytest

from crmstate.sandbox import World

from .scenes import closing, effects
from .site import HEAD, Site

pytestmark = pytest.mark.usefixtures("quick")
CLOSING = (
    HEAD
    + """\
end_state:
  subscription: {status: cancelled, effective: immediately}
  data:
    discard:
      - {dataset: Contacts, why: rebuilt, by: head@example.com}
      - {dataset: Deals, why: rebuilt, by: head@example.com}
      - {dataset: Dashboards, why: rebuilt, by: head@example.com}
  account: {status: deleted}
"""
)


def withdraw(here: Site) -> None:
    """Somebody stops the closing in the vendor's own pages."""
    with World.open(here.data) as world:
        assert world.get("account")["status"] == "closing"
        world.put("account", {**world.get("account"), "status": "open", "closes_at": None})


def shown(here: Site) -> tuple[str, str | None, set[str]]:
    """How the plan has the closing: its mode, from when on, and the codes of what it reports."""
    made = here.plan("--format", "json").json
    (step,) = [each for each in made["steps"] if each["verb"] == "close"]
    return step["mode"], step.get("not_before"), {each["code"] for each in made["diagnostics"]}


def closings(here: Site) -> int:
    return sum(each["verb"] == "accept close" for each in effects(here))


def test_a_closing_that_was_withdrawn_is_seen_at_once_and_asked_for_once_more_and_never_blindly(here: Site) -> None:
    here.write(CLOSING)
    assert here.apply().code == 0
    assert shown(here)[:2] == ("wait", "2026-11-08T08:00:00Z")
    withdraw(here)

    mode, since, codes = shown(here)
    assert (mode, since, "CRM-P094" in codes) == ("wait", "2026-11-02T08:00:00Z", True)
    assert "does not show it now" in here.run("status", str(here.manifest)).out
    assert here.drift().code == 2
    assert here.apply().code == 0
    assert closings(here) == 1

    here.advance("1d")
    mode, since, codes = shown(here)
    assert (mode, since, "CRM-P093" in codes) == ("auto", None, True)
    table = closing(here.apply("--format", "json"))["steps"]
    assert [each["result"] for each in table if each["verb"] == "close"] == ["waiting"]
    assert closings(here) == 2
    assert shown(here)[:2] == ("wait", "2026-11-09T08:00:00Z")
    assert here.drift().code == 0


LATE = """\
notices:
  - {to: staff, channel: mail, send: 3 days after closed, feedback_owner: care@example.com}
mail: {host: 127.0.0.1, port: 2525, tls: none, sender: sender@example.com}
"""


def test_who_cannot_be_looked_up_any_more_is_left_to_a_person_and_plan_apply_and_status_say_the_same(
    here: Site,
) -> None:
    here.write(CLOSING + LATE)
    first = here.apply()
    assert first.code == 0 and "CRM-N047" in first.out
    assert "One thing is blocked, and not done: " in first.out.splitlines()[-1]
    here.advance("12d")
    assert closing(here.apply("--format", "json"))["exit"] == 0  # nobody is let in any more
    here.advance("4d")
    manifest = str(here.manifest)
    (step,) = here.plan("--format", "json").json["steps"]
    assert (step["address"], step["mode"], step["owner"]) == ("notice/staff-mail", "manual", "care@example.com")
    (left,) = closing(here.apply("--format", "json"))["steps"]
    assert (left["address"], left["result"]) == ("notice/staff-mail", "waiting")
    said = here.run("status", manifest).out
    assert "Under way." in said and "crmstate confirm notice/staff-mail" in said and "care@example.com" in said
    assert here.run("confirm", "notice/staff-mail", manifest, "--note", "told in the all-hands meeting").code == 0
    assert here.plan("--format", "json").json["steps"] == []
    assert "Finished" in here.run("status", manifest).out

"""A plan says which of its acts rest on what nobody has confirmed of the vendor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crmstate.core.provider import Provider
from crmstate.core.words import Against, How, Kind, Severity, Verb

from .scenes import REMOVED, REVOKED, cell, key, plan, tenant, user, vendor, wish

OFF = cell(Kind.USER, Verb.DEACTIVATE, source="a sample", verified_on=None)
KEYS = cell(Kind.API_KEY, Verb.REVOKE, how=How.MANUAL, run=None, runbook="runbook.model", verified_on=None)


def said(by: Provider) -> list[tuple[str, Severity, dict[str, object]]]:
    made = plan(wish(users=REMOVED, api_keys=REVOKED), tenant(user("u1"), user("u2"), key("k1")), by=by)
    assert {step.verb for step in made.steps} >= {Verb.DEACTIVATE, Verb.REVOKE}
    return [(each.code, each.severity, dict(each.params)) for each in made.diagnostics]


def claiming(*cells: object) -> Provider:
    """A vendor of which everything was checked but these."""
    made = replace(vendor(), against=Against.DESCRIPTION)
    made.table = {place: replace(each, verified_on="2026-11-22") for place, each in made.table.items()}
    for each in cells:
        made.table[each.kind, each.verb] = each  # type: ignore[attr-defined]
    return made


def test_an_act_that_nobody_has_confirmed_is_named_once_with_its_source() -> None:
    assert said(claiming(OFF)) == [
        ("CRM-P032", Severity.NOTE, {"verb": "deactivate", "kind": "user", "source": "a sample"})
    ]


def test_steps_by_hand_whose_instructions_nobody_has_confirmed_are_counted() -> None:
    assert said(claiming(KEYS)) == [("CRM-P033", Severity.NOTE, {"n": 3, "provider": "model"})], "and our own two keys"


@pytest.mark.parametrize("by", [claiming(), vendor(OFF, KEYS)], ids=["all of it was checked", "nothing is claimed"])
def test_where_nothing_is_claimed_or_all_of_it_was_checked_nothing_is_said(by: Provider) -> None:
    assert said(by) == []

"""The rules of precedence, as data. Steps belong to stages; a stage starts when everything in every earlier stage is
done.

The order of lines in a manifest never decides anything. What a person's step or a provider's cell changes in the order
is data as well: extra edges, and rules left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from crmstate.core.words import Milestone


class Stage(StrEnum):
    """The stages, in the order in which they are shown."""

    PREPARE = "prepare"
    ARCHIVE = "archive"
    VERIFY = "verify"
    NOTICE = "notice"
    LEAVE = "leave"
    FREEZE = "freeze"
    KEYS = "keys"
    INTEGRATIONS = "integrations"
    SESSIONS = "sessions"
    USERS = "users"
    DELTA = "delta"
    MIGRATION = "migration"
    SETTINGS = "settings"
    MODULES = "modules"
    PURGE = "purge"
    BIN = "bin"
    CERTIFICATE = "certificate"
    CANCEL = "cancel"
    EFFECTIVE = "effective"
    ACCOUNT = "account"
    OWN = "own"
    AFTERWARDS = "afterwards"


class Rule(msgspec.Struct, frozen=True):
    """`before` is done before `after` starts; `why` is a catalogue code."""

    before: str
    after: str
    why: str


def _rules(*rows: tuple[Stage, Stage, str]) -> tuple[Rule, ...]:
    return tuple(Rule(before.value, after.value, f"order.{why}") for before, after, why in rows)


RULES = _rules(
    (Stage.ARCHIVE, Stage.VERIFY, "verify"),
    (Stage.VERIFY, Stage.FREEZE, "archive_first"),
    (Stage.PREPARE, Stage.FREEZE, "people_first"),
    (Stage.NOTICE, Stage.LEAVE, "notice_first"),
    (Stage.VERIFY, Stage.LEAVE, "archive_first"),
    (Stage.FREEZE, Stage.KEYS, "freeze_first"),
    (Stage.FREEZE, Stage.INTEGRATIONS, "freeze_first"),
    (Stage.FREEZE, Stage.SESSIONS, "freeze_first"),
    (Stage.KEYS, Stage.SESSIONS, "keys_before_people"),
    (Stage.KEYS, Stage.USERS, "keys_before_people"),
    (Stage.SESSIONS, Stage.USERS, "sign_out_first"),
    (Stage.INTEGRATIONS, Stage.DELTA, "frozen_before_delta"),
    (Stage.KEYS, Stage.DELTA, "frozen_before_delta"),
    (Stage.USERS, Stage.DELTA, "frozen_before_delta"),
    (Stage.DELTA, Stage.SETTINGS, "archive_first"),
    (Stage.DELTA, Stage.MODULES, "archive_first"),
    (Stage.DELTA, Stage.PURGE, "archive_first"),
    (Stage.MIGRATION, Stage.PURGE, "migration_first"),
    (Stage.MODULES, Stage.PURGE, "automations_off"),
    (Stage.SETTINGS, Stage.PURGE, "automations_off"),
    (Stage.PURGE, Stage.BIN, "bin_after_purge"),
    (Stage.BIN, Stage.CERTIFICATE, "certificate_after_purge"),
    (Stage.BIN, Stage.CANCEL, "purge_before_cancel"),
    (Stage.MIGRATION, Stage.CANCEL, "migration_first"),
    (Stage.LEAVE, Stage.EFFECTIVE, "cancel_first"),
    (Stage.CANCEL, Stage.EFFECTIVE, "cancel_first"),
    (Stage.EFFECTIVE, Stage.ACCOUNT, "cancel_before_close"),
    (Stage.CERTIFICATE, Stage.ACCOUNT, "certificate_first"),
    (Stage.ACCOUNT, Stage.OWN, "own_access_last"),
    (Stage.OWN, Stage.AFTERWARDS, "afterwards"),
)

MILESTONES: dict[Milestone, Stage] = {
    Milestone.NOTICE_DEADLINE: Stage.NOTICE,
    Milestone.FREEZE: Stage.FREEZE,
    Milestone.ARCHIVE_VERIFIED: Stage.VERIFY,
    Milestone.CANCEL_EFFECTIVE: Stage.EFFECTIVE,
    Milestone.ACCESS_ENDS: Stage.OWN,
    Milestone.PURGED: Stage.BIN,
    Milestone.CLOSED: Stage.ACCOUNT,
}


STARTS: dict[Milestone, Stage] = {**MILESTONES, Milestone.PURGED: Stage.PURGE, Milestone.CANCEL_EFFECTIVE: Stage.CANCEL}
"""What waits for something that is to come before a milestone: the act that brings it about, not only its end."""


def precedence(attributes: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules, changed by the attributes of a provider's cells: `users.needs_active_owner` (people go after the
    purge), `cancel.ends_api` (cancelling goes last of the automatic steps, and our own access ends by it)."""
    rules = list(RULES)
    found = frozenset(attributes)
    if "users.needs_active_owner" in found:
        rules = [rule for rule in rules if (rule.before, rule.after) != (Stage.USERS.value, Stage.DELTA.value)]
        rules += _rules((Stage.BIN, Stage.USERS, "needs_active_owner"), (Stage.USERS, Stage.CANCEL, "cancel_last"))
    if "cancel.ends_api" in found:
        rules += _rules((Stage.CERTIFICATE, Stage.CANCEL, "ends_api"), (Stage.USERS, Stage.CANCEL, "ends_api"))
    return tuple(rules)


def cycle(edges: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """One cycle among (earlier, later) pairs, as the nodes in order; empty where there is none."""
    later: dict[str, list[str]] = {}
    for before, after in edges:
        later.setdefault(before, []).append(after)
    done: set[str] = set()
    for start in sorted(later):
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif node in on_path:
                return tuple(path[path.index(node) :])
            elif node not in done:
                path.append(node)
                on_path.add(node)
                stack.append((node, True))
                stack += [(after, False) for after in sorted(later.get(node, ()), reverse=True)]
    return ()


def earlier(edges: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """For each stage, the stages that stand directly before it."""
    before: dict[str, set[str]] = {}
    for first, second in edges:
        before.setdefault(second, set()).add(first)
        before.setdefault(first, set())
    return {stage: frozenset(found) for stage, found in before.items()}

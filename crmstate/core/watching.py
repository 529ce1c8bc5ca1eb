"""Watching: what a look after the end saw, and what that means. Pure.

A credential that stays refused is good news here; one that works although the record says that we ended it is back. What
could not be looked at is unknown, and never good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmstate.core.address import Address, address
from crmstate.core.change import BACK
from crmstate.core.drift import Drift
from crmstate.core.event import Sight, Watched
from crmstate.core.failure import Code
from crmstate.core.goal import ArchiveGoal, Desired
from crmstate.core.planning.retention import deadlines
from crmstate.core.record import State
from crmstate.core.survey import Identity
from crmstate.core.words import Kind, Outcome, Verb

DEAD = frozenset({Code.EXPIRED, Code.DENIED, Code.MISSING})
"""The vendor's own word that a credential is not let in."""


def refused(use: str, code: Code, state: State) -> Sight:
    """A credential that was not let in. Only where the record says that our access ended is that how it should be."""
    if code not in DEAD:
        return Sight("credential", "unknown", use, code=code.value)
    said = "refused" if state.departed() is not None else "refused_strangely"
    return Sight("credential", said, use, code="" if said == "refused" else code.value)


def works(use: str, identity: Identity, state: State, now: str) -> Sight:
    """A credential that was let in."""
    place = _ended(identity, state, now)
    return Sight("credential", "works" if place is None else "works_again", use, place or "")


def _ended(identity: Identity, state: State, now: str) -> Address | None:
    """What of ours the record says has ended, that this credential should not work without."""
    mine = {address(kind, id) for kind, id in ((Kind.API_KEY, identity.key), (Kind.USER, identity.user)) if id}
    for entry in state.entries.values():
        asked = entry.outcome is Outcome.REQUESTED
        over = (
            entry.outcome is Outcome.DONE
            or (asked and entry.until is not None and entry.until <= now)
            or (asked and entry.until is None and entry.verb is Verb.REVOKE)  # our last key: nobody can read that back
        )
        pending = entry.until is not None and entry.until > now
        if entry.own and over and not pending and (entry.verb in (Verb.CLOSE, Verb.CANCEL) or entry.address in mine):
            return entry.address
    return None


def back(found: Drift) -> list[Sight]:
    """What of a comparison is back or new, and of what nothing can be said."""
    seen = [Sight("back", each.what.value, address=each.address) for each in found.changes if each.what in BACK]
    seen += [Sight("listing", "not_shown", kind.value) for kind in found.unseen]
    seen += [Sight("listing", "unsure", kind.value) for kind in found.unsure]
    return seen + [Sight("listing", "unshown", address=place) for place in found.unshown]


def rechecks(desired: Desired, state: State, now: str) -> list[Sight]:
    """Whether the archive is due to be read back."""
    goal = desired.archive
    if not isinstance(goal, ArchiveGoal):
        return []
    due = [each for each in deadlines(goal, state, "") if each.what == "recheck" and each.at <= now]
    return [Sight("archive", "due", address=each.address) for each in due]


def watched(at: str, by: str, sights: Sequence[Sight]) -> Watched:
    """The event of one look."""
    return Watched(at=at, by=by, outcome=outcome(sights), sights=tuple(sights))


def outcome(sights: Iterable[Sight]) -> str:
    """What it comes to: what is back weighs more than what could not be seen."""
    said = {(each.what, each.said) for each in sights}
    if any(what == "back" or word == "works_again" for what, word in said):
        return "back"
    if any(word in ("unknown", "refused_strangely") for _, word in said):
        return "unknown"
    return "partly" if any(what == "listing" for what, _ in said) else "clear"

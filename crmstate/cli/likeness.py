"""Likeness: what of a tenant, as it was observed, a rehearsal takes along: how many there are, of which role and state, and who
owns what. Of people's names only those that the manifest itself has.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from crmstate.core.survey import (
    AccountFacts,
    ApiKeyFacts,
    BinFacts,
    DatasetFacts,
    IntegrationFacts,
    ModuleFacts,
    Resource,
    SessionFacts,
    SubscriptionFacts,
    Survey,
    UserFacts,
)
from crmstate.core.words import Kind, Phase

UNCOUNTED = 20
"""Rows of a dataset of which the vendor gives no count."""
THERE = frozenset({Phase.PRESENT, Phase.INACTIVE, Phase.UNKNOWN})


def observed(found: Survey, said: Any, most: int) -> dict[str, Any]:
    """What `sandbox.adopt` makes a world of. Names are kept where the manifest `said` has them; `most`: rows of a listing."""
    words = frozenset(_words(said))
    own = _own(found)
    return {
        "tenant": {"id": found.tenant, "name": "Rehearsal"},
        "own": own,
        "users": _users(found, words, most, {each["user"] for each in own.values()}),
        "sessions": _sessions(found, words, most),
        "keys": _keys(found, words),
        "integrations": _integrations(found, words),
        "modules": _modules(found),
        "datasets": _datasets(found, most),
        "subscription": _subscription(found),
        "account": _account(found),
    }


def _own(found: Survey) -> dict[str, dict[str, str | None]]:
    """Whose our credentials are; a key only where the vendor lists it."""
    listed = {each.id for each in found.of(Kind.API_KEY)}
    known = {who.use: who for who in found.identities}
    return {
        use: {
            "user": known[use].user if use in known else None,
            "key": known[use].key if use in known and known[use].key in listed else None,
        }
        for use in ("read", "write")
    }


def _users(found: Survey, words: frozenset[str], most: int, keep: set[str | None]) -> list[dict[str, Any]]:
    people = _some(found.of(Kind.USER), most, words, keep)
    return [_user(number, each, words) for number, each in enumerate(people, 1)]


def _sessions(found: Survey, words: frozenset[str], most: int) -> list[dict[str, Any]]:
    return [
        {"id": each.id, "user": each.facts.user}
        for each in _some(found.of(Kind.SESSION), most, words)
        if isinstance(each.facts, SessionFacts)
    ]


def _keys(found: Survey, words: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "user": each.facts.user,
            "name": _name(f"Key {number}", each, words),
            "status": "active" if each.phase in THERE else "revoked",
        }
        for number, each in enumerate(found.of(Kind.API_KEY), 1)
        if isinstance(each.facts, ApiKeyFacts)
    ]


def _integrations(found: Survey, words: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "type": each.facts.type or "webhook",
            "name": _name(f"Integration {number}", each, words),
            "target": "https://rehearsal.example.com/",
            "status": "disabled" if each.phase is Phase.INACTIVE else "active",
        }
        for number, each in enumerate(found.of(Kind.INTEGRATION), 1)
        if isinstance(each.facts, IntegrationFacts) and each.phase in THERE
    ]


def _modules(found: Survey) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "name": each.label,
            "status": "enabled" if each.phase is Phase.PRESENT else "disabled",
            "data_effect": each.facts.data_effect,
        }
        for each in found.of(Kind.MODULE)
        if isinstance(each.facts, ModuleFacts)
    ]


def _datasets(found: Survey, most: int) -> list[dict[str, Any]]:
    bins = {each.id: each.facts.rows or 0 for each in found.of(Kind.BIN) if isinstance(each.facts, BinFacts)}
    return [
        {
            "id": each.id,
            "name": each.label,
            "rows": min(most, UNCOUNTED if each.facts.rows is None else each.facts.rows),
            "attachments": min(most, each.facts.attachments or 0),
            "binned": min(most, bins.get(each.id, each.facts.bin_rows or 0)),
            "exportable": each.facts.exportable,
        }
        for each in found.of(Kind.DATASET)
        if isinstance(each.facts, DatasetFacts)
    ]


def _some(rows: tuple[Resource, ...], most: int, words: frozenset[str], keep: Any = ()) -> list[Resource]:
    """All of them, or so many; with whom the manifest names, and ourselves."""
    rows = tuple(each for each in rows if each.phase in THERE)
    must = [each for each in rows if each.id in keep or not words.isdisjoint(_names(each))]
    rest = [each for each in rows if each not in must] if len(rows) > most else list(rows)
    return rest if len(rows) <= most else [*must, *rest[: max(0, most - len(must))]]


def _user(number: int, each: Resource, words: frozenset[str]) -> dict[str, Any]:
    facts = each.facts if isinstance(each.facts, UserFacts) else UserFacts()
    role = facts.role.casefold()
    return {
        "id": each.id,
        "email": facts.email if facts.email in words else f"person{number}@example.com",
        "name": _name(f"Person {number}", each, words),
        "role": "owner" if role == "owner" else "admin" if "admin" in role or facts.protected else "member",
        "status": "active" if each.phase is Phase.PRESENT else "inactive",
    }


def _names(each: Resource) -> set[str]:
    return {each.id, each.label, each.facts.email if isinstance(each.facts, UserFacts) else each.id}


def _name(other: str, each: Resource, words: frozenset[str]) -> str:
    return each.label if each.label and any(fnmatchcase(each.label, word) for word in words if word != "*") else other


def _subscription(found: Survey) -> dict[str, Any]:
    """In the World's words; a status that it does not have is left to it."""
    facts = next((each.facts for each in found.of(Kind.SUBSCRIPTION)), None)
    if not isinstance(facts, SubscriptionFacts):
        return {}
    term = {"start": facts.term_start, "end": facts.term_end}
    return {
        "id": next(each.id for each in found.of(Kind.SUBSCRIPTION)),
        "plan": facts.plan or None,
        "status": facts.status if facts.status in ("active", "paused", "cancelled", "free") else None,
        "renews": facts.renews,
        "term": term if all(term.values()) else None,
    }


def _account(found: Survey) -> dict[str, Any]:
    each = next(iter(found.of(Kind.ACCOUNT)), None)
    return {} if each is None or not isinstance(each.facts, AccountFacts) else {"id": each.id, "status": "open"}


def _words(said: Any) -> list[str]:
    """Every text of a manifest."""
    if isinstance(said, Mapping):
        return [word for each in said.values() for word in _words(each)]
    if isinstance(said, list):
        return [word for each in said for word in _words(each)]
    return [said] if isinstance(said, str) else []

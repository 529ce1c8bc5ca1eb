"""Rehearsal: a tenant as it was observed becomes a world of the vendor's simulator, and the manifest one about that world.

People's names do not leave the observation: only what the manifest itself names keeps its name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from crmstate.cli.compose import House
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
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
from crmstate.core.words import Exit, Kind, Phase

WORLD, MANIFEST, ARCHIVE = "vendor.db", "crmstate.yaml", "archive/"
AWAY = ("expect", "notices", "state")
"""Sections that a rehearsal leaves out: counts that may be scaled, letters that would be sent, a state that is not its
own."""
UNCOUNTED = 20
"""Rows of a dataset of which the vendor gives no count."""
THERE = frozenset({Phase.PRESENT, Phase.INACTIVE, Phase.UNKNOWN})


class PlayedClock:
    """Time that passes by being told to: waiting for the vendor's limits takes none of ours, and is counted."""

    def __init__(self, start: datetime) -> None:
        self._now, self._began, self.waited = start, time.monotonic(), 0.0

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self.monotonic() - self._began)

    def monotonic(self) -> float:
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += max(0.0, seconds)

    def advance(self, to: datetime) -> None:
        """The vendor's time goes on, and ours with it."""
        self._now += max(timedelta(), to - self.now())


@dataclass
class Rehearsal:
    """A stage that is set: `shown` says how the simulator calls what the tenant calls so; `scaled` the datasets that are
    played with fewer rows, with how many there are."""

    house: House
    clock: PlayedClock
    data: Path
    shown: dict[str, dict[str, str]]
    scaled: dict[str, int]
    spared: frozenset[str]

    def world_id(self, kind: Kind, id: str) -> str:
        """The World's id of what the simulator shows under this one."""
        return self.shown.get(f"world.{kind}", {}).get(id, id)


def simulated(house: House) -> str:
    """The dialect of the manifest's vendor. Raises Problem (exit 3) where there is no simulator of it."""
    from crmstate.sandbox import dialects

    name = dialects.NATIVE if house.provider.name == "sandbox" else house.provider.name
    if name not in dialects.names():
        raise problem(Exit.REFUSED, "CRM-C060", name=house.provider.name)
    return name


def stage(house: House, found: Survey, folder: Path, screen: Screen, rows: int) -> Rehearsal:
    """Sets the stage in an empty folder. `rows`: the most rows, files and people that are played of one listing."""
    from crmstate.manifest.load import load
    from crmstate.manifest.tree import plain
    from crmstate.sandbox import adopt

    dialect = simulated(house)
    said = plain(house.loaded.tree.root)
    seen = observed(found, said, rows)
    clock = PlayedClock(datetime.now(UTC))
    shown = adopt(folder / WORLD, seen, dialect, clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    _write(folder / MANIFEST, house.loaded.path, shown)
    loaded = load(folder / MANIFEST)
    played = House(
        loaded, screen.scrubber, environ={**house.environ, "CRMSTATE_BY": "rehearsal"}, real=clock, played=True
    )
    scaled = {each.id: count for each in found.of(Kind.DATASET) if (count := _rows(each)) > rows}
    spared = frozenset(seen["own"][use]["key"] or f"own-{use}" for use in ("read", "write"))
    return Rehearsal(played, clock, folder / WORLD, shown, scaled, spared)


def observed(found: Survey, said: Any, most: int) -> dict[str, Any]:
    """What `sandbox.adopt` makes a world of. Names are kept where the manifest has them."""
    words = frozenset(_words(said))
    own = {
        use: {"user": next((who.user for who in found.identities if who.use == use), None), "key": None}
        for use in ("read", "write")
    }
    for who in found.identities:
        listed = who.key is not None and any(each.id == who.key for each in found.of(Kind.API_KEY))
        own[who.use] = {"user": who.user, "key": who.key if listed else None}
    keep = {each["user"] for each in own.values()}
    bins = {each.id: each.facts.rows or 0 for each in found.of(Kind.BIN) if isinstance(each.facts, BinFacts)}
    return {
        "tenant": {"id": found.tenant, "name": "Rehearsal"},
        "own": own,
        "users": [
            _user(number, each, words) for number, each in enumerate(_some(found.of(Kind.USER), most, words, keep), 1)
        ],
        "sessions": [
            {"id": each.id, "user": each.facts.user}
            for each in _some(found.of(Kind.SESSION), most, words)
            if isinstance(each.facts, SessionFacts)
        ],
        "keys": [
            {
                "id": each.id,
                "user": each.facts.user,
                "name": _name(f"Key {number}", each, words),
                "status": "active" if each.phase in THERE else "revoked",
            }
            for number, each in enumerate(found.of(Kind.API_KEY), 1)
            if isinstance(each.facts, ApiKeyFacts)
        ],
        "integrations": [
            {
                "id": each.id,
                "type": each.facts.type or "webhook",
                "name": _name(f"Integration {number}", each, words),
                "target": "https://rehearsal.example.com/",
                "status": "disabled" if each.phase is Phase.INACTIVE else "active",
            }
            for number, each in enumerate(found.of(Kind.INTEGRATION), 1)
            if isinstance(each.facts, IntegrationFacts) and each.phase in THERE
        ],
        "modules": [
            {
                "id": each.id,
                "name": each.label,
                "status": "enabled" if each.phase is Phase.PRESENT else "disabled",
                "data_effect": each.facts.data_effect,
            }
            for each in found.of(Kind.MODULE)
            if isinstance(each.facts, ModuleFacts)
        ],
        "datasets": [
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
        ],
        "subscription": _subscription(found),
        "account": _account(found),
    }


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


def _rows(each: Resource) -> int:
    return (each.facts.rows or 0) if isinstance(each.facts, DatasetFacts) else 0


def _words(said: Any) -> list[str]:
    """Every text of a manifest."""
    if isinstance(said, Mapping):
        return [word for each in said.values() for word in _words(each)]
    if isinstance(said, list):
        return [word for each in said for word in _words(each)]
    return [said] if isinstance(said, str) else []


def _write(path: Path, original: Path, shown: Mapping[str, Mapping[str, str]]) -> None:
    """The manifest about the simulator: its file, no credentials, an archive beside it, and its own ids."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 10_000
    said = yaml.load(original.read_text(encoding="utf-8"))
    for section in AWAY:
        said.pop(section, None)
    provider = said["provider"]
    for key in [key for key in provider if key not in ("name", "coverage")]:
        del provider[key]
    provider["embedded"] = WORLD
    data = (said.get("end_state") or {}).get("data") or {}
    if isinstance(data.get("archive"), dict) and "to" in data["archive"]:
        data["archive"]["to"] = ARCHIVE
        data["archive"].pop("identity", None)
    _rename(said, {given: new for kind, pairs in shown.items() if "." not in kind for given, new in pairs.items()})
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(said, file)


def _rename(said: Any, other: Mapping[str, str]) -> None:
    """Writes the simulator's ids for the tenant's, in place."""
    places: Any = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for place, value in list(places):
        if isinstance(value, str) and value in other:
            said[place] = other[value]
        else:
            _rename(value, other)

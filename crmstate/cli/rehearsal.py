"""Rehearsal: a tenant as it was observed becomes a world of the vendor's simulator, and the manifest one about that world.

People's names do not leave the observation: only what the manifest itself names keeps its name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crmstate.cli.compose import House
from crmstate.cli.likeness import observed
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.survey import (
    DatasetFacts,
    Resource,
    Survey,
)
from crmstate.core.words import Exit, Kind

WORLD, MANIFEST, ARCHIVE = "vendor.db", "crmstate.yaml", "archive/"
AWAY = ("expect", "notices", "mail", "state")
"""Sections that a rehearsal leaves out: counts that may be scaled, letters that would be sent, a state that is not its
own."""


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
    from crmstate.manifest.load import understand
    from crmstate.manifest.source import read
    from crmstate.manifest.tree import placed, plain
    from crmstate.sandbox import adopt

    dialect = simulated(house)
    said = plain(house.loaded.tree.root)
    seen = observed(found, said, rows)
    clock = PlayedClock(
        datetime.fromisoformat(found.taken_at)
    )  # the time by which the vendor lives, as all of its dates
    shown = adopt(folder / WORLD, seen, dialect, clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    _write(folder / MANIFEST, house.loaded.path, shown)
    loaded = understand(placed(read(folder / MANIFEST), house.loaded.tree), folder / MANIFEST)
    played = House(
        loaded, screen.scrubber, environ={**house.environ, "CRMSTATE_BY": "rehearsal"}, real=clock, played=True
    )
    scaled = {each.id: count for each in found.of(Kind.DATASET) if (count := _rows(each)) > rows}
    spared = frozenset(seen["own"][use]["key"] or f"own-{use}" for use in ("read", "write"))
    return Rehearsal(played, clock, folder / WORLD, shown, scaled, spared)


def _rows(each: Resource) -> int:
    return (each.facts.rows or 0) if isinstance(each.facts, DatasetFacts) else 0


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

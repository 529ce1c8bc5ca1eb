"""Every effect passes one place. Here a run is stopped before, after and in the middle of every one of them, and
resumed.

Then: the state parses and agrees with the World, no irreversible call happened twice, the end equals the uninterrupted
run, the lock is free.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from crmstate.cli.commands.apply import Wish, applied
from crmstate.cli.compose import House
from crmstate.cli.screen import Screen
from crmstate.core.record import State
from crmstate.core.secret import Scrubber
from crmstate.manifest.load import load
from crmstate.store.load import read
from crmstate.views.sink import Sink

from .site import Site, site

T = TypeVar("T")
MODES = ("before", "after", "torn")


class Crash(BaseException):
    """The process is gone: nothing after this may have an effect."""


class Counting:
    """Lets everything pass and counts; stops at the effect number `at`, in the given mode."""

    def __init__(self, at: int = -1, mode: str = "before") -> None:
        self.seen: list[tuple[str, bool]] = []
        self.at, self.mode, self.dead = at, mode, False

    def do(self, kind: str, what: str, act: Callable[[], T], torn: Callable[[], object] | None = None) -> T:
        if self.dead:
            raise Crash
        number = len(self.seen)
        self.seen.append((kind, torn is not None))
        if number != self.at:
            return act()
        self.dead = True
        if self.mode == "after":
            act()
        elif self.mode == "torn" and torn is not None:
            torn()
        raise Crash


said: list[str] = []
"""What the applies of this process printed, for when one did not end as it must."""


def apply_once(here: Site, effects: Any) -> int:
    """One `apply --yes` in this process, one call after the other."""
    scrubber = Scrubber()
    screen = Screen(quiet=True, scrubber=scrubber)
    out, err = io.StringIO(), io.StringIO()
    screen.__dict__["sink"] = Sink(out, err, scrubber.scrub)
    house = House(load(here.manifest, known_providers=("sandbox",)), scrubber, effects)
    code = applied(house, screen, Wish(yes=True, parallel=1), None)
    said.append(out.getvalue() + err.getvalue())
    return code


def finish(here: Site) -> None:
    """Applies until nothing more happens, with time passing."""
    assert apply_once(here, Counting()) == 0, said[-1]
    here.advance("8d")
    assert apply_once(here, Counting()) == 0, said[-1]


def outcome_of(here: Site) -> dict[str, Any]:
    """The truth as it must be in the end, whatever happened on the way."""
    truth = here.truth()
    for key in ("now", "requests", "effects"):
        truth.pop(key)
    for rows in truth.values():
        for row in rows if isinstance(rows, list) else ():
            for moment in ("modified_at", "last_used_at", "ended_at", "deleted_at", "last_login_at"):
                row.pop(moment, None)
    truth["account"].pop("closes_at", None)
    return truth


@pytest.fixture(scope="module")
def whole(
    template: Path, as_many_effects_every_time: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[tuple[str, bool]], dict[str, Any], State]:
    """The uninterrupted run: its effects, its end, its state."""
    with site(tmp_path_factory.mktemp("whole") / "site", template) as here:
        effects = Counting()
        assert apply_once(here, effects) == 0
        finish(here)
        return effects.seen, outcome_of(here), read(here.folder, "exit").state


def _crash(here: Site, at: int, mode: str) -> None:
    effects = Counting(at, mode)
    with pytest.raises(Crash):
        apply_once(here, effects)
    gc.collect()


def _check(here: Site, whole: tuple[Any, dict[str, Any], State], where: str) -> None:
    state = read(here.folder, "exit").state
    finish(here)
    end = outcome_of(here)
    assert here.twice() == [], where
    assert end == whole[1], where
    final = read(here.folder, "exit").state
    assert {key: entry.outcome for key, entry in final.entries.items()} == {
        key: entry.outcome for key, entry in whole[2].entries.items()
    }, where
    assert state.lineage in ("", final.lineage), where


def every_point(seen: list[tuple[str, bool]]) -> list[tuple[int, str]]:
    """Every effect of an undisturbed run, before it, after it, and torn where it can be."""
    return [(at, mode) for at, (_, torn) in enumerate(seen) for mode in MODES if mode != "torn" or torn]


def test_the_plan_has_more_than_thirty_steps_over_every_kind(here: Site) -> None:
    made = here.plan("--format", "json").json
    assert len(made["steps"]) >= 30
    kinds = {step["kind"] for step in made["steps"]}
    assert kinds >= {
        "user",
        "session",
        "api_key",
        "integration",
        "setting",
        "module",
        "archive",
        "dataset",
        "bin",
        "subscription",
        "account",
        "freeze",
    }


SHARE = 72


@pytest.mark.parametrize("part", range(2))
def test_some_crash_points_are_survived(part: int, template: Path, whole: Any, tmp_path: Path) -> None:
    """Every thirty-sixth point, spread over the run and over the modes; all of them: `make test-deep`."""
    for number, (at, mode) in enumerate(every_point(whole[0])):
        if number % SHARE == part * (SHARE // 2):
            with site(tmp_path / f"{at}-{mode}", template) as here:
                _crash(here, at, mode)
                _check(here, whole, f"{mode} effect {at} {whole[0][at][0]}")


@pytest.mark.deep(seconds=50)
@pytest.mark.parametrize("part", range(8))
def test_every_crash_point_is_survived(part: int, template: Path, whole: Any, tmp_path: Path) -> None:
    for number, (at, mode) in enumerate(every_point(whole[0])):
        if number % 8 == part:
            with site(tmp_path / f"{at}-{mode}", template) as here:
                _crash(here, at, mode)
                _check(here, whole, f"{mode} effect {at} {whole[0][at][0]}")


@pytest.mark.deep(seconds=20)
@pytest.mark.parametrize("part", range(4))
def test_a_crash_while_resuming_is_survived_too(part: int, template: Path, whole: Any, tmp_path: Path) -> None:
    for number, at in enumerate(range(0, len(whole[0]), 7)):
        if number % 4 == part:
            with site(tmp_path / f"{at}", template) as here:
                _crash(here, at, "after")
                effects = Counting(at=9, mode="before")
                with suppress(Crash):
                    apply_once(here, effects)
                gc.collect()
                _check(here, whole, f"effect {at}, then 9")

"""Masking: people become numbers on a screen where the manifest asks for it, in text and in JSON alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from crmstate.cli.compose import House
from crmstate.cli.screen import Screen
from crmstate.core.record import State

LARGEST = 5 * 1024 * 1024
MOST = 200
"""Files of a folder that are looked into for a manifest."""


def masked(house: House, state: State, screen: Screen, *more: object) -> Callable[[str], str] | None:
    """What takes people out of a text, where the manifest asks for it; the screen's words do it from now on. `more`: who else
    may be named, beside manifest and record."""
    if not house.desired.mask_people:
        return None
    return mask(state, screen, (house.desired, {"by": house.by}, *more))


def mask(state: State, screen: Screen, around: tuple[object, ...] = ()) -> Callable[[str], str]:
    """The same, whatever a manifest says."""
    from crmstate.views.mask import masking

    made = masking(state, None, around, screen.scrubber.scrub)
    screen.wear(made)
    return made


def early(paths: Sequence[Path], screen: Screen) -> None:
    """The same for what is said of manifests themselves, right or wrong as they are, where one of them asks for it."""
    from crmstate.core.diagnostic import Problem
    from crmstate.manifest import source
    from crmstate.manifest.tree import native

    trees = []
    for path in paths:
        with suppress(Problem, OSError):
            trees.append(source.read(path))
    if any(tree.masks for tree in trees):
        mask(State(""), screen, tuple(native(tree.root) for tree in trees))


def wanted(folder: Path, name: str) -> bool:
    """Whether a manifest in a folder, of this name, asks for it. One that cannot be read asks for nothing here: what it is
    called is not known."""
    from crmstate.core.diagnostic import Problem
    from crmstate.manifest import source

    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])[:MOST]:
        try:
            if not path.is_file() or path.stat().st_size > LARGEST:
                continue
            tree = source.read(path)
        except (Problem, OSError):
            continue
        if tree.text("name") == name and tree.masks:
            return True
    return False

"""Opening: what every command about a manifest begins with: its path becomes a House, and where it is asked for, the state as
it is now."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from crmstate.cli.clock import moment
from crmstate.cli.compose import House
from crmstate.cli.masking import early, masked
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.record import State
from crmstate.core.words import Exit


def open_house(path: Path, screen: Screen, as_of: str | None = None) -> House:
    """The House of the manifest at `path`; its warnings are shown. Raises Problem (65, 3)."""
    from crmstate import providers
    from crmstate.manifest.load import load

    if not path.exists():
        raise problem(Exit.USAGE, "CRM-C002", path=path)
    refuse_link(path)
    try:
        loaded = load(path, known_providers=providers.names())
    except Problem:
        early([path], replace(screen))
        raise
    if loaded.diagnostics and not screen.json:
        first = replace(screen)  # some commands are there to name people; what is wrong with the manifest is not
        early([path], first)
        first.show(loaded.diagnostics)
    at: datetime | None = moment(as_of) if as_of is not None else None
    house = House(loaded, screen.scrubber, as_of=at)
    masked(house, State(""), replace(screen))  # nor is how any of them ends
    return trusted(house)


def opened(path: Path, screen: Screen, as_of: str | None = None) -> tuple[House, State]:
    """The House of the manifest at `path`, and its state as it is now."""
    house = open_house(path, screen, as_of)
    return house, state_of(house, screen)


def state_of(house: House, screen: Screen) -> State:
    """The state as it is now, read without taking the lock. From here on the screen names nobody, where the manifest asks
    for that."""
    state = house.state()
    masked(house, state, screen)
    return state


def refuse_link(path: Path) -> None:
    """A manifest that is a link to a file elsewhere is refused (exit 3): what is wrong with a manifest is shown, and
    with it that file."""
    from crmstate.manifest import codes
    from crmstate.manifest.operator import VARIABLE, load_operator
    from crmstate.manifest.trust import file_allowed

    if not path.is_symlink():
        return
    operator = load_operator(None, os.environ)
    if not file_allowed(path.name, path.parent, operator):
        allow = f"allow_files = {json.dumps([str(path.resolve())])}"
        raise problem(
            Exit.REFUSED, codes.FILE_REFUSED, path=path, allow=allow, operator=operator.source or f"${VARIABLE}"
        )


def trusted(house: House) -> House:
    """A manifest is untrusted input: what it refers to is checked before anything is read, started or sent."""
    from crmstate.manifest.trust import require_trust

    require_trust(house.loaded, house.operator, house.provider.env, house.provider.hosts)
    return house

"""Zoho CRM v8 over the World, from its fact sheet and its published descriptions alone: an accounts host for tokens, items
with a status each, 204 for nothing, jobs for what is much (`docs/reference/sandbox-dialects.md` says what is simulated).

Datasets are modules. What the sources leave unconfirmed is marked there as a guess or is not here.
"""

from __future__ import annotations

from typing import Any

from ...world import World
from .signin import client_id
from .vendor import Zoho

LACKS: dict[str, str] = {}
"""The faults that this vendor cannot have: none."""


def dialect() -> Zoho:
    """The dialect `zoho`, as `dialects.load` makes it."""
    return Zoho()


def credential(key: Any) -> dict[str, str]:
    """A key as this vendor's users know it: a client of theirs, and a refresh token made with it."""
    return {"client_id": client_id(key.id), "client_secret": key.token, "refresh_token": key.refresh_token}


def furnish(world: World) -> None:
    """What a freshly seeded world needs to look like this vendor's: a workflow rule that uses a webhook, and a channel."""
    world.set_traits(uses={"i5": ["i1"]}, channels={"i7": "u2"})
    world.add_integration("i7", type="channel", name="Order watch", target="https://i7.example.com/notify")

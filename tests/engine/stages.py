"""Stages: the sites that the sentences of these tests play on."""

from __future__ import annotations

from typing import Any

from crmstate.core.goal import Desired, ListGoal, PurgeGoal
from crmstate.core.provider import Cell, Provider
from crmstate.core.survey import Resource, Survey

from ..core.scenes import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    ENDED,
    GONE,
    REMOVED,
    REVOKED,
    account,
    contract,
    dataset,
    disabled,
    discard,
    integration,
    key,
    module,
    session,
    setting,
    tenant,
    user,
    vendor,
    wish,
)
from .model import Site, World

ROWS: tuple[Resource, ...] = (
    *(user(f"p{n}") for n in range(4)),
    *(key(f"k{n}", f"p{n}") for n in range(3)),
    *(session(f"s{n}", f"p{n}") for n in range(2)),
    integration("i0"),
    integration("i1", "flow"),
    setting("x0"),
    module("crm", "keeps"),
    dataset("contacts", 5, bin_rows=1),
    dataset("deals", 4, bin_rows=0),
    dataset("dashboards", 2, exportable=False),
    contract(),
    account(),
)
GOALS: dict[str, Any] = {
    "users": REMOVED,
    "api_keys": REVOKED,
    "sessions": ENDED,
    "integrations": GONE,
    "settings": ListGoal("reset"),
    "modules": disabled("crm"),
    "archive": ARCHIVED,
    "discard": discard("dashboards"),
    "purge": PurgeGoal(bin=True),
    "subscription": CANCELLED,
    "account": DELETED,
}


def site(
    *cells: Cell,
    rows: tuple[Resource, ...] = ROWS,
    by: Provider | None = None,
    seen: Survey | None = None,
    **goals: Any,
) -> Site:
    """A site where everything is to end, unless `goals` say otherwise (None: unmanaged)."""
    desired: Desired = wish(**{name: value for name, value in {**GOALS, **goals}.items() if value is not None})
    return Site(World(seen or tenant(*rows), by or vendor(*cells)), desired)

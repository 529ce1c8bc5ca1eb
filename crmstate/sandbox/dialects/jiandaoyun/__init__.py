"""简道云 (Jiandaoyun) over the World, from the vendor's published manual alone: POST only, business errors in HTTP 400, a
cursor and no counts (`docs/reference/sandbox-dialects.md` says what is simulated and what is not).

Datasets are forms, forms live in apps; a dataset that cannot be exported is a preset form of the CRM suite. What the
vendor's manual does not settle is not here: such a path answers as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...adopting import Shown, contract, filled, people
from ...world import World
from . import ids
from .vendor import Jiandaoyun

LACKS = {
    "quota_exhausted": "calls are limited by the second, not by the day",
    "accepted": "nothing is accepted for later: an act is done when it is answered",
    "soft_delete": "rows are not found once they are deleted",
    "dead_cursor": "a page goes on from the id of a row, which nothing ends",
}
"""The faults that this vendor cannot have, and why."""

_APPS = {
    "crm": {"name": "客户管理", "forms": ["contacts", "deals", "dashboards"]},
    "office": {"name": "日常办公", "forms": ["activities", "surveys"]},
}


def dialect() -> Jiandaoyun:
    """The dialect `jiandaoyun`, as `dialects.load` makes it."""
    return Jiandaoyun()


def credential(key: Any) -> dict[str, str]:
    """A key as this vendor's users know it: one text, without anything to refresh it by."""
    return {"api_key": key.token}


def furnish(world: World) -> None:
    """What a freshly seeded world needs to look like this vendor's: two apps."""
    world.set_traits(apps=_APPS)


def adopt(world: World, found: Mapping[str, Any]) -> Shown:
    """A world like a corp that was observed: an app for each of its apps, a form for each of its forms. The corp is known by
    one of its apps, as crmstate knows it."""
    people(world, found)
    apps = sorted({found["tenant"]["id"], *(each["id"].partition("/")[0] for each in found["datasets"])})
    homes = {app: f"a{number}" for number, app in enumerate(apps)}
    named: dict[str, dict[str, Any]] = {home: {"name": f"App {home}", "forms": []} for home in homes.values()}
    shown: dict[str, str] = {}
    for number, each in enumerate(found["datasets"]):
        app, form = homes[each["id"].partition("/")[0]], f"f{number}"
        title, _, name = each["name"].rpartition(" / ")
        named[app]["name"] = title or named[app]["name"]
        named[app]["forms"].append(form)
        filled(world, {**each, "name": name}, form)
        shown[each["id"]] = f"{ids.written(app)}/{ids.written(form)}"
    world.set_traits(apps=named)
    contract(world, found)
    here = {found["tenant"]["id"]: ids.written(homes[found["tenant"]["id"]])}
    forms = {new: ids.read(new.rpartition("/")[2], ()) or "" for new in shown.values()}
    return {"dataset": shown, "tenant": here, "account": here, "world.dataset": forms}

"""Apps, their forms, and the forms' fields. Which datasets make up an app is the world's trait `apps`
(`{id: {"name", "forms": [dataset ids]}}`); a dataset in none of them is in the first, or in the one app that there is.

A key sees the apps in its scope and is not told that there are others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from ... import listings
from ...exchange import Call
from ...world import World
from . import body, errors, ids

ONLY = "corp"
T = TypeVar("T")
KINDS = {
    "date": "datetime",
    "datetime": "datetime",
    "money": "number",
    "number": "number",
    "bool": "radiogroup",
    "list": "checkboxgroup",
}
"""The World's types of fields as the vendor's; whatever is not here is `text`."""


@dataclass(frozen=True)
class App:
    """An app of the world's: its World id and its name."""

    id: str
    name: str


@dataclass(frozen=True)
class Field:
    """A field of a form: the World's name for it, and what the vendor calls it. `kind` is the vendor's type."""

    source: str
    name: str
    widget: str
    label: str
    kind: str


def _given(world: World) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = world.traits.get("apps") or {ONLY: {"name": world.tenant["name"], "forms": []}}
    return found


def every_app(world: World) -> list[App]:
    """All apps in the order of their ids, whoever may see them."""
    given = _given(world)
    return [App(id, given[id]["name"]) for id in sorted(given, key=ids.place)]


def forms_of(world: World, app: App) -> list[str]:
    """The datasets that are forms of this app, in the order of their ids."""
    homes = _homes(world)
    first = every_app(world)[0].id
    there = (id for (id,) in world.all("SELECT id FROM datasets ORDER BY id"))
    return sorted((id for id in there if homes.get(id, first) == app.id), key=ids.place)


def _homes(world: World) -> dict[str, str]:
    return {form: id for id, each in _given(world).items() for form in each["forms"]}


def visible(call: Call) -> list[App]:
    """The apps in the key's scope: those of its scopes `app:<id>`, else all. A member's key has the first of several in
    its scope, and none where there is but one."""
    assert call.caller is not None
    found = every_app(call.world)
    named = {scope.removeprefix("app:") for scope in call.caller.scopes if scope.startswith("app:")}
    if named:
        return [app for app in found if app.id in named]
    if call.caller.role == "member":
        return found[:1] if len(found) > 1 else []
    return found


def app_of(call: Call) -> App:
    """The app that the body names. 应用不存在, or out of the key's scope."""
    wanted = body.text(call.body, "app_id")
    found = next((app for app in every_app(call.world) if ids.written(app.id) == wanted), None)
    if found is None:
        raise errors.refusal(errors.NO_APP)
    if found not in visible(call):
        raise errors.refusal(errors.APP_OUT_OF_SCOPE)
    return found


def form_of(call: Call) -> tuple[App, str]:
    """The app and the dataset that the body names. 表单不存在, or a preset form of the CRM suite."""
    app, world = app_of(call), call.world
    wanted = body.text(call.body, "entry_id")
    others = [id for (id,) in world.all("SELECT id FROM datasets")] if ids.is_other(wanted) else ()
    found = ids.read(wanted, others) or ""
    row = world.one("SELECT exportable FROM datasets WHERE id = ?", found)
    if row is None or _homes(world).get(found, every_app(world)[0].id) != app.id:
        raise errors.refusal(errors.NO_FORM)
    if not row[0]:
        raise errors.refusal(errors.PRESET_FORM)
    return app, found


def fields_of(world: World, dataset: str) -> list[Field]:
    """The form's fields. The alias is the field's own `alias`, where it has one written; else every other field has the
    World's name for its alias."""
    declared = msgspec.json.decode(world.one("SELECT fields FROM datasets WHERE id = ?", dataset)[0])
    found = []
    for place, each in enumerate(declared):
        widget = widget_name(dataset, each["name"])
        alias = each.get("alias", each["name"] if place % 2 == 0 else "")
        found.append(Field(each["name"], alias or widget, widget, each["label"], KINDS.get(each["type"], "text")))
    return found


def widget_name(dataset: str, field: str) -> str:
    digest = hashlib.blake2b(f"{dataset}\0{field}".encode(), digest_size=8, person=b"widget").digest()
    return f"_widget_{1_500_000_000_000 + int.from_bytes(digest) % 200_000_000_000}"


def upload_name(dataset: str) -> str:
    """The field that holds a row's files: every form has one."""
    return widget_name(dataset, "\0files")


# The calls


def app_list(call: Call) -> dict[str, Any]:
    shown = _window(call, visible(call))
    if shown:
        _move_apps(call, shown)
    return {"apps": [{"name": app.name, "app_id": ids.written(app.id)} for app in shown]}


def entry_list(call: Call) -> dict[str, Any]:
    app = app_of(call)
    shown = _window(call, forms_of(call.world, app))
    names = {form: call.world.one("SELECT name FROM datasets WHERE id = ?", form)[0] for form in shown}
    if shown:
        _move_forms(call, app, shown)
    return {
        "forms": [{"name": names[form], "app_id": ids.written(app.id), "entry_id": ids.written(form)} for form in shown]
    }


def widget_list(call: Call) -> dict[str, Any]:
    _, dataset = form_of(call)
    widgets = [
        {"name": each.name, "widgetName": each.widget, "label": each.label, "type": each.kind}
        for each in fields_of(call.world, dataset)
    ]
    files = upload_name(dataset)
    widgets.append({"name": files, "widgetName": files, "label": "附件", "type": "upload"})
    changed = call.world.one("SELECT modified_at FROM datasets WHERE id = ?", dataset)[0]
    system = [{"name": name} for name in ("creator", "createTime", "updateTime")]
    return {"widgets": widgets, "sysWidgets": system, "dataModifyTime": moment(changed)}


def moment(time: str) -> str:
    """A time of the World's as the vendor writes it: UTC, with thousandths."""
    return f"{time.removesuffix('Z')}.000Z"


# Faults of listings


def _window(call: Call, rows: list[T]) -> list[T]:
    skip, limit = body.window(call.body)
    return smaller(call, rows[0 if "repeated_page" in call.fired else skip :][:limit])


def smaller(call: Call, page: list[T]) -> list[T]:
    """The page, or what the fault `wrong_page_size` leaves of it: `lose` keeps its end and drops what lies before, so that
    whoever goes on from the last row misses it."""
    fault = call.fired.get("wrong_page_size")
    size = max(1, int(fault["size"])) if fault else len(page)
    if fault is None or len(page) <= size:
        return page
    return [*page[: size - 1], page[-1]] if fault["lose"] else page[:size]


def _shift(call: Call, first_page: bool) -> dict[str, Any] | None:
    return call.fired.get("shifting_listing") if first_page else None


def _move_apps(call: Call, shown: list[App]) -> None:
    fault = _shift(call, not call.body.get("skip"))
    if fault is None:
        return
    given = dict(_given(call.world))
    behind = fault["where"] == "before"
    target = shown[0].id if behind else shown[-1].id
    if fault["how"] == "insert":
        given[f"0-{target}" if behind else f"{target}-x"] = {"name": "somebody-else", "forms": []}
    elif fault["how"] == "change":
        given[target] = {**given[target], "name": "somebody-else"}
    elif behind and len(given) > 1:
        for form in given.pop(target)["forms"]:
            call.world.run("DELETE FROM datasets WHERE id = ?", form)
    call.world.put("traits", {**call.world.traits, "apps": given})


def _move_forms(call: Call, app: App, shown: list[str]) -> None:
    fault = _shift(call, not call.body.get("skip"))
    if fault is None:
        return
    world = call.world
    before = {id for (id,) in world.all("SELECT id FROM datasets")}
    kind = listings.LISTINGS["dataset"]
    listings.somebody_else(world, kind, None, shown[0], shown[-1], fault["how"], fault["where"])
    fresh = [id for (id,) in world.all("SELECT id FROM datasets") if id not in before]
    given = dict(world.traits.get("apps") or {})
    if fresh and app.id in given:
        given[app.id] = {**given[app.id], "forms": [*given[app.id]["forms"], *fresh]}
        world.put("traits", {**world.traits, "apps": given})

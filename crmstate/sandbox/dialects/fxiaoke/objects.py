"""Objects, their fields, and how a row of the World looks as a record of one.

Every object has a name and two fields for files, one for images and one for all others. `PersonnelObj` is always there: the
people, as far as sharing rules show them (`people`). Which of the vendor's types a field has beyond text and files is a
guess, and so is how a value of such a type is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from ... import hexids, listings, times
from ...exchange import Call
from ...world import World
from . import body, errors, ids

PERSONNEL = "PersonnelObj"
KINDS = {
    "number": "number",
    "money": "currency",
    "date": "date",
    "datetime": "date_time",
    "bool": "true_or_false",
    "list": "select_many",
    "email": "email",
    "phone": "phone_number",
    "reference": "object_reference",
}
"""The World's types of fields as the vendor's; whatever is not here is `text`."""
FILES, IMAGES = "attach", "image"
SYSTEM = {"_id": "text", "object_describe_api_name": "text", "is_deleted": "true_or_false", "lock_status": "select_one"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")


@dataclass(frozen=True)
class Object:
    """An object: its dataset (None: people), what it is called, and its fields as a describe shows them."""

    dataset: str | None
    name: str
    label: str
    exportable: bool
    fields: dict[str, dict[str, Any]]

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")


def find(world: World, name: str) -> Object | None:
    """The object that is called so."""
    if name == PERSONNEL:
        return Object(None, PERSONNEL, "人员", True, _personnel())
    dataset = ids.dataset_of(world, name)
    if dataset is None:
        return None
    label, exportable, declared = world.one("SELECT name, exportable, fields FROM datasets WHERE id = ?", dataset)
    return Object(dataset, name, label, bool(exportable), _fields(msgspec.json.decode(declared)))


def of_call(call: Call, custom: bool) -> Object:
    """The object that a call's `data` names, if it is of the kind that the path is for: preset objects and custom ones have
    paths of their own. The codes are guesses."""
    found = find(call.world, body.text(body.inner(call.body), "dataObjectApiName"))
    if found is None:
        raise errors.refusal(errors.BAD_PARAMETERS, "对象不存在")
    if found.custom != custom:
        raise errors.refusal(errors.BAD_PARAMETERS, f"{found.name}: 预设对象与自定义对象的接口不同")
    if not found.exportable:
        raise errors.refusal(errors.NO_PERMISSION)
    return found


# The calls


def object_list(call: Call) -> dict[str, Any]:
    body.flag(call.body, "includeNull")
    world = call.world
    rows = world.all("SELECT id, name FROM datasets ORDER BY id")
    shown = [_listed(ids.api_name(world, id), name) for id, name in rows]
    if rows and (fault := call.fired.get("shifting_listing")):
        kind = listings.LISTINGS["dataset"]
        listings.somebody_else(world, kind, None, rows[0][0], rows[-1][0], fault["how"], fault["where"])
    return {"data": {"objects": [*shown, _listed(PERSONNEL, "人员")]}}


def _listed(name: str, label: str) -> dict[str, Any]:
    kind = "custom" if name.endswith("__c") else "package"
    return {"describeApiName": name, "describeDisplayName": label, "defineType": kind, "isActive": True}


def object_describe(call: Call) -> dict[str, Any]:
    found = find(call.world, body.text(body.inner(call.body), "apiName"))
    if found is None:
        raise errors.refusal(errors.BAD_PARAMETERS, "对象不存在")
    shown: dict[str, Any] = {"api_name": found.name}
    if body.flag(call.body, "includeDetail"):
        shown["fields"] = found.fields
    return {"data": {"describe": shown}}


def smaller(call: Call, page: list[Any]) -> list[Any]:
    """The page, or what the fault `wrong_page_size` leaves of it: `lose` keeps its end and drops what lies before, so that
    whoever goes on from the last row misses it."""
    fault = call.fired.get("wrong_page_size")
    size = max(1, int(fault["size"])) if fault else len(page)
    if fault is None or len(page) <= size:
        return page
    return [*page[: size - 1], page[-1]] if fault["lose"] else page[:size]


# Fields


def _fields(declared: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {"name": _field("text", "名称", True)}
    for each in declared:
        kind = KINDS.get(each["type"], "text")
        found[each["name"]] = _field(kind, each["label"], each["name"] == "name")
        if kind == "select_many":
            found[each["name"]]["options"] = []
    found[FILES] = _field("file_attachment", "附件", False)
    found[IMAGES] = _field("image", "图片", False)
    return found


def _personnel() -> dict[str, dict[str, Any]]:
    return {"name": _field("text", "姓名", True), "user_id": _field("text", "员工", False)} | {
        "status": {**_field("select_one", "状态", False), "options": [{"value": "0"}, {"value": "1"}]}
    }


def _field(kind: str, label: str, required: bool) -> dict[str, Any]:
    return {"type": kind, "label": label, "is_required": required}


# Records

COLUMNS = "id, owner_id, fields, binned"


def shaper(world: World, found: Object) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    """How a row of the World looks here. What is null is left out."""
    assert found.dataset is not None
    dataset = found.dataset
    locked = set(world.traits.get("locked") or ())

    def shaped(row: tuple[Any, ...]) -> dict[str, Any]:
        id, _, fields, binned = row
        values = msgspec.json.decode(fields)
        if "name" not in values:
            values["name"] = id  # it has to have one: as an automatic number
        own = {name: value(values[name], found.fields[name]["type"]) for name in found.fields if name in values}
        record = {
            "_id": hexids.written(id),
            "object_describe_api_name": found.name,
            "is_deleted": bool(binned),
            **own,
            **_files(world, dataset, id),
        }
        if f"{dataset}/{id}" in locked:
            record["lock_status"] = "1"
        return {name: each for name, each in record.items() if each is not None}

    return shaped


def value(given: Any, kind: str) -> Any:
    """A value of the World's in the vendor's type: times in milliseconds."""
    if kind in ("date", "date_time") and isinstance(given, str) and _DATE.fullmatch(given):
        return milliseconds(given)
    return given


def milliseconds(time: str) -> int:
    return int(times.moment(time).timestamp() * 1000)


def _files(world: World, dataset: str, row: str) -> dict[str, list[dict[str, Any]]]:
    sql = "SELECT id, name, size, mime FROM attachments WHERE dataset = ? AND row_id = ? ORDER BY id"
    found: dict[str, list[dict[str, Any]]] = {}
    for id, name, size, mime in world.all(sql, dataset, row):
        path = ids.npath(dataset, id)
        if (mime or "").startswith("image/"):
            image = {"ext": mime.removeprefix("image/"), "filename": name, "path": path, "size": size}
            found.setdefault(IMAGES, []).append(image)
        else:
            found.setdefault(FILES, []).append({"name": name, "path": path})
    return found


def projected(record: dict[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    """The record with its id and the fields that are wanted; all of them where none is named (a guess)."""
    return {name: each for name, each in record.items() if not wanted or name == "_id" or name in wanted}

"""Modules and their fields: every dataset is a module, named by its id (`contacts` is Contacts). One that cannot be
exported is listed, and has no API (`api_supported` false).

Every module has a field `nearby_distance__s`, which the listing of fields shows and bulk read refuses. The trait `rich_text` names
fields of formatted text (`["contacts/notes"]`), the trait `file_fields` those that hold files, by the attachments that lie in them
(`{"contacts/f1": "contract"}`); a field whose name begins with `image` is for pictures. The trait `photos`
names attachments that are their record's photo (`["contacts/f1"]`): the module has a field `Record_Image` then. The trait
`withheld` names attachments and photos that are listed and not given out, as while they wait for the vendor's own check (`["contacts/f1"]`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import errors, ids, pages, people

KINDS = {
    "text": "text",
    "email": "email",
    "phone": "phone",
    "date": "date",
    "datetime": "datetime",
    "bool": "boolean",
    "list": "multiselectpicklist",
    "money": "currency",
    "number": "double",
    "reference": "lookup",
}
"""The World's types of fields as the vendor's; whatever is not here is `text`."""
_JSON = {"boolean": "boolean", "multiselectpicklist": "jsonarray", "currency": "double", "double": "double"}
_JSON |= dict.fromkeys(("fileupload", "imageupload"), "jsonarray")
_JSON |= {"lookup": "jsonobject", "ownerlookup": "jsonobject"}
SYSTEM = (
    ("Owner", "ownerlookup"),
    ("Created_Time", "datetime"),
    ("Modified_Time", "datetime"),
    ("Created_By", "ownerlookup"),
    ("Modified_By", "ownerlookup"),
)
NEARBY = "nearby_distance__s"
RICH = "textarea"
FILED = ("fileupload", "imageupload")
PHOTO = "profileimage"
STATUSES = ("visible", "scheduled_for_deletion", "user_hidden", "system_hidden")


@dataclass(frozen=True)
class Field:
    """A field of a module: the World's name for it (None: a system's field), the API name, the label and the type."""

    source: str | None
    name: str
    label: str
    kind: str


@dataclass(frozen=True)
class Module:
    """A dataset as a module."""

    dataset: str
    name: str
    label: str
    exportable: bool
    modified_at: str


def modules(world: World) -> list[Module]:
    rows = world.all("SELECT id, name, exportable, modified_at FROM datasets ORDER BY id")
    return [Module(id, ids.module_name(id), name, bool(out), changed) for id, name, out, changed in rows]


def module(world: World, name: str, **details: Any) -> Module:
    """The module of this API name that has an API; INVALID_MODULE."""
    found = listed(world, name)
    if found is None or not found.exportable:
        raise errors.refusal("INVALID_MODULE", **details)
    return found


def listed(world: World, name: str) -> Module | None:
    """The module of this API name (or its id), whether or not it has an API."""
    likely = world.one("SELECT id FROM datasets WHERE id = ?", name[:1].lower() + name[1:])
    if likely is not None and ids.module_name(likely[0]) == name:
        row = world.one("SELECT id, name, exportable, modified_at FROM datasets WHERE id = ?", likely[0])
        return Module(row[0], name, row[1], bool(row[2]), row[3])
    return next((each for each in modules(world) if name in (each.name, ids.written(each.dataset))), None)


def fields(world: World, dataset: str) -> list[Field]:
    """The fields of a module that hold values, the module's own first."""
    declared = msgspec.json.decode(world.one("SELECT fields FROM datasets WHERE id = ?", dataset)[0])
    rich = {place.partition("/")[2] for place in world.traits.get("rich_text", ()) if place.startswith(f"{dataset}/")}
    own = [
        Field(
            each["name"],
            ids.field_name(each["name"]),
            each["label"],
            RICH if each["name"] in rich else KINDS.get(each["type"], "text"),
        )
        for each in declared
    ]
    held = sorted(
        {name for place, name in world.traits.get("file_fields", {}).items() if place.startswith(f"{dataset}/")}
    )
    own += [Field(name, ids.field_name(name), name, FILED[name.startswith("image")]) for name in held]
    if any(place.startswith(f"{dataset}/") for place in world.traits.get("photos", ())):
        own.append(Field("Record_Image", "Record_Image", "Record Image", PHOTO))
    return own + [Field(None, name, name.replace("_", " "), kind) for name, kind in SYSTEM]


def photo(world: World, dataset: str, row: str) -> str | None:
    """The attachment that is this record's photo."""
    sql = "SELECT id FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0 ORDER BY id"
    places = world.traits.get("photos", ())
    return next((id for (id,) in world.all(sql, dataset, row) if f"{dataset}/{id}" in places), None)


def withheld(world: World, dataset: str, id: str) -> bool:
    """Whether an attachment is not given out."""
    return f"{dataset}/{id}" in world.traits.get("withheld", ())


def held(world: World, dataset: str, field: str | None) -> list[str]:
    """The attachments that lie in a field for files; None: in any."""
    there: dict[str, str] = world.traits.get("file_fields", {})
    places = [place for place, name in there.items() if field is None or name == field]
    return [place.partition("/")[2] for place in places if place.startswith(f"{dataset}/")]


# The calls


def module_list(call: Call) -> Reply:
    wanted = pages.parameters(call).get("status")
    named = set(wanted.split(",")) if wanted else set(STATUSES)
    if not named <= set(STATUSES):
        raise errors.refusal("INVALID_DATA", index=0, supported_values=list(STATUSES), param_name="status")
    found = modules(call.world)
    rows = [_module(call.world, each, n) for n, each in enumerate(found, 1)] if "visible" in named else []
    pages.shift(call, "dataset", None, True, [each.dataset for each in found])
    return pages.listing(call, "modules", rows, None)


def module_get(call: Call, name: str) -> Reply:
    found = listed(call.world, name)
    return errors.nothing() if found is None else errors.json({"modules": [_module(call.world, found, 1)]})


def field_list(call: Call) -> Reply:
    name = pages.parameters(call).get("module")
    if not name:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="module")
    found = listed(call.world, name)
    if found is None:
        raise errors.refusal("INVALID_MODULE", param_name="module")
    shown = fields(call.world, found.dataset) if found.exportable else []
    if shown:
        shown.append(Field(None, NEARBY, "Nearby Distance", "double"))
    return pages.listing(call, "fields", [_field(found, each, n) for n, each in enumerate(shown)], None)


def view_id(module: Module) -> str:
    """The id of the custom view with every record."""
    return ids.written(f"every record of {module.dataset}")


def view_list(call: Call) -> Reply:
    """One custom view a module: every record."""
    given = pages.parameters(call)
    name = given.get("module")
    if not name:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="module")
    found = module(call.world, name)
    boss = pages.person(call.world, None)
    row = {
        "id": view_id(found),
        "name": f"All {found.label}"[:100],
        "system_name": f"ALL{found.name.upper()}"[:100],
        "display_value": f"All {found.label}"[:100],
        "default": True,
        "system_defined": True,
        "favorite": None,
        "category": "public_views",
        "created_by": boss,
        "modified_by": boss,
        "created_time": pages.moment(found.modified_at),
        "modified_time": pages.moment(found.modified_at),
        "last_accessed_time": pages.moment(found.modified_at),
        "access_type": "public",
        "locked": False,
        "module": {"api_name": found.name, "id": ids.written(found.dataset)},
    }
    groups = ("public_views", "other_users_views", "shared_with_me", "created_by_me")
    translation = {group: group.replace("_", " ").capitalize() for group in groups}
    info: dict[str, Any] = {"per_page": 200, "count": 1, "page": 1, "more_records": False}
    info |= {"default": view_id(found), "translation": translation}
    return errors.json({"custom_views": [row], "info": info})


# Shapes


def _module(world: World, module: Module, number: int) -> dict[str, Any]:
    profiles = [{"id": ids.written(id), "name": name} for name, id in people.PROFILES.values()]
    return {
        **dict.fromkeys(("cc_enabled", "deletable", "lookupable", "has_more_profiles", "sub_menu_available"), False),
        **dict.fromkeys(("presence_sub_menu", "inventory_template_supported", "isBlueprintSupported"), False),
        **dict.fromkeys(("convertable", "track_current_data", "public_fields_configured", "scoring_supported"), False),
        **dict.fromkeys(("email_parser_supported", "emailTemplate_support", "webform_supported"), False),
        **dict.fromkeys(
            ("global_search_supported", "recycle_bin_on_delete", "creatable", "editable", "viewable"), True
        ),
        **dict.fromkeys(
            ("triggers_supported", "filter_supported", "show_as_tab", "quick_create", "feeds_required"), True
        ),
        "api_name": module.name,
        "api_supported": module.exportable,
        "module_name": module.name[:25],
        "singular_label": module.label[:25],
        "plural_label": module.label[:25],
        "id": ids.written(module.dataset),
        "generated_type": "default" if module.name[:12] != "CustomModule" else "custom",
        "description": None,
        "web_link": None,
        "visibility": 1,
        "business_card_field_limit": 5,
        "profile_count": len(profiles),
        "profiles": profiles,
        "modified_by": pages.person(world, None),
        "modified_time": pages.moment(module.modified_at),
        "parent_module": {},
        "arguments": [],
        "sequence_number": number,
        "status": "visible",
        "access_type": "org_based",
    }


def _field(module: Module, field: Field, number: int) -> dict[str, Any]:
    own = field.source is not None
    nothing = dict.fromkeys(("association_details", "multi_module_lookup", "external", "pick_list_values", "range"))
    nothing |= dict.fromkeys(("currency", "lookup", "rollup_summary", "formula", "multiselectlookup", "auto_number"))
    no = dict.fromkeys(
        ("field_read_only", "read_only", "separator", "history_tracking_enabled", "enable_colour_code"), False
    )
    no |= dict.fromkeys(("virtual_field", "public", "pick_list_values_sorted_lexically"), False)
    yes = dict.fromkeys(("businesscard_supported", "filterable", "visible", "searchable", "sortable", "webhook"), True)
    return {
        **nothing,
        **no,
        **yes,
        "id": ids.written(f"{module.dataset}/{field.name}"),
        "api_name": field.name,
        "field_label": field.label[:50],
        "display_label": field.label[:50],
        "column_name": field.name.upper(),
        "data_type": field.kind,
        "json_type": _JSON.get(field.kind, "string"),
        "length": 255,
        "decimal_place": 2 if field.kind == "currency" else None,
        "type": "used",
        "custom_field": own,
        "created_source": "default",
        "system_mandatory": own and number == 0,
        "display_field": own and number == 0,
        "colour_code_enabled_by_system": False,
        "mass_update": own,
        "operation_type": dict.fromkeys(("web_update", "api_create", "web_create", "api_update"), own),
        "view_type": {"view": True, "edit": own, "quick_create": False, "create": own},
        "email_parser": {"fields_update_supported": False, "record_operations_supported": False},
        "profiles": [
            {"id": ids.written(id), "name": name, "permission_type": "read_write"}
            for name, id in people.PROFILES.values()
        ],
        "unique": {},
        **({"textarea": {"type": "rich_text"}} if field.kind == RICH else {}),
        "convert_mapping": {},
        "display_type": -1,
        "ui_type": 1,
    }

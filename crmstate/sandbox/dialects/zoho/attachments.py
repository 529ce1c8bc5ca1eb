"""The files on a record: listed, and fetched one by one. The trait `links` names attachments that are links to elsewhere
(`{id: address}`): they are listed and cannot be fetched. What lies in a field for files (`layout`) is listed in its record, and
fetched by a call of its own; so is a photo, of which a record says no more than that it has one.
"""

from __future__ import annotations

from typing import Any

from ...exchange import Call
from ...wire import Reply
from . import errors, ids, layout, pages, rows

COLUMNS = "id, name, size, mime"
ALWAYS = {"id", "Created_Time", "Created_By", "Modified_Time", "Modified_By"}


def attachment_list(call: Call, name: str, number: str) -> Reply:
    dataset, row = _record(call, name, number)
    given = pages.parameters(call)
    wanted = {each for each in given.get("fields", "").split(",") if each}
    if not wanted:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="fields")
    window = pages.Window(call, given)
    sql = f"SELECT {COLUMNS} FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0 ORDER BY id"
    inside = [*layout.held(call.world, dataset, None), layout.photo(call.world, dataset, row[0])]
    there = [each for each in call.world.all(sql, dataset, row[0]) if each[0] not in inside]
    shown, info = pages.paged(call, "data", there, window)
    data = [
        {key: value for key, value in _shape(call, name, row, file).items() if key[0] == "$" or key in wanted | ALWAYS}
        for file in shown
    ]
    info |= dict.fromkeys(("next_page_token", "previous_page_token", "page_token_expiry"))
    reply = pages.listing(call, "data", data, info)
    pages.shift(call, "attachment", dataset, window.page == 1, [file[0] for file in shown])
    return reply


def attachment_get(call: Call, name: str, number: str, wanted: str) -> Reply:
    dataset, row = _record(call, name, number)
    there = call.world.all(
        "SELECT id, mime FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0", dataset, row[0]
    )
    found = next(((id, mime) for id, mime in there if ids.written(id) == wanted), None)
    if found is None or layout.withheld(call.world, dataset, found[0]):
        return errors.nothing()
    if found[0] in call.world.traits.get("links", {}):
        raise errors.refusal("DOWNLOAD_NOT_ALLOWED", "As it is a linked attachment, you can not download it")
    return Reply(200, call.world.attachment(dataset, found[0]), {"Content-Type": "application/octet-stream"})


def field_attachment_get(call: Call, name: str, number: str) -> Reply:
    """A file out of a field. A wrong id is INVALID_DATA (a guess)."""
    dataset, row = _record(call, name, number)
    wanted, inside = pages.parameters(call).get("fields_attachment_id"), layout.held(call.world, dataset, None)
    if not wanted:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="fields_attachment_id")
    there = call.world.all(
        "SELECT id FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0", dataset, row[0]
    )
    found = next((id for (id,) in there if id in inside and ids.written(id) == wanted), None)
    if found is None:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, resource_path_index=0)
    return Reply(200, call.world.attachment(dataset, found), {"Content-Type": "application/x-download"})


def photo_get(call: Call, name: str, number: str) -> Reply:
    """A record's photo; 204 where it has none, and where it is withheld (a guess: no source says)."""
    dataset, row = _record(call, name, number)
    found = layout.photo(call.world, dataset, row[0])
    if found is None or layout.withheld(call.world, dataset, found):
        return errors.nothing()
    return Reply(200, call.world.attachment(dataset, found), {"Content-Type": "image/png"})


def _record(call: Call, name: str, number: str) -> tuple[str, rows.Row]:
    module = layout.module(call.world, name, resource_path_index=0)
    id = rows.read(call.world, module.dataset, number)
    found = rows.named(call.world, module.dataset, [id], pages.caller(call).viewer) if id is not None else []
    if not found:
        raise errors.refusal("INVALID_DATA", "the related id given seems to be invalid", resource_path_index=1)
    return module.dataset, found[0]


def _shape(call: Call, module: str, row: rows.Row, file: tuple[Any, ...]) -> dict[str, Any]:
    id, name, size, _ = file
    link = call.world.traits.get("links", {}).get(id)
    owner = pages.person(call.world, row[1], email=True)
    someone = {"name": owner["name"], "id": owner["id"]}
    return {
        "id": ids.written(id),
        "File_Name": name,
        "Size": str(size),
        "Owner": owner,
        "Created_By": someone,
        "Modified_By": someone,
        "Created_Time": pages.moment(row[2]),
        "Modified_Time": pages.moment(row[3]),
        "Parent_Id": {"id": ids.written(row[0]), "name": ids.written(row[0])},
        "$editable": True,
        "$file_id": f"{ids.digits(f'file {id}', 10**18):018x}",
        "$type": "Link URL" if link else "Attachment",
        "$se_module": module,
        "$state": "save",
        "$link_url": link,
        "$sharing_permission": "full_access",
    }

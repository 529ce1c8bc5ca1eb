"""Attachments: the World's, of rows, or of nothing where their dataset is `ir.attachment` itself; and some of the server's own.
Those of a field (a picture) are hidden from every search that does not mention `id` or `res_field`. The bytes come inside of
answers, in base64, and `checksum` is their SHA-1.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from . import errors, numbers, people, tables
from .domains import Row, Span
from .models import INTERNAL, ROOT, SYSTEM, Env, Field, Model, counted, moment, with_magic

SERVERS = (
    (1, "web.assets_web.min.js", "ir.ui.view", 0, False, b"odoo.define('web');"),
    (2, "web_icon_data", "ir.ui.menu", 1, "web_icon_data", b"\x89PNG menu"),
    (3, "web_icon_data", "ir.ui.menu", 2, "web_icon_data", b"\x89PNG contacts"),
)
"""Number, name, model, row, field and bytes of what the server keeps here for itself."""


def rows(env: Env, span: Span) -> Iterator[Row]:
    for number, name, model, row, field, content in SERVERS:
        if people.within(span, number) and env.viewer is None:
            yield _row(number, name, model, row, field, lambda content=content: content, len(content), "image/png")
    yield from _worlds(env, span)


def _worlds(env: Env, span: Span) -> Iterator[Row]:
    """The World's files. Which of them are a field's says the trait `field_files` (`{"dataset/id": field}`)."""
    world, fields = env.world, env.world.traits.get("field_files", {})
    sql = (
        "SELECT n.number, a.dataset, a.id, a.row_id, a.name, a.size, a.mime, r.owner_id, r.created_at FROM attachments a "
        "JOIN odoo_numbers n ON n.model = ? AND n.key = a.dataset || char(10) || a.id "
        "JOIN rows r ON r.dataset = a.dataset AND r.id = a.row_id WHERE a.binned = 0 AND r.binned = 0 "
        "AND (? IS NULL OR r.owner_id = ? OR a.dataset = ?) AND n.number > ? ORDER BY n.number"
    )
    found = world.all(sql, numbers.FILES, env.viewer, env.viewer, numbers.PARTNERS, span.after)
    for number, dataset, id, row, name, size, mime, owner, created in found:
        if not people.within(span, number):
            continue
        made = (numbers.of(world, numbers.USERS, owner) or False) if owner else numbers.ADMIN
        yield _row(
            number,
            name,
            False if dataset == numbers.FILES else tables.model_name(dataset),
            False if dataset == numbers.FILES else numbers.of(world, dataset, row) or 0,
            fields.get(f"{dataset}/{id}", False),
            lambda dataset=dataset, id=id: world.attachment(dataset, id),
            size,
            mime,
        ) | {
            "key": f"{dataset}/{id}",
            "row": row,
            "create_uid": made,
            "write_uid": made,
            "create_date": moment(created),
        }


def _row(number: int, name: str, model: Any, row: Any, field: Any, content: Any, size: int, mime: str | None) -> Row:
    return {
        "id": number, "key": None, "name": name, "res_model": model, "res_id": row, "res_field": field, "type": "binary",
        "url": False, "datas": lambda: b64encode(content()).decode() or False, "file_size": size,
        "checksum": lambda: hashlib.sha1(content()).hexdigest(), "mimetype": mime or "application/octet-stream",
        "public": False, "create_uid": ROOT, "write_uid": ROOT, "res_name": False, "description": False,
        "raw": lambda: b64encode(content()).decode(),
    }  # fmt: skip


def _unlink(env: Env, found: list[Row], given: Mapping[str, Any]) -> None:
    for row in found:
        if row["key"] is None:
            raise errors.refusal("UserError", "What the server keeps for itself stays here.")
    for row in found:
        dataset, _, id = str(row["key"]).rpartition("/")
        env.world.run("DELETE FROM attachments WHERE dataset = ? AND id = ?", dataset, id)
        env.world.count_in(dataset, files=-1)
        if dataset == numbers.FILES:  # one that is nobody's: the row is the file
            env.world.run("DELETE FROM rows WHERE dataset = ? AND id = ?", dataset, row["row"])
            env.world.count_in(dataset, live=-1)
        kind, thing = ("row", f"{dataset}/{row['row']}") if dataset == numbers.FILES else ("attachment", row["key"])
        env.world.effect("delete", kind, thing, irreversible=True)


FILE = Model(
    numbers.FILES,
    "Attachment",
    with_magic({
        "name": Field("char", "Name", required=True), "description": Field("text", "Description"),
        "res_model": Field("char", "Resource Model"), "res_id": Field("many2one_reference", "Resource ID"),
        "res_field": Field("char", "Resource Field"), "res_name": Field("char", "Resource Name", store=False),
        "type": Field("selection", "Type", required=True), "url": Field("char", "Url"),
        "datas": Field("binary", "File Content (base64)", store=False),
        "raw": Field("binary", "File Content (raw)", store=False), "file_size": Field("integer", "File Size"),
        "checksum": Field("char", "Checksum/SHA1"), "mimetype": Field("char", "Mime Type"),
        "public": Field("boolean", "Is public document"),
    }),
    rows,
    lambda env: counted(env.world, "SELECT count(*) FROM attachments WHERE binned = 0") + len(SERVERS),
    may={"read": INTERNAL, "write": SYSTEM, "unlink": SYSTEM},
    unlink=_unlink,
    hidden=(lambda row: not row["res_field"], frozenset({"id", "res_field"})),
)  # fmt: skip

"""The attachments of Odoo's records: listing them, and fetching their contents, which have to have the server's own digest."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import File, FilePage
from crmstate.providers.kit import Call
from crmstate.providers.odoo.models import ATTACHMENTS, attached, foreign, model_of
from crmstate.providers.odoo.vendor import search


class _Attachment(msgspec.Struct):
    id: int
    name: str | bool
    res_id: int | bool
    file_size: int
    mimetype: str | bool


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """One page of attachments, without their contents."""
    model = model_of(dataset)
    after = [["id", ">", int(cursor)]] if cursor else []
    fields = ["name", "res_id", "file_size", "mimetype"]
    rows = search(
        call, ATTACHMENTS, [*attached(call, model, foreign(call, model)), *after], fields, _Attachment, call.page
    )
    found = tuple(
        File(
            str(row.id),
            str(row.id) if model == ATTACHMENTS else str(row.res_id or ""),
            row.name if isinstance(row.name, str) else str(row.id),
            f"{ATTACHMENTS},{row.id}",
            row.file_size,
            row.mimetype if isinstance(row.mimetype, str) else "",
        )
        for row in rows
    )
    return FilePage(found, str(rows[-1].id) if rows else None)


class _Content(msgspec.Struct):
    id: int
    datas: str | bool
    checksum: str | bool
    file_size: int


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes of an attachment, which have to have the server's own digest. Anything else than what `files` gives is an
    address, and goes nowhere. Contents lie in files beside the database; where one is missing the server says that there
    are none, without an error."""
    model, _, remote = file.url.partition(",")
    if model != ATTACHMENTS or not remote.isdecimal():
        yield from call.stream(file.url)
        return
    wanted = [["id", "=", int(remote)]]
    found = search(call, ATTACHMENTS, wanted, ["datas", "checksum", "file_size"], _Content)
    if not found:
        raise Failure(Code.MISSING, "the attachment is gone")
    (row,) = found
    try:
        content = base64.b64decode(row.datas, validate=True) if isinstance(row.datas, str) else b""
    except binascii.Error:
        raise Failure(Code.UNAVAILABLE, "an attachment that is not whole", vendor="kit.malformed") from None
    if row.file_size and not content:
        raise Failure(Code.REJECTED, "the server has lost the file of this attachment", vendor="odoo.no_file")
    if row.checksum and hashlib.sha1(content).hexdigest() != row.checksum:
        raise Failure(
            Code.UNAVAILABLE, "the attachment has another digest than the server says", vendor="odoo.checksum"
        )
    yield content

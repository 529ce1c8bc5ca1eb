"""The bytes of a file by its npath, in the older way of signing in only: how the newer one asks for them is not settled.

Source: a public sample alone; the misspelt `igonreMediaIdConvert` is the vendor's own. What a failure looks like is a guess:
the envelope of every other call, in the same HTTP 200 as a file.
"""

from __future__ import annotations

from urllib.parse import quote

from ...exchange import Call
from ...wire import Reply
from . import body, errors, ids

PATH = "/media/download"


def download(call: Call) -> Reply:
    if body.text(call.body, "mediaTypeDesc") != "DOCUMENT" or not body.flag(call.body, "igonreMediaIdConvert"):
        raise errors.refusal(errors.BAD_PARAMETERS)
    found = ids.file_of(body.text(call.body, "mediaId"))
    sql = (
        "SELECT a.name, r.owner_id FROM attachments a JOIN rows r ON r.dataset = a.dataset AND r.id = a.row_id "
        "WHERE a.dataset = ? AND a.id = ? AND a.binned = 0"
    )
    row = call.world.one(sql, *found) if found else None
    assert call.caller is not None
    if found is None or row is None or call.caller.viewer not in (None, row[1]):
        raise errors.refusal(errors.BAD_PARAMETERS, "文件不存在")
    name = quote(row[0], safe="")
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}",
    }
    return Reply(200, call.world.attachment(*found), headers)

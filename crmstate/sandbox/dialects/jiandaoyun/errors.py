"""The vendor's error codes that are used here, with their texts: Chinese where the manual has it word for word, the
manual's sense in English where it does not.

Source: hc.jiandaoyun.com/open/11261 (the table of errors). Which code belongs to which situation is the table's, but
for the places marked with "guess".
"""

from __future__ import annotations

from html import escape

import msgspec

from ...wire import Refused, Reply

INVALID_REQUEST = 1
NO_MEMBER = 1010
NOT_ALLOWED = 1058
NO_APP = 2004
NO_FORM = 3000
BAD_PARAMETERS = 3005
NO_DATA = 4001
DELETE_FAILED = 4042
BAD_FILTER = 4815
NO_DEPARTMENT = 6002
SUSPENDED = 7103
NO_CORP = 8017
BAD_KEY = 8301
NO_API = 8302
TOO_FAST = 8303
TOO_FAST_HERE = 8304
KEY_STOPPED = 17017
KEY_ENDED = 17018
TOO_MANY_TO_DELETE = 17033
STRANGE_IP = 17052
APP_OUT_OF_SCOPE = 17053
CALL_OUT_OF_SCOPE = 17054
PRESET_FORM = 30002

TEXTS = {
    INVALID_REQUEST: "请求无效",
    NO_MEMBER: "成员不存在",
    NOT_ALLOWED: "无权限",
    NO_APP: "应用不存在",
    NO_FORM: "表单不存在",
    BAD_PARAMETERS: "参数不合法",
    NO_DATA: "数据不存在",
    DELETE_FAILED: "delete failed",
    BAD_FILTER: "invalid filter",
    NO_DEPARTMENT: "部门不存在",
    SUSPENDED: "system suspended: over limit",
    NO_CORP: "corp does not exist or is closed",
    BAD_KEY: "API key authentication failed",
    NO_API: "no API permission",
    TOO_FAST: "超出请求频率限制",
    TOO_FAST_HERE: "rate limit",
    KEY_STOPPED: "API key invalid",
    KEY_ENDED: "API key invalid",
    TOO_MANY_TO_DELETE: "batch delete too many",
    STRANGE_IP: "caller IP not in whitelist",
    APP_OUT_OF_SCOPE: "app not in key scope",
    CALL_OUT_OF_SCOPE: "interface not in key scope",
    PRESET_FORM: "CRM预设表单不支持 API 调用",
}

# What the World and its faults refuse, in this vendor's numbers. `rejected` and `forbidden` as 无权限 is a guess: the
# table does not say which code the refused deletion of a member has.
_OWN = {
    "invalid": INVALID_REQUEST,
    "not_found": INVALID_REQUEST,
    "unauthenticated": BAD_KEY,
    "key_revoked": KEY_STOPPED,
    "token_expired": KEY_ENDED,
    "forbidden": NOT_ALLOWED,
    "rejected": NOT_ALLOWED,
    "account_closed": NO_CORP,
    "throttled": TOO_FAST,
    "quota_exhausted": TOO_FAST,
}
EDITION = "edition"


def refusal(code: int) -> Refused:
    """A refusal with one of the vendor's codes."""
    return Refused(str(code), TEXTS[code])


def as_reply(refused: Refused) -> Reply:
    """HTTP 400 with `code` and `msg`; 403 for an edition that does not have the call; an outage is a gateway's page.

    No header says how long to wait (none is documented), and nothing numbers a request.
    """
    if refused.code == EDITION:
        return _json(403, NOT_ALLOWED)  # the body of this 403 is a guess
    if refused.code == "unavailable":
        page = f"<html><head><title>502 Bad Gateway</title></head><body>{escape(refused.message)}</body></html>"
        return Reply(502, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
    return _json(400, int(refused.code) if refused.code.isdigit() else _OWN.get(refused.code, INVALID_REQUEST))


def _json(status: int, code: int) -> Reply:
    return Reply(status, msgspec.json.encode({"code": code, "msg": TEXTS[code]}))

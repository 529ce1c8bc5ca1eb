"""The vendor's table of errors (全局返回码) and the envelope that every answer comes in: HTTP 200, whatever happened.

Source: developer.fxiaoke.com/openapi_v2/start/guide/codes.html. Which code belongs to which situation is the table's or was
probed, but for the places marked with "guess".
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire import Refused, Reply

SYSTEM, BUSY = -2, -1
NO_APP_ID, NO_APP_SECRET, NO_PERMANENT_CODE = 10001, 10002, 10012
UNKNOWN_PATH = 10006
NO_OPEN_USER_ID, NO_CORP_ID = 10010, 10014
OFFSET = 10013
NO_FORM_APP_ID, NO_FORM_APP_SECRET, NO_FORM_PERMANENT_CODE = 11001, 11002, 11013
NO_FORM_TOKEN, NO_FORM_CORP_ID, NO_FORM_OPEN_USER_ID = 11014, 11015, 11008
BAD_DEPARTMENT = 11009
NO_BODY = 12004
TOO_FAST_HERE = 14001
ILLEGAL = 15002
NO_PERMISSION = 15003
BAD_APP = 20006
NO_OPEN_USER = 20012
NO_RIGHT_TO_EMPLOYEE = 20014
BAD_PERMANENT_CODE = 20015
BAD_TOKEN = 20016
NO_CORP = 20017
NO_RIGHT_TO_CORP = 20020
APP_OFF = 20021
NOT_AUTHORISED = 20022
NO_RIGHT_TO_DEPARTMENT = 20023
DAY_USED_UP = 30002
NO_QUOTA = 30003
TOO_FAST = 30004
NO_DEPARTMENT = 30007
NO_EMPLOYEE = 30027
BAD_PARAMETERS = 32000

TEXTS = {
    -2: "系统错误",
    -1: "系统繁忙",
    0: "请求成功",
    10001: "缺少参数appId",
    10002: "缺少参数appSecret",
    10003: "缺少参数appAccessToken",
    10004: "缺少参数redirectUri",
    10005: "缺少参数responseType",
    10006: "缺少参数scope",
    10007: "缺少参数state",
    10008: "缺少参数code",
    10009: "缺少参数appAccount",
    10010: "缺少参数openUserId",
    10012: "缺少参数permanentCode",
    10013: "缺少参数corpAccessToken",
    10014: "缺少参数corpId",
    10015: "缺少参数toUser",
    11001: "参数appId不合法",
    11002: "参数appSecret不合法",
    11003: "参数appAccessToken不合法",
    11004: "参数redirectUri不合法",
    11005: "参数responseType不合法",
    11006: "参数scope不合法",
    11007: "参数state不合法",
    11008: "参数openUserId不合法",
    11009: "参数departmentId不合法",
    11010: "参数code不合法",
    11011: "参数appAccount不合法",
    11013: "参数permanentCode不合法",
    11014: "参数corpAccessToken不合法",
    11015: "参数corpId不合法",
    11016: "参数toUser不合法",
    11017: "参数msgType不合法",
    11018: "参数templateId不合法",
    12002: "登录状态错误",
    12003: "未支持的消息类型",
    12004: "POST的数据包为空",
    12005: "文本消息内容为空",
    14001: "接口调用超过限制",
    15002: "参数不合法",
    15003: "APP没有访问权限",
    20005: "accessToken不存在或者已经过期",
    20006: "appId或appSecret错误",
    20010: "CODE不存在或者已经过期",
    20012: "openUserId未找到",
    20014: "应用没有获取该员工的数据的权限",
    20015: "永久授权码错误",
    20016: "corpAccessToken不存在或者已经过期",
    20017: "corpId未找到",
    20020: "应用没有获取该企业的数据的权限",
    20021: "在当前企业下，该app的状态为停用",
    20022: "企业没有对该app授权",
    20023: "APP没有访问department的权限",
    30002: "当天访问频次超限（0点重新统计）",
    30003: "客户没有购买openapi配额，需要提open api订单进行购买",
    30004: "秒频次超限",
    30007: "部门不存在",
    30027: "员工不存在",
    32000: "参数错误",
    40010: "templateId不合法",
    50009: "服务异常，如:超时",
}

_WEB = "of people signing in on a page of the app's, which no tool does and which is not simulated"
_APP = "of calls with an app's own token, of which none is simulated"
_MESSAGES = "of sending messages, which ends nothing and is not simulated"
NEVER = {
    -2: "which situation it is the table does not say",
    10003: _APP,
    11003: _APP,
    **dict.fromkeys((10004, 10005, 10007, 10008, 10009), _WEB),
    **dict.fromkeys((11004, 11005, 11006, 11007, 11010, 11011, 12002, 20010), _WEB),
    **dict.fromkeys((10015, 11016, 11017, 11018, 12003, 12005, 40010), _MESSAGES),
    20005: "a token that is not there was probed, and answered by 20016",
    50009: "which service fails and when the table does not say; an outage here is -1, or a gateway's page",
}
"""Codes that no situation here ends in, and why. The fault `refused_as` shows them all the same. Of 10006 and 10013, each with
two meanings, one alone is met: no call here takes a scope, and a missing corpAccessToken was probed, and answered by 20017."""

# What the World and its faults refuse, in this vendor's numbers. `rejected` and `conflict` as 参数不合法 are guesses: the
# table is of all interfaces, and the codes of a single one's refusals are not documented.
_OWN = {
    "invalid": BAD_PARAMETERS,
    "not_found": UNKNOWN_PATH,
    "unauthenticated": BAD_TOKEN,
    "token_expired": BAD_TOKEN,
    "key_revoked": APP_OFF,
    "forbidden": NO_PERMISSION,
    "rejected": ILLEGAL,
    "conflict": ILLEGAL,
    "account_closed": NOT_AUTHORISED,
    "throttled": TOO_FAST,
    "quota_exhausted": DAY_USED_UP,
    "unavailable": BUSY,
}


def refusal(code: int, said: str = "", described: str = "") -> Refused:
    """A refusal with one of the vendor's codes; `said` where the vendor says something else than its table."""
    return Refused(str(code), said or TEXTS[code], description=described or said or TEXTS[code])


def as_reply(refused: Refused, trace: str) -> Reply:
    """The envelope of a failure. No header says how long to wait, and nothing in it is to be relied on but the number."""
    own = _OWN.get(refused.code)
    code = own if own is not None else int(refused.code)
    said = TEXTS[code] if own is not None else refused.message
    return enveloped({"errorDescription": refused.extra.get("description", refused.message)}, trace, code, said)


def enveloped(answer: dict[str, Any], trace: str, code: int = 0, said: str = "OK") -> Reply:
    """An answer as it travels."""
    head = {"traceId": trace, "errorDescription": "success", "errorMessage": said, "errorCode": code}
    return Reply(200, packed({**head, **answer}))


def packed(answer: dict[str, Any]) -> bytes:
    return msgspec.json.encode(answer)

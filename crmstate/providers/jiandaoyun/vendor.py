"""How Jiandaoyun talks: its errors, its limits, and to whom a key belongs. hc.jiandaoyun.com/open/11261."""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider
from crmstate.core.survey import Identity
from crmstate.core.words import Against, Kind, Verb
from crmstate.providers.kit import Answer, Call, Dialect
from crmstate.providers.kit.pages import by_skip

MANUAL = "https://hc.jiandaoyun.com/open/"
GUIDE, KEYS = f"{MANUAL}11261", f"{MANUAL}16782"
APP_LIST, FORM_LIST, DATA_LIST, DATA_GET = (f"{MANUAL}{page}" for page in (18538, 18539, 14220, 14221))
BATCH_DELETE, MEMBERS, MEMBER, MEMBER_DELETE = (f"{MANUAL}{page}" for page in (14527, 18515, 11504, 18513))
PUSH, API_FACTS = f"{MANUAL}10732", f"{MANUAL}11500"
CHANGELOG = "https://hc.jiandaoyun.com/doc/15999"
CHECKED = "2026-06-12"
"""The date of the copy of the manual that these facts were read in."""

APPS = "/api/v5/app/list"
FORMS = "/api/v5/app/entry/list"
ROWS = "/api/v5/app/entry/data/list"
ROW = "/api/v5/app/entry/data/get"
WIDGETS = "/api/v5/app/entry/widget/list"
DELETE_ROWS = "/api/v5/app/entry/data/batch_delete"
USERS = "/api/v5/corp/department/user/list"
DELETE_USERS = "/api/v5/corp/user/batch_delete"

CODES = {
    1: Code.REJECTED,  # 请求无效: invalid request
    1010: Code.MISSING,  # 成员不存在: no such member
    1022: Code.REJECTED,  # the manual gives no words for it
    1058: Code.DENIED,  # 无权限: no permission
    2004: Code.MISSING,  # 应用不存在: no such app
    3000: Code.MISSING,  # 表单不存在: no such form
    3005: Code.REJECTED,  # 参数不合法: invalid parameters
    4001: Code.MISSING,  # 数据不存在: no such row
    4012: Code.THROTTLED,  # the form is occupied by a batch task
    4042: Code.REJECTED,  # the deletion failed
    4815: Code.REJECTED,  # invalid filter
    6002: Code.MISSING,  # 部门不存在: no such department
    6003: Code.CONFLICT,  # the department has departments
    6006: Code.CONFLICT,  # the department has members
    7103: Code.EXHAUSTED,  # suspended: over its limits
    7206: Code.EXHAUSTED,  # suspended: over its limits
    7212: Code.EXHAUSTED,  # the month's data is used up
    8017: Code.EXPIRED,  # the corp does not exist or is closed
    8301: Code.EXPIRED,  # the API key is not accepted
    8302: Code.DENIED,  # no API permission
    8303: Code.THROTTLED,  # 超出请求频率限制: the corp asks too fast
    8304: Code.THROTTLED,  # asked too fast
    9007: Code.THROTTLED,  # a lock is held by somebody else
    17017: Code.EXPIRED,  # the API key is not valid
    17018: Code.EXPIRED,  # the API key is not valid
    17023: Code.REJECTED,  # a batch of more than 100
    17024: Code.REJECTED,  # a batch of more than 100
    17025: Code.REJECTED,  # transaction_id is not valid
    17026: Code.REJECTED,  # transaction_id was used before
    17033: Code.REJECTED,  # a batch deletion of too many
    17052: Code.DENIED,  # this address is not in the key's IP whitelist
    17053: Code.DENIED,  # the app is not in the key's scope
    17054: Code.DENIED,  # the interface is not in the key's scope
    30002: Code.REJECTED,  # CRM预设表单不支持 API 调用: a preset form of the CRM suite
}
"""Every code of the manual's table. All of them come with HTTP 400, before anything was done: what passes by itself
(a rate, a lock, a busy form) is THROTTLED, so that an act may be sent again as well."""

NO_MEMBER, NO_APP, NO_FORM, NO_ROW, NOT_DELETED, CLOSED, PRESET = (
    "1010",
    "2004",
    "3000",
    "4001",
    "4042",
    "8017",
    "30002",
)


class _Refusal(msgspec.Struct):
    code: int
    msg: str = ""


_REFUSALS = msgspec.json.Decoder(_Refusal)


def classify(answer: Answer) -> Failure | None:
    """By the vendor's own code, which comes with 400; one that the table does not know is a refusal all the same. 429
    (too many at once) and 403 (the edition, or a file's address that ended) need none. Anything else tells nothing."""
    if 200 <= answer.status < 300:
        return None
    try:
        found = _REFUSALS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        code = {403: Code.DENIED, 429: Code.THROTTLED}.get(answer.status, Code.UNAVAILABLE)
        return Failure(code, f"status {answer.status}, without a code of the vendor's", vendor=f"http.{answer.status}")
    unknown = {400: Code.REJECTED, 403: Code.DENIED, 429: Code.THROTTLED}.get(answer.status, Code.UNAVAILABLE)
    code = CODES.get(found.code, unknown) if answer.status < 500 else Code.UNAVAILABLE
    return Failure(code, f"{found.code} {found.msg}".strip(), vendor=str(found.code))


provider = Provider(
    name="jiandaoyun",
    title="Jiandaoyun 简道云",
    credential=("api_key",),
    env=("JIANDAOYUN_", "JDY_"),
    hosts=("api.jiandaoyun.com",),
    url="https://api.jiandaoyun.com",
    tenant="the app_id of one app that is your own, as in the app's address",
    removal={Kind.USER: Verb.DELETE},
    limits=Limits(
        per_second=50,
        page=100,
        per_request={
            f"POST {APPS}": 30,
            f"POST {FORMS}": 30,
            f"POST {ROWS}": 30,
            f"POST {ROW}": 30,
            f"POST {WIDGETS}": 30,
            f"POST {DELETE_ROWS}": 10,
            f"POST {USERS}": 10,
            f"POST {DELETE_USERS}": 10,
        },
    ),
    source=GUIDE,
    against=Against.DOCUMENTATION,
    dialect=Dialect(classify=classify, access="api_key", request_id="", file_hosts=("files.jiandaoyun.com",)),
)


class App(msgspec.Struct):
    app_id: str
    name: str = ""


class _Apps(msgspec.Struct):
    apps: list[App]


def apps(call: Call) -> tuple[list[App], bool]:
    """Every app in the key's scope, and whether the list stood still while it was read."""

    def ask(skip: int) -> list[App]:
        return call.look(APPS, {"skip": skip, "limit": page(call)}, into=_Apps).apps

    return by_skip(ask, lambda app: app.app_id)


def page(call: Call) -> int:
    """Rows a page of what is paged by skipping: two at least, since pages overlap; 100 at most."""
    return min(100, max(2, call.page))


@provider.reads(
    Kind.TENANT,
    Verb.WHOAMI,
    f"POST {APPS}",
    source=APP_LIST,
    verified_on=CHECKED,
    note={
        "en": "There is no such call. The tenant is the id of one app that is known to be the corp's own: a key that does "
        "not see it is another corp's, or has another scope. No call names what else a key may do: before the first act of an "
        "apply each deletion is asked for once for something that cannot exist, and a key without it is refused (17053, "
        "17054). That the scope is looked at before the id is assumed; otherwise the first act tells.",
        "zh-CN": "平台没有查询身份的接口。以一个确知属于本企业的应用的 app_id 作为租户标识：看不到该应用的密钥属于其他企业，"
        "或授权范围不对。没有接口说明密钥的其他权限：apply 在第一步操作之前，会对不可能存在的对象各请求一次删除，"
        "没有授权的密钥会被拒绝（17053、17054）。这里假定平台先校验授权、再查找对象；否则要到第一次删除时才会得知。",
    },
)
def whoami(call: Call) -> Identity:
    """Whose key this is, by the apps that it sees. `may_write` only says that nothing speaks against it: whether the
    deleting interfaces are in a key's scope is told by the trials of their cells."""
    seen, _ = apps(call)
    own = next((app for app in seen if app.app_id == call.tenant), seen[0] if seen else App("-"))
    rights = ("v5/app/list",)
    return Identity("", own.app_id, own.name, may_write=True, whole_view=False, rights=rights, attestable=True)


class _Page(msgspec.Struct):
    apps: list[msgspec.Raw]


@provider.reads(
    Kind.API_KEY,
    Verb.PROBE,
    f"POST {APPS}",
    source=GUIDE,
    verified_on=CHECKED,
    note={
        "en": "8301, 17017 and 17018 prove that a key is dead.",
        "zh-CN": "返回 8301、17017 或 17018 即证明密钥已失效。",
    },
)
def probe(call: Call) -> None:
    """Raises EXPIRED when the key is dead."""
    call.look(APPS, {"skip": 0, "limit": 1}, into=_Page)

"""How FXiaoke talks: two ways to sign in, its errors, its limits, and to whom a credential belongs.

developer.fxiaoke.com/openapi_v2 could not be read itself. What stands here is in two independent transcriptions of it
(github fxp/skillify, captured 2026-09-11; github api-evangelist/fxiaoke, 2026-08-22); whatever stands in one place only, or in
somebody's sample, is `verified_on` None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider
from crmstate.core.secret import Secret
from crmstate.core.survey import Identity
from crmstate.core.words import Against, Kind, Verb
from crmstate.providers.kit import Answer, Call, Dialect, Grant, Request

MANUAL = "https://developer.fxiaoke.com/openapi_v2/"
CODES_PAGE, RATES = f"{MANUAL}start/guide/codes.html", f"{MANUAL}start/guide/rate.html"
CLOUDS, APP_INFO = f"{MANUAL}start/guide/cloud.html", f"{MANUAL}start/auth/app-info.html"
DEEP_PAGING = f"{MANUAL}FAQ/deep-paging.html"
CHECKED = "2026-09-11"
"""The date of the transcription that was read."""

TOKEN, OLD_TOKEN = "/oauth2.0/token", "/cgi/corpAccessToken/get/V2"
OBJECTS, DESCRIBE = "/cgi/crm/v2/object/list", "/cgi/crm/v2/object/describe"
UNLOCK = "/cgi/crm/v2/object/unlock"
CHOOSE, CUSTOM_CHOOSE = "/cgi/crm/v2/data/choose", "/cgi/crm/custom/v2/data/choose"
QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
INVALID, CUSTOM_INVALID = "/cgi/crm/v2/data/invalid", "/cgi/crm/custom/data/invalid"
DELETE, CUSTOM_DELETE = "/cgi/crm/v2/data/delete", "/cgi/crm/custom/v2/data/delete"
RECOVER, CUSTOM_RECOVER = "/cgi/crm/v2/data/recover", "/cgi/crm/custom/v2/data/recover"
MEDIA = "/media/download"
PEOPLE, PEOPLE_BY_TIME, STOP = "/cgi/user/list", "/cgi/user/get/batchByUpdTime", "/cgi/user/batchSetStatus"

HOSTS = (
    "open.fxiaoke.com",
    "open-hwcloud.fxiaoke.com",
    "open-ale.fxiaoke.com",
    "open-hws.fxiaoke.com",
    "open-ksc.sharecrm.com",
    "open-na.sharecrm.com",
)
"""A tenant lives in one of the vendor's clouds, each with a host of its own; no call tells which."""

CODES = {
    -2: Code.UNAVAILABLE,  # 系统错误: system error
    -1: Code.UNAVAILABLE,  # 系统繁忙: system busy
    10001: Code.REJECTED,  # a parameter lacks: appId
    10002: Code.REJECTED,  # appSecret
    10003: Code.REJECTED,  # appAccessToken
    10004: Code.REJECTED,  # redirectUri
    10005: Code.REJECTED,  # responseType
    10006: Code.REJECTED,  # scope; also a path that does not exist, and at the sign-in a wrong secret
    10007: Code.REJECTED,  # state
    10008: Code.REJECTED,  # code
    10009: Code.REJECTED,  # appAccount
    10010: Code.REJECTED,  # openUserId
    10012: Code.REJECTED,  # permanentCode
    10013: Code.REJECTED,  # corpAccessToken; also an offset beyond 10000
    10014: Code.REJECTED,  # corpId
    10015: Code.REJECTED,  # toUser
    11001: Code.EXPIRED,  # a parameter is not valid: appId
    11002: Code.EXPIRED,  # appSecret
    11003: Code.EXPIRED,  # appAccessToken
    11004: Code.REJECTED,  # redirectUri
    11005: Code.REJECTED,  # responseType
    11006: Code.REJECTED,  # scope
    11007: Code.REJECTED,  # state
    11008: Code.REJECTED,  # openUserId
    11009: Code.REJECTED,  # departmentId
    11010: Code.REJECTED,  # code
    11011: Code.REJECTED,  # appAccount
    11013: Code.EXPIRED,  # permanentCode
    11014: Code.EXPIRED,  # corpAccessToken
    11015: Code.REJECTED,  # corpId
    11016: Code.REJECTED,  # toUser
    11017: Code.REJECTED,  # msgType
    11018: Code.REJECTED,  # templateId
    12002: Code.EXPIRED,  # 登录状态错误: the state of the login is wrong
    12003: Code.REJECTED,  # a message of an unknown type
    12004: Code.REJECTED,  # an empty body
    12005: Code.REJECTED,  # an empty message
    14001: Code.THROTTLED,  # 接口调用超过限制: 100 calls in 20 seconds
    15002: Code.REJECTED,  # 参数不合法: an invalid parameter
    15003: Code.DENIED,  # the app may not
    20005: Code.EXPIRED,  # the accessToken is not there, or has ended
    20006: Code.EXPIRED,  # appId or appSecret is wrong
    20010: Code.REJECTED,  # CODE is not there, or has ended
    20012: Code.MISSING,  # no such openUserId
    20014: Code.DENIED,  # the app may not have this person's data
    20015: Code.EXPIRED,  # the permanent code is wrong
    20016: Code.EXPIRED,  # the corpAccessToken is not there, or has ended
    20017: Code.DENIED,  # no such corpId; also a request without any credential
    20020: Code.DENIED,  # the app may not have this company's data
    20021: Code.EXPIRED,  # the app is switched off for this company
    20022: Code.EXPIRED,  # the company has not authorised this app
    20023: Code.DENIED,  # the app may not have this department
    30002: Code.EXHAUSTED,  # the day's calls are used up; counted anew from 0:00
    30003: Code.DENIED,  # the company has bought no calls
    30004: Code.THROTTLED,  # 秒频次超限: too many a second
    30007: Code.MISSING,  # no such department
    30027: Code.MISSING,  # no such person
    32000: Code.REJECTED,  # 参数错误: wrong parameters
    40010: Code.REJECTED,  # templateId is not valid
    50009: Code.UNAVAILABLE,  # 服务异常，如:超时: a service failed, perhaps by taking too long
}
"""The manual's table of global codes (全局返回码). A rate is refused before anything was done (THROTTLED: an act is sent
again as well); what may have been done when it failed (-1, -2, 50009) is UNAVAILABLE, which after an act means: look first."""

RENEWED = frozenset({"20005", "20016"})
"""The codes after which a new token helps."""

NOT_THERE = "10006"


class _Envelope(msgspec.Struct, rename="camel"):
    error_code: int
    error_message: str | None = None
    trace_id: str | None = None


_ENVELOPES = msgspec.json.Decoder(_Envelope)


def classify(answer: Answer) -> Failure | None:
    """By the vendor's own code: the status says nothing, and the manual forbids to go by the message. A code that the table
    does not know is a refusal all the same; an answer without one is no answer, unless it is a file."""
    if answer.status == 200 and "content-disposition" in answer.headers:
        return None
    try:
        found = _ENVELOPES.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _without_code(answer)
    if answer.status >= 500:
        code = Code.UNAVAILABLE
    elif found.error_code == 0:
        return None if answer.status == 200 else _without_code(answer)
    else:
        code = CODES.get(found.error_code, Code.REJECTED)
    text = f"{found.error_code} {found.error_message or ''}".strip()
    return Failure(code, text, request_id=found.trace_id, vendor=str(found.error_code))


def _without_code(answer: Answer) -> Failure:
    if 300 <= answer.status < 400:
        why = f"status {answer.status}: this is not the gateway of the company's cloud (provider.url)"
        return Failure(Code.REJECTED, why, vendor=f"http.{answer.status}")
    code = {403: Code.DENIED, 429: Code.THROTTLED}.get(answer.status, Code.UNAVAILABLE)
    return Failure(code, f"status {answer.status}, without the vendor's errorCode", vendor=f"http.{answer.status}")


OLDER_ALONE = frozenset({MEDIA, STOP})
"""What is documented in the older style of signing in alone: it is asked for that way, also by a credential of the present one."""


class Access(Secret):
    """An access token, with what goes beside it: in headers (`user` is a CRM employee's number), or, in the older style, in
    the body (`user` is an openUserId, empty where nobody said it). `older`: a token of that style too."""

    def __init__(self, text: str, company: str, user: str, *, in_body: bool, older: Access | None = None) -> None:
        super().__init__(text)
        self.company = company
        self.user = user
        self.in_body = in_body
        self.older = older


def _trace() -> str:
    return str(uuid4())


def _authorise(request: Request, access: Secret) -> Request:
    assert isinstance(access, Access), "tokens come from the sign-in alone"
    used = access.older if access.older is not None and request.path in OLDER_ALONE else access
    ready = replace(request, params=(*request.params, ("thirdTraceId", _trace())))
    if used.in_body:
        given = request.json if isinstance(request.json, dict) else {}
        told = {"corpAccessToken": used.reveal(), "corpId": used.company, "currentOpenUserId": used.user}
        return replace(ready, json={**{name: value for name, value in told.items() if value}, **given})
    ready = ready.with_header("authorization", f"Bearer {used.reveal()}")
    return ready.with_header("x-fs-ea", used.company).with_header("x-fs-userid", used.user)


class _Token(msgspec.Struct, rename="camel"):
    access_token: str
    ea: str


class _OldToken(msgspec.Struct, rename="camel"):
    corp_access_token: str
    corp_id: str


def _login(call: Call, credential: Mapping[str, Secret]) -> Grant:
    """A token, in the style that the credential says: with `user_id`, the present one; with `open_user_id` alone, the older
    one. Within 6600 seconds the vendor gives the same token again."""
    given = {name: secret.reveal() for name, secret in credential.items()}
    own = given.get("open_user_id", "")
    if "user_id" not in given and not own:
        raise Failure(Code.DENIED, "the credential names nobody: user_id (or, in the older style, open_user_id)")
    asked = {"appId": given["app_id"], "appSecret": given["app_secret"], "permanentCode": given["permanent_code"]}
    try:
        access = _signed_in(call, asked, given["user_id"], own) if "user_id" in given else _as_before(call, asked, own)
    except Failure as failure:
        if failure.vendor != NOT_THERE:
            raise
        # At the sign-in a wrong secret is answered by the code of a path that does not exist.
        why = f"{failure.summary} (appId, appSecret, permanentCode or the cloud's address is wrong)"
        raise Failure(Code.EXPIRED, why, request_id=failure.request_id, vendor=failure.vendor) from None
    more = (access.older,) if access.older is not None else ()
    return Grant(access, user="\n".join((access.company, given["app_id"], own)), more=more)


def _signed_in(call: Call, asked: dict[str, str], user: str, own: str) -> Access:
    """The present style, and the older one beside it where it is still to be had."""
    body = {**asked, "grantType": "app_secret"}
    found: _Token = call.send("POST", TOKEN, params={"thirdTraceId": _trace()}, json=body, into=_Token).value
    try:
        older = _as_before(call, asked, own)
    except Failure as failure:
        if failure.code in {Code.THROTTLED, Code.UNAVAILABLE, Code.EXHAUSTED}:
            raise
        older = None
    return Access(found.access_token, found.ea, user, in_body=False, older=older)


def _as_before(call: Call, asked: dict[str, str], own: str) -> Access:
    found: _OldToken = call.send("POST", OLD_TOKEN, params={"thirdTraceId": _trace()}, json=asked, into=_OldToken).value
    return Access(found.corp_access_token, found.corp_id, own, in_body=True)


_A_SECOND = 100 / 21
"""100 calls in 20 seconds of one interface: what has gathered in a pause (a second's worth) and 20 seconds make 100."""

_PACED = (
    OBJECTS, DESCRIBE, QUERY, CUSTOM_QUERY, INVALID, CUSTOM_INVALID, DELETE, CUSTOM_DELETE, RECOVER, CUSTOM_RECOVER, UNLOCK,
    CHOOSE, CUSTOM_CHOOSE, MEDIA,
)  # fmt: skip

provider = Provider(
    name="fxiaoke",
    title="FXiaoke 纷享销客",
    credential=("app_id", "app_secret", "permanent_code", "user_id", "open_user_id"),
    env=("FXIAOKE_", "SHARECRM_"),
    hosts=HOSTS,
    url=f"https://{HOSTS[0]}",
    tenant="the enterprise account (ea) that the token's answer names; in the older style of signing in, the corpId",
    removal={Kind.USER: Verb.DEACTIVATE},
    plain=("app_id", "user_id", "open_user_id"),
    limits=Limits(
        per_day=100_000,
        ahead=8,
        page=100,
        per_request={
            **{f"POST {path}": 10 / 60 for path in (TOKEN, OLD_TOKEN)},
            **{f"POST {path}": _A_SECOND for path in (*_PACED, PEOPLE, PEOPLE_BY_TIME, STOP)},
        },
    ),
    source=MANUAL,
    against=Against.DOCUMENTATION,
    dialect=Dialect(
        classify=classify,
        authorise=_authorise,
        access=None,
        login=_login,
        login_needs=("app_id", "app_secret", "permanent_code"),
        login_requests=(f"POST {TOKEN}", f"POST {OLD_TOKEN}"),
        renews=lambda failure: failure.vendor in RENEWED,
        request_id="",
    ),
)


class Nothing(msgspec.Struct):
    """An answer of which only the code counts."""


class _Listed(msgspec.Struct):
    objects: list[msgspec.Raw]


class _Objects(msgspec.Struct):
    data: _Listed


def who(call: Call) -> list[str]:
    """Company, app, and the openUserId of the person that the credential works as; empty where it does not say that."""
    return (call.user() or "-\n-\n").rsplit("\n", 2)


@provider.reads(
    Kind.TENANT,
    Verb.WHOAMI,
    f"POST {OBJECTS}",
    source=APP_INFO,
    verified_on=CHECKED,
    note={
        "en": "The answer to the sign-in names the enterprise account (ea; in the older style the corpId); no call names what a "
        "credential may do. Before the first act of an apply each act is asked for once for something that cannot exist: an app "
        "without the right is refused (15003, 20014, 20020). That the right is looked at first is assumed; otherwise the first "
        "act tells. The user of the credential is known only where open_user_id says so.",
        "zh-CN": "换取令牌的应答给出企业账号 ea（旧版传参为 corpId）；没有接口说明凭证有哪些权限。apply 在第一步操作之前，会对不可能存在的对象"
        "各请求一次：没有权限的应用会被拒绝（15003、20014、20020）。这里假定平台先校验权限；否则要到第一次操作时才会得知。"
        "只有填写 open_user_id 时才知道凭证对应的员工。",
    },
)
def whoami(call: Call) -> Identity:
    """Whose app this is, by the answer to its sign-in, and that it works. `may_write` only says that nothing speaks against
    it: the trials of the acting cells tell."""
    probe(call)
    tenant, app, own = who(call)
    rights = ("crm/v2/object/list",)
    return Identity(
        "", tenant, user=own or None, key=app, may_write=True, whole_view=False, rights=rights, attestable=True
    )


@provider.reads(
    Kind.API_KEY,
    Verb.PROBE,
    f"POST {OBJECTS}",
    source=CODES_PAGE,
    verified_on=CHECKED,
    note={
        "en": "20021 (the app is switched off) and 20022 (not authorised) prove that it is dead; so do 20006 and 20015 at the "
        "sign-in.",
        "zh-CN": "返回 20021（应用已停用）或 20022（企业未授权）即证明应用已失效；换取令牌时返回 20006 或 20015 亦同。",
    },
)
def probe(call: Call) -> None:
    """Raises EXPIRED when the app is dead."""
    call.look(OBJECTS, {"includeNull": False}, into=_Objects)

"""How Zoho CRM talks: data centres, tokens, errors in every status, empty answers, and who a credential is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider, Result
from crmstate.core.secret import Secret
from crmstate.core.survey import Identity
from crmstate.core.words import Against, Kind, Outcome, Proof, Verb
from crmstate.providers.kit import Answer, Call, Dialect, Grant, Reply, Request, decoder

T = TypeVar("T")

DOCS = "https://www.zoho.com/crm/developer/docs/api/v8/"
OAUTH = f"{DOCS}oauth-overview.html"
SPEC = "https://github.com/zoho/crm-oas"
"""The vendor's OpenAPI, v8.0: the edition of 2026, and that of 2025 for what only it has."""
SPEC_2025 = f"{SPEC}/tree/45dff2cc9c69403c85b8a3642e7056528dc668d5"
CHECKED = "2026-11-22"
"""When the descriptions were checked; the vendor itself was never asked."""

API = "/crm/v8"
ORG, USERS, MODULES, FIELDS = (f"{API}/{each}" for each in ("org", "users", "settings/modules", "settings/fields"))
TOKEN = "/oauth/v2/token"
RESULT = "GET /crm/bulk/v8/read/*/result"
"""What a bulk read made: ten a minute may be fetched."""
PAGE = 200
IDS = 50
"""Ids in one call: what fits the 1,024 characters that the description allows, at 19 digits each."""

CENTRES = {
    "com": "com",
    "eu": "eu",
    "in": "in",
    "com.au": "com.au",
    "com.cn": "com.cn",
    "jp": "jp",
    "ca": "zohocloud.ca",
    "sa": "sa",
}
"""The data centres: the end of the API's host, and that of the accounts server where one logs in."""

CODES = {
    "INVALID_TOKEN": Code.EXPIRED,
    "AUTHENTICATION_FAILURE": Code.EXPIRED,
    "OAUTH_SCOPE_MISMATCH": Code.DENIED,
    "NO_PERMISSION": Code.DENIED,
    "PERMISSION_DENIED": Code.DENIED,
    "AUTHORIZATION_FAILED": Code.DENIED,  # also "Either trial is expired or …"
    "TOO_MANY_REQUESTS": Code.THROTTLED,
    "RATE_LIMIT_EXCEEDED": Code.THROTTLED,
    "INTERNAL_ERROR": Code.UNAVAILABLE,
    "INTERNAL_SERVER_ERROR": Code.UNAVAILABLE,
    "SERVICE_UNAVAILABLE": Code.UNAVAILABLE,
    "NOT_SUBSCRIBED": Code.MISSING,
    "RESOURCE_NOT_FOUND": Code.MISSING,  # a job, or its result, that is not kept any more
    "RECORD_LOCKED": Code.CONFLICT,
    "RECORD_IN_BLUEPRINT": Code.CONFLICT,
}
"""The vendor's words that say more than no. Every other one is a refusal."""

NOT_THERE = "INVALID_DATA"
"""What a deletion says of an id that is none, or none any more."""


SCHEDULED = "SCHEDULED"
"""What a success says that is none yet: it has become a job."""


class Trouble(msgspec.Struct):
    """A refusal, of a request or of one item in it."""

    code: str
    status: str
    message: str | None = ""
    details: Any = None


class _Head(msgspec.Struct):
    """What tells a refusal from an answer. `error` is how the accounts server says it, with HTTP 200."""

    code: str | None = None
    status: str | None = None
    message: str | None = ""
    error: str | None = None
    error_description: str | None = ""
    details: Any = None


_HEADS = msgspec.json.Decoder(_Head)
_ITEMS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TROUBLES = msgspec.json.Decoder(list[Trouble])
_ONE = msgspec.json.Decoder(Trouble)


def classify(answer: Answer) -> Failure | None:
    """By the vendor's own code, whatever the status. Answers whose refusals stand item by item, with 200, 207 or 400, are
    answers: who asked reads every item's status."""
    status = answer.status
    if status == 204 and not answer.body:
        return None
    try:
        head = _HEADS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if 200 <= status < 300:
            return None  # no JSON, or another shape: the kit says so
        return Failure(_of_status(status), f"status {status}, without a code of the vendor's", vendor=f"http.{status}")
    if head.error is not None:
        return _at_login(head, status)
    if head.code is not None and head.status == "error":
        return Failure(_meaning(head.code, answer), said(head.code, head.message), vendor=_word(head))
    if 200 <= status < 300 or (status == 400 and _itemised(answer.body)):
        return None
    first = (
        next(iter(_itemised(answer.body)), None) or _wrapped(answer.body) or Trouble("", "error", f"status {status}")
    )
    return Failure(_meaning(first.code, answer), said(first.code, first.message), vendor=first.code)


def _word(head: _Head) -> str:
    """The vendor's code, and for a field that it refuses which one."""
    name = head.details.get("api_name") if isinstance(head.details, dict) else None
    return f"{head.code}:{name}" if head.code == "FIELD_NOT_SUPPORTED" else head.code or ""


def said(word: str, message: str | None) -> str:
    """The vendor's code and sentence as one."""
    return f"{word} {message or ''}".strip()


def _of_status(status: int) -> Code:
    return Code.THROTTLED if status == 429 else Code.UNAVAILABLE


def _meaning(word: str, answer: Answer) -> Code:
    """What a caller does next. 429 has no Retry-After: where no credit is left of the last 24 hours, waiting a little
    does not help."""
    if answer.status == 429:
        spent = answer.headers.get("x-api-credits-remaining", "").strip() == "0"
        return Code.EXHAUSTED if spent else Code.THROTTLED
    if answer.status >= 500:
        return Code.UNAVAILABLE
    return CODES.get(word, Code.DENIED if answer.status in {401, 403} else Code.REJECTED)


DEAD = frozenset({"invalid_code", "invalid_client", "invalid_client_secret", "invalid_token", "invalid_grant"})
"""What the accounts server says of a client or a token that it does not take. Other words of its say nothing of the token,
and prove no end of it."""


def _at_login(head: _Head, status: int) -> Failure:
    """The accounts server's refusal of a login. An unknown client or token is what another data centre says of ours."""
    word = head.error or ""
    words = said(word, head.error_description)
    if status >= 500:
        return Failure(Code.UNAVAILABLE, words, vendor=word)
    if status == 429 or "too many" in words.lower():
        return Failure(Code.THROTTLED, words, vendor=word)
    if word not in DEAD:
        return Failure(Code.REJECTED, words, vendor=word)
    why = "the accounts server takes neither client nor token, or is another data centre's than the org's"
    return Failure(Code.EXPIRED, f"{words}: {why} (see `provider.url`)", vendor=word)


def _itemised(body: bytes) -> list[Trouble]:
    """The refusals of a body that holds nothing but a list of results; none where it is anything else."""
    try:
        (found,) = (raw for raw in _ITEMS.decode(body).values() if bytes(raw).startswith(b"["))
        return _TROUBLES.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return []


def _wrapped(body: bytes) -> Trouble | None:
    """The refusal of a body that holds nothing but one result under a name, as those of a backup do."""
    try:
        (found,) = _ITEMS.decode(body).values()
        return _ONE.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None


def refusal(trouble: Trouble) -> Failure:
    """One item's refusal."""
    code = CODES.get(trouble.code, Code.REJECTED)
    return Failure(code, said(trouble.code, trouble.message), vendor=trouble.code)


class Info(msgspec.Struct):
    """What stands below a page."""

    more_records: bool | None = False
    next_page_token: str | None = None


_INFOS = msgspec.json.Decoder(Info)
_LISTS = msgspec.json.Decoder(list[msgspec.Raw])
_TROUBLE = msgspec.json.Decoder(_Head)


def look(call: Call, path: str, params: Mapping[str, str | int | None], name: str) -> tuple[list[msgspec.Raw], Info]:
    """The rows of one page, under their name, and what stands below them; none for an empty answer."""
    return rows_in(call, call.get(path, params, into=Listed), name)


def rows_in(call: Call, found: Any, name: str) -> tuple[list[msgspec.Raw], Info]:
    """The rows of an answer, none of which is a refusal."""
    if found is None:
        return [], Info()
    try:
        rows = _LISTS.decode(found[name])
        info = _INFOS.decode(found["info"]) if "info" in found else Info()
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        why = f"an answer of another shape than documented: {type(error).__name__}"
        raise Failure(Code.REJECTED, why, vendor="kit.malformed") from None
    for raw in rows:
        if b'"error"' in bytes(raw):
            _raise_where_refused(call, bytes(raw))
    return rows, info


Listed: Any = dict[str, msgspec.Raw] | None
"""An answer with a list of rows, or 204 for none."""


def _raise_where_refused(call: Call, raw: bytes) -> None:
    """A row that is none: records have ids, refusals have a code instead."""
    try:
        head, fields = _TROUBLE.decode(raw), _ITEMS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if head.code and head.status == "error" and "id" not in fields:
        raise call.cleaned(refusal(Trouble(head.code, head.status, head.message)))


def converted(into: type[T], raw: msgspec.Raw) -> T:
    """A row in its type. Raises Failure where it is of another shape."""
    try:
        found: T = decoder(into).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, f"{type(error).__name__} in a row", vendor="kit.malformed") from None
    return found


def settle(reply: Reply[Any], name: str, ids: Sequence[str], aim: frozenset[str] = frozenset()) -> list[Result]:
    """One result an id, from the answer's own words for each. `aim`: codes that say that it was so already. Results are
    found by the id that they name; one that names none counts by its place, where there are as many as were asked
    for."""
    try:
        found = _TROUBLES.decode(reply.value[name])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return [unknown(each, "an answer of another shape than documented") for each in ids]
    named = {place: each for each in found if (place := _named(each)) is not None}
    if len(found) == len(ids):
        for id, each in zip(ids, found, strict=True):
            if _named(each) is None:
                named.setdefault(id, each)
    return [_settled(each, named.get(each), aim) for each in ids]


def _named(trouble: Trouble) -> str | None:
    if not isinstance(trouble.details, dict):
        return None
    found = trouble.details.get("id") or trouble.details.get("channel_id")
    return str(found) if found is not None else None


def _settled(id: str, found: Trouble | None, aim: frozenset[str]) -> Result:
    if found is None:
        return unknown(id, "the answer does not name it")
    if found.status == "success" and found.code == SCHEDULED:
        return Result(id, Outcome.REQUESTED)
    if found.status == "success" or found.code in aim:
        return Result(id, Outcome.DONE, summary="" if found.status == "success" else said(found.code, found.message))
    failure = refusal(found)
    code = Code.MISSING if found.code == NOT_THERE else failure.code
    return Result(id, Outcome.FAILED, code.value, failure.summary)


def tried(call: Call, method: str, path: str, name: str, **asked: Any) -> None:
    """The trial of an act, on something that is not there. Raises Failure(DENIED) also where the refusal for want of a
    right stands in the item."""
    reply = call.send(method, path, into=Listed, **asked)
    for result in settle(reply, name, ["trial"]):
        if result.code == Code.DENIED.value:
            raise call.cleaned(Failure(Code.DENIED, result.summary))


def unknown(id: str, why: str) -> Result:
    """What an answer does not tell."""
    return Result(id, Outcome.UNKNOWN, Code.AMBIGUOUS.value, why, proof=Proof.NONE)


def numeric(ids: Sequence[str]) -> list[str]:
    """The ids that can be ids of this vendor's at all."""
    return [each for each in ids if re.fullmatch(r"[0-9]{1,20}", each)]


def accounts(end: str) -> str:
    """The domain of a data centre that is not the API's."""
    place = CENTRES[end]
    return place if place.startswith("zohocloud") else f"zoho.{place}"


def login_at(url: str) -> str:
    """Where one logs in: the accounts server of the data centre; at a host that is not Zoho's, the host itself."""
    host = urlsplit(url).hostname or ""
    end = host.partition(".zohoapis.")[2]
    if end not in CENTRES:
        return url
    return f"https://accounts.{accounts(end)}"


class _Token(msgspec.Struct):
    access_token: str
    api_domain: str | None = None
    expires_in: float = 3600


def _login(call: Call, credential: Mapping[str, Secret]) -> Grant:
    """A new access token. The answer says where the org's API is, whatever was configured."""
    fields = {name: credential[name].reveal() for name in ("client_id", "client_secret", "refresh_token")}
    form = {"grant_type": "refresh_token", **fields}
    found: _Token = call.send("POST", TOKEN, form=form, into=_Token).value
    origin = found.api_domain.rstrip("/") if found.api_domain else None
    return Grant(Secret(found.access_token), origin=origin, lasts=found.expires_in)


def _authorise(request: Request, access: Secret) -> Request:
    return request.with_header("Authorization", f"Zoho-oauthtoken {access.reveal()}")


provider = Provider(
    name="zoho",
    title="Zoho CRM",
    credential=("client_id", "client_secret", "refresh_token", "access_token"),
    env=("ZOHO_",),
    hosts=tuple(f"{kind}.zohoapis.{end}" for end in CENTRES for kind in ("www", "sandbox")),
    address="https://www.zohoapis.eu",
    tenant="the zgid of the org, as `GET /crm/v8/org` names it",
    removal={Kind.USER: Verb.DEACTIVATE},
    limits=Limits(page=PAGE, files_by_row=True, per_window={RESULT: (10, 60.0)}),
    source=SPEC,
    against=Against.DESCRIPTION,
    dialect=Dialect(
        classify=classify,
        authorise=_authorise,
        access="access_token",
        login=_login,
        login_needs=("client_id", "client_secret", "refresh_token"),
        login_requests=(f"POST {TOKEN}",),
        login_at=login_at,
        token_hosts=tuple(f"download-accl.{accounts(end)}" for end in CENTRES),
        renews=lambda failure: failure.vendor in {"INVALID_TOKEN", "AUTHENTICATION_FAILURE"},
        request_id="",
    ),
)


class Licence(msgspec.Struct):
    paid: bool = False
    paid_type: str = ""
    paid_expiry: str | None = None
    trial_type: str | None = None
    trial_expiry: str | None = None
    users_license_purchased: int | None = None


class Org(msgspec.Struct):
    zgid: str
    company_name: str | None = None
    type: str = ""
    primary_zuid: str | None = None
    deletable_org_account: bool | None = None
    license_details: Licence | None = None


def org(call: Call) -> Org:
    """The org that the credential belongs to."""
    rows, _ = look(call, ORG, {}, "org")
    if len(rows) != 1:
        raise Failure(Code.REJECTED, "not one org", vendor="kit.malformed")
    return converted(Org, rows[0])


class _Named(msgspec.Struct):
    name: str = ""


class _Me(msgspec.Struct):
    id: str
    email: str | None = None
    profile: _Named | None = None


@provider.reads(
    Kind.TENANT,
    Verb.WHOAMI,
    f"GET {ORG}",
    f"GET {USERS}",
    source=f"{SPEC} (org, users)",
    verified_on=CHECKED,
    note={
        "en": "The zgid tells which org this is. No call names a token's scopes, and none proves that a user sees every "
        "record: a person attests it. Before the first act of an apply each deletion is asked for once for an id that "
        "nobody has; a token without the scope is refused. That scopes are looked at before ids is assumed.",
        "zh-CN": "以组织的 zgid 作为租户标识。没有接口列出令牌的 scope，也没有接口能证明某用户可以看到全部记录，须由人员书面确认。"
        "apply 在第一步操作之前，会对不存在的 ID 各请求一次删除，缺少 scope 的令牌会被拒绝；这里假定平台先校验 scope 再查找对象。",
    },
)
def whoami(call: Call) -> Identity:
    """The org and the user behind the credential."""
    here = org(call)
    rows, _ = look(call, USERS, {"type": "CurrentUser"}, "users")
    me = converted(_Me, rows[0]) if rows else _Me("")
    licence = here.license_details or Licence()
    rights = [f"profile {me.profile.name}"] if me.profile and me.profile.name else []
    rights += [f"org {here.type}"] if here.type else []
    rights.append(f"edition {licence.paid_type or '?'}")
    if licence.trial_expiry and not licence.paid:
        rights.append(f"trial until {licence.trial_expiry}")
    return Identity(
        use="",
        tenant=here.zgid,
        tenant_name=here.company_name or "",
        user=me.id or None,
        email=me.email or "",
        may_write=True,
        attestable=True,
        rights=tuple(rights),
        keyless=True,
    )


@provider.reads(
    Kind.API_KEY,
    Verb.PROBE,
    f"GET {ORG}",
    source=f"{SPEC} (org); {DOCS}revoke-tokens.html",
    verified_on=CHECKED,
    note={
        "en": "INVALID_TOKEN, and for a refresh token the accounts server's refusal, prove that it is dead.",
        "zh-CN": "返回 INVALID_TOKEN，或账户服务器拒绝刷新令牌，即证明其已失效。",
    },
)
def probe(call: Call) -> None:
    """Raises EXPIRED when the token is dead."""
    org(call)

"""Who a credential of Zoho CRM is, and which org it belongs to."""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.survey import Identity
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call
from crmstate.providers.zoho.addresses import ORG, USERS
from crmstate.providers.zoho.answers import converted, look
from crmstate.providers.zoho.sources import CHECKED, DOCS, SPEC
from crmstate.providers.zoho.vendor import provider


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

"""Zoho's users: listing them, and keeping them out. A licence is not a user: ending people frees licences, and ends none.

Users of Zoho One and CRM Plus are managed in those consoles, and Zoho refuses them here. The primary contact, and the
user whose token this is, are left to a person: nobody can end them by API.
"""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import Resource, UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources, Sheet, by_number, listing_of
from crmstate.providers.kit.text import segment
from crmstate.providers.zoho.addresses import ORG, USERS
from crmstate.providers.zoho.answers import Listed, converted, look, rows_in, settle, tried, unknown
from crmstate.providers.zoho.identity import org
from crmstate.providers.zoho.limits import PAGE
from crmstate.providers.zoho.sources import CHECKED, SPEC
from crmstate.providers.zoho.vendor import provider

COUNT = f"{USERS}/actions/count"
TRANSFERS = f"{USERS}/actions/transfer_and_delete"
EVERYBODY = "AllUsers"
NOBODY = "1"
"""An id that no user has: Zoho's have 15 to 19 digits."""

OFF_ALREADY = frozenset({"ID_ALREADY_DEACTIVATED", "ID_ALREADY_DELETED"})
ON_ALREADY = frozenset({"ID_ALREADY_ACTIVE"})
LOOKS = 12
"""How often the job of a transfer is asked for, each time a little later, ten minutes in all."""
DAY = 86_400.0
"""Seconds for which a job that is not through by then is left alone: another one for the same user is not asked for."""

_PHASES = {"active": Phase.PRESENT, "disabled": Phase.INACTIVE, "inactive": Phase.INACTIVE, "deleted": Phase.ABSENT}


class _Named(msgspec.Struct):
    name: str = ""


class _User(msgspec.Struct):
    id: str
    status: str
    zuid: str | None = None
    email: str | None = None
    full_name: str | None = None
    profile: _Named | None = None


class _Count(msgspec.Struct):
    count: int | str


def total(call: Call) -> int | None:
    """How many users there are; None where Zoho refuses to count them. The editions disagree whether that is a number or
    its text."""
    try:
        found = str(call.get(COUNT, {"type": EVERYBODY}, into=_Count).count)
    except Failure as failure:
        if failure.code in {Code.DENIED, Code.REJECTED} and failure.vendor != "kit.malformed":
            return None
        raise
    if not found.isdecimal():
        raise Failure(Code.REJECTED, "a count that is no number", vendor="kit.malformed")
    return int(found)


@provider.reads(
    Kind.USER,
    Verb.LIST,
    f"GET {USERS}",
    f"GET {COUNT}",
    f"GET {ORG}",
    source=f"{SPEC} (users)",
    verified_on=CHECKED,
    note={
        "en": "Active and deactivated users; deleted ones are gone. Portal users are none of these: "
        "their portal is among the integrations, and goes as a whole. The primary contact is marked: the API refuses to end it.",
        "zh-CN": "包含启用和停用的用户，不含已删除的用户。门户（portal）用户不在其中："
        "门户列在集成中，整体删除。主要联系人会被标出：API 拒绝停用或删除。",
    },
)
def users(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Everybody, page by page: pages have numbers alone, so that more than one of them is read until it stands still."""
    size = min(PAGE, call.page)

    def ask(number: int) -> Sheet[_User]:
        rows, info = look(call, USERS, {"type": EVERYBODY, "page": number, "per_page": size}, "users")
        return Sheet([converted(_User, raw) for raw in rows], bool(info.more_records))

    found, whole = by_number(ask, lambda user: user.id, size, lambda: total(call))
    primary = org(call).primary_zuid
    return listing_of(Kind.USER, [_resource(user, primary) for user in found], whole)


def _resource(user: _User, primary: str | None) -> Resource:
    if not user.id:
        raise Failure(Code.REJECTED, "a user without an id", vendor="kit.malformed")
    role = user.profile.name if user.profile else ""
    facts = UserFacts(user.email or "", role, protected=primary is not None and user.zuid == primary)
    phase = _PHASES.get(user.status, Phase.UNKNOWN)
    return Resource(Kind.USER, user.id, user.full_name or user.email or "", phase, facts)


def may_deactivate(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the deactivation, for a user whom nobody has."""
    tried(call, "PUT", f"{USERS}/{NOBODY}", "users", json={"users": [{"status": "inactive"}]})


@provider.acts(
    Kind.USER,
    Verb.DEACTIVATE,
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    trial=may_deactivate,
    requests=(f"PUT {USERS}/*",),
    attributes=frozenset({"not_self"}),
    source=f"{SPEC} (users: updateSingleUser)",
    verified_on=CHECKED,
    note={
        "en": "Written as `inactive`, read back as `disabled`; already so counts as done. The licence stays, and is paid for. "
        "Deactivating is assumed to stop the user's tokens too. Not for the logged-in user, the primary contact, support and "
        "system users, or users of Zoho One and CRM Plus.",
        "zh-CN": "写入值为 inactive，读回值为 disabled；已停用视为完成。许可证不会随之取消，仍会计费。停用会使该用户的令牌失效，"
        "这一点尚未证实。当前登录用户、主要联系人、支持和系统用户，以及 Zoho One、CRM Plus 的用户不能这样停用。",
    },
)
def deactivate(call: Call, batch: Batch) -> list[Result]:
    """Switches a user off."""
    id = batch.items[0].id
    return _one(call, "PUT", id, {"users": [{"status": "inactive"}]}, OFF_ALREADY)


def may_activate(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the activation, for a user whom nobody has."""
    tried(call, "PUT", f"{USERS}/{NOBODY}", "users", json={"users": [{"status": "active"}]})


@provider.acts(
    Kind.USER,
    Verb.RESUME,
    undo=Undo.FREE,
    after=Phase.PRESENT,
    trial=may_activate,
    requests=(f"PUT {USERS}/*",),
    source=f"{SPEC} (users: updateSingleUser)",
    verified_on=CHECKED,
    note={
        "en": "Takes a licence; without a free one it is refused (LICENSE_LIMIT_EXCEEDED). Deleted users do not come back.",
        "zh-CN": "会占用一个许可证；没有空闲许可证时被拒绝（LICENSE_LIMIT_EXCEEDED）。已删除的用户无法恢复。",
    },
)
def activate(call: Call, batch: Batch) -> list[Result]:
    """Lets a user in again."""
    return _one(call, "PUT", batch.items[0].id, {"users": [{"status": "active"}]}, ON_ALREADY)


def may_delete(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the deletion, of a user whom nobody has."""
    tried(call, "DELETE", f"{USERS}/{NOBODY}", "users")


@provider.acts(
    Kind.USER,
    Verb.DELETE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    trial=may_delete,
    requests=(f"DELETE {USERS}/*", f"POST {USERS}/*/actions/transfer_and_delete", f"GET {TRANSFERS}"),
    attributes=frozenset({"not_self"}),
    source=f"{SPEC} (users: deleteUser, transfer_and_delete)",
    verified_on=CHECKED,
    note={
        "en": "Some orgs may delete only ten users (403): deactivating is the way that always works. Records stay the deleted "
        "user's unless they are transferred; subordinates go to the same new owner. Licences are not cancelled by it.",
        "zh-CN": "部分组织最多只能删除十个用户（403），停用才是始终可行的方式。未转移的记录仍归已删除用户所有；转移时其下属也归新负责人。"
        "删除用户不会取消许可证。",
    },
)
def delete(call: Call, batch: Batch) -> list[Result]:
    """Deletes a user; with `transfer_to`, what is theirs goes to another one first, in a job that takes its time."""
    item = batch.items[0]
    if item.args.transfer_to:
        return [_transferred(call, item.id, item.args.transfer_to)]
    return _one(call, "DELETE", item.id, None, OFF_ALREADY)


def _one(call: Call, method: str, id: str, body: object, aim: frozenset[str]) -> list[Result]:
    path = f"{USERS}/{segment(id)}"
    try:
        reply = call.send(method, path, json=body, into=Listed)
    except Failure as failure:
        if failure.vendor not in aim:
            raise
        return [Result(id, Outcome.DONE, summary=failure.summary)]
    return settle(reply, "users", [id], aim)


class _Job(msgspec.Struct):
    job_id: str | None = None


class _Started(msgspec.Struct):
    status: str
    details: _Job | None = None


class _State(msgspec.Struct):
    status: str


def _transferred(call: Call, id: str, heir: str) -> Result:
    """A job of transfer and deletion, waited for. What is not through by then is requested: the listing of users will
    show it."""
    path = f"{USERS}/{segment(id)}/actions/transfer_and_delete"
    transfer = {"id": heir, "records": True, "assignment": True, "criteria": True}
    wanted = {"transfer_and_delete": [{"transfer": transfer, "move_subordinate": {"id": heir}}]}
    reply = call.send("POST", path, json=wanted, into=Listed)
    (result,) = settle(reply, "transfer_and_delete", [id], OFF_ALREADY)
    if result.outcome is not Outcome.DONE:
        return result
    started = converted(list[_Started], reply.value["transfer_and_delete"])
    job = started[0].details.job_id if started and started[0].details else None
    if job is None:
        return unknown(id, "accepted, without naming its job")
    for attempt in range(LOOKS):
        try:
            rows, _ = rows_in(call, call.get(TRANSFERS, {"job_id": job}, into=Listed), "transfer_and_delete")
            state = converted(_State, rows[0]).status if rows else ""
        except Failure as failure:  # of a look: the job runs all the same, and is not to be asked for again
            return Result(
                id, Outcome.REQUESTED, summary=failure.summary, until=call.later(DAY), request_id=job, hidden=True
            )
        if state == "completed":
            return Result(id, Outcome.DONE, request_id=job)
        if state == "failed":
            return Result(id, Outcome.FAILED, Code.REJECTED.value, "the transfer failed", request_id=job)
        call.pause(min(60.0, 2.0 * 2**attempt))
    return Result(id, Outcome.REQUESTED, until=call.later(DAY), request_id=job, hidden=True)

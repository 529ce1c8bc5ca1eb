"""Webhooks and workflow rules of the automation, and the caller's own notification channels.

They are the World's integrations of the types `webhook`, `workflow` and `channel`. The trait `uses` says which webhooks a
workflow uses (`{workflow: [webhooks]}`): those stay until it is gone. The trait `channels` says whose a channel is
(`{channel: user}`); one that it does not name is the owner's. OAuth apps are listed nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ... import acts, times
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, ids, layout, pages, records

MOST = 10
COLUMNS = "id, name, target, status, last_used_at"
USED = "This webhook is associated with at least one of Approval Process/Workflow Rules/Blueprint"
INVALID = "The ID given is invalid"
FOR_DAYS = timedelta(days=1)


def webhook_list(call: Call) -> Reply:
    return _list(call, "webhook", "webhooks", _webhook)


def workflow_list(call: Call) -> Reply:
    return _list(call, "workflow", "workflow_rules", _workflow)


def _list(call: Call, type: str, name: str, shape: Callable[[World, tuple[Any, ...]], dict[str, Any]]) -> Reply:
    _administers(call)
    window = pages.Window(call, pages.parameters(call))
    sql = f"SELECT {COLUMNS} FROM integrations WHERE type = ? AND deleted_at IS NULL ORDER BY id"
    shown, info = pages.paged(call, name, call.world.all(sql, type), window)
    found = [shape(call.world, row) for row in shown]
    pages.shift(call, "integration", None, window.page == 1, [row[0] for row in shown])
    return pages.listing(call, name, found, info)


def webhook_delete_many(call: Call) -> Reply:
    return _delete_many(call, "webhook", "webhooks")


def workflow_delete_many(call: Call) -> Reply:
    return _delete_many(call, "workflow", "workflow_rules")


def _delete_many(call: Call, type: str, name: str) -> Reply:
    _administers(call)
    text = pages.parameters(call).get("ids")
    if not text:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="ids")
    numbers = [each for each in text.split(",") if each]
    if len(numbers) > MOST:
        limit = {"limit" if type == "webhook" else "maximum_length": MOST}
        raise errors.refusal("INVALID_DATA", "Bulk deletion of records limit reached", **limit, param_name="ids")
    found = []
    for n, number in enumerate(numbers, 1):
        try:
            found.append(_delete(call, type, number, n))
        except Refused as refused:
            found.append(errors.item(refused.code, refused.message, id=number))
    return errors.json({name: found}, records.partly(found, none=200 if type == "webhook" else 400))


def webhook_delete(call: Call, number: str) -> Reply:
    _administers(call)
    try:
        return errors.json({"webhooks": [_delete(call, "webhook", number, 1)]})
    except Refused as refused:
        if refused.code != "INVALID_DATA":
            raise errors.refusal(refused.code, refused.message, resource_path_index=0) from refused
        return errors.inside(
            "webhooks", errors.refusal("INVALID_DATA", INVALID, api_name="id", json_path="$.webhooks[0].id")
        )


def workflow_delete(call: Call, number: str) -> Reply:
    _administers(call)
    try:
        return errors.json({"workflow_rules": [_delete(call, "workflow", number, 1)]})
    except Refused as refused:
        raise errors.refusal(refused.code, errors.INVALID_ID, resource_path_index=0) from refused


def _delete(call: Call, type: str, number: str, n: int) -> dict[str, Any]:
    id = _read(call.world, number)
    call.ids = [*(call.ids or []), id or number]
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        raise errors.refusal(*errors.ITEMS[partial["code"]])
    row = call.world.one("SELECT type FROM integrations WHERE id = ? AND deleted_at IS NULL", id)
    if row is None or row[0] != type:
        raise errors.refusal("INVALID_DATA", INVALID)
    if type == "webhook" and _users(call.world, str(id)):
        raise errors.refusal("NOT_ALLOWED", USED)
    acts.perform(call.world, pages.caller(call), "integration", "delete", str(id), {})
    message = "Webhook deleted successfully" if type == "webhook" else "WorkFlow Rule deleted successfully"
    return errors.done(message, id=number)


def _users(world: World, webhook: str) -> list[str]:
    """The workflows that are there and use a webhook."""
    uses: dict[str, list[str]] = world.traits.get("uses", {})
    there = {id for (id,) in world.all("SELECT id FROM integrations WHERE type = 'workflow' AND deleted_at IS NULL")}
    return [workflow for workflow, used in uses.items() if webhook in used and workflow in there]


def _administers(call: Call) -> None:
    if pages.caller(call).role == "member":
        raise errors.refusal("NO_PERMISSION", permissions=["Crm_Implied_Manage_Automation"])


def _read(world: World, number: str) -> str | None:
    others = [id for (id,) in world.all("SELECT id FROM integrations")] if ids.is_other(number) else ()
    return ids.read(number, others)


# Notification channels


def channel_list(call: Call) -> Reply:
    window = pages.Window(call, pages.parameters(call))
    shown, info = pages.paged(call, "watch", _channels(call), window)
    return pages.listing(call, "watch", [_channel(call.world, row) for row in shown], info)


def channel_delete(call: Call) -> Reply:
    text = pages.parameters(call).get("channel_ids")
    if not text:
        raise errors.refusal("EXPECTED_PARAM_MISSING", "the expected param is missing", api_name="channel_ids")
    own, found = {ids.written(row[0]): row for row in _channels(call)}, []
    for n, number in enumerate([each for each in text.split(",") if each], 1):
        partial = call.fired.get("partial")
        if partial and n % partial["item"] == 0:
            found.append(errors.item(*errors.ITEMS[partial["code"]]))
        elif number not in own:
            found.append(errors.item("NOT_SUBSCRIBED", "Not subscribed for actions-watch", api_name="channel_id"))
        else:
            id = own[number][0]
            call.ids = [*(call.ids or []), id]
            acts.perform(call.world, None, "integration", "delete", id, {})
            shown = _channel(call.world, own[number])
            details = {name: shown[name] for name in ("resource_uri", "resource_id", "channel_id")}
            found.append(errors.done("Successfully removed the subscribe details", **details))
    return errors.json({"watch": found}, records.partly(found, none=400))


def _channels(call: Call) -> list[tuple[Any, ...]]:
    """The caller's own, and no other's."""
    world, me = call.world, pages.caller(call).user_id
    owners: dict[str, str] = world.traits.get("channels", {})
    boss = world.one("SELECT id FROM users WHERE role = 'owner' ORDER BY id LIMIT 1")
    rows = world.all(f"SELECT {COLUMNS} FROM integrations WHERE type = 'channel' AND deleted_at IS NULL ORDER BY id")
    return [row for row in rows if owners.get(row[0], boss[0] if boss else None) == me]


# Shapes


def _home(world: World) -> dict[str, str]:
    """The module that automation belongs to: the first."""
    found = layout.modules(world)
    return (
        {"api_name": found[0].name, "id": ids.written(found[0].dataset)} if found else {"api_name": "Leads", "id": "1"}
    )


def _webhook(world: World, row: tuple[Any, ...]) -> dict[str, Any]:
    id, name, target, status, _ = row
    boss, made = pages.person(world, None), pages.moment(world.now)
    return {
        "id": ids.written(id),
        "name": name[:255],
        "url": (target or "")[:255],
        "http_method": "POST",
        "feature_type": "workflow",
        "module": _home(world),
        "related_module": None,
        "description": None,
        "source": "crm",
        "associated": bool(_users(world, id)),
        "editable": True,
        "deletable": not _users(world, id),
        "lock_status": {"locked": status != "active"},
        "created_by": boss,
        "modified_by": boss,
        "created_time": made,
        "modified_time": made,
    }


def _workflow(world: World, row: tuple[Any, ...]) -> dict[str, Any]:
    id, name, _, status, used = row
    boss, made = pages.person(world, None), pages.moment(world.now)
    hooks = [
        {"id": ids.written(hook), "name": hook, "type": "webhooks", "related_details": None}
        for hook in world.traits.get("uses", {}).get(id, [])
    ]
    condition = {
        "id": ids.written(f"{id}/1"),
        "sequence_number": 1,
        "instant_actions": {"actions": hooks},
        "scheduled_actions": None,
        "criteria_details": {"criteria": None},
    }
    return {
        "id": ids.written(id),
        "name": name[:255],
        "module": _home(world),
        "description": None,
        "source": "crm",
        "category": "workflow",
        "status": {"active": status == "active"},
        "editable": True,
        "deletable": True,
        "lock": {"locked_by": None, "message": None, "status": False},
        "execute_when": {"type": "create", "details": {"trigger_module": _home(world)}},
        "conditions": [condition],
        "created_by": boss,
        "modified_by": boss,
        "created_time": made,
        "modified_time": made,
        "last_executed_time": pages.moment(used) if used else None,
    }


def _channel(world: World, row: tuple[Any, ...]) -> dict[str, Any]:
    id, _, target, _, _ = row
    home = _home(world)
    return {
        "channel_id": ids.written(id),
        "notify_url": (target or "")[:255],
        "events": [f"{home['api_name']}.all"],
        "token": None,
        "fields": None,
        "notification_condition": None,
        "notify_on_related_action": False,
        "return_affected_field_values": False,
        "resource_name": home["api_name"],
        "resource_id": home["id"],
        "resource_uri": f"https://www.zohoapis.com/crm/v8/{home['api_name']}",
        "channel_expiry": pages.moment(times.later(world.now, FOR_DAYS)),
    }

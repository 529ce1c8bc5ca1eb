"""Figures of usage and the log of what was done, as far as the vendor's manual gives their shape.

Figures are of yesterday at the latest and of 180 days back; the World keeps no history, so every day has today's. They
are all zero where nobody ever opened them (trait `usage_closed`). The log has no entry that could be shown: the manual
does not say what one looks like.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ... import times
from ...exchange import Call
from ...world import World
from . import body, errors, ids
from .apps import App, every_app, forms_of, moment

DAYS = 180
METRICS = (
    "app", "form_coop", "form_workflow", "dash", "etl", "aggregate", "public_link", "data_trigger", "automation", "bpa",
    "data",
)  # fmt: skip


def overview(call: Call) -> dict[str, Any]:
    date = body.text(call.body, "date")
    try:
        wanted = times.day(date)
    except ValueError as error:
        raise errors.refusal(errors.BAD_PARAMETERS) from error
    today = times.moment(call.world.now).date()
    if not today - timedelta(days=DAYS) <= wanted < today:
        raise errors.refusal(errors.BAD_PARAMETERS)
    found = every_app(call.world)
    return {"date": date, "metrics": _metrics(call.world, found)}


def app_metrics(call: Call) -> dict[str, Any]:
    skip, limit = body.window(call.body)
    named = body.texts(call.body, "app_ids") if "app_ids" in call.body else None
    if named is not None and len(named) > 10:
        raise errors.refusal(errors.BAD_PARAMETERS)
    found = [app for app in every_app(call.world) if named is None or ids.written(app.id) in named]
    made = moment(call.world.now)
    items = [
        {
            "app_id": ids.written(app.id),
            "app_name": app.name,
            "creator": "",
            "created_at": made,
            "last_edit_at": made,
            "last_visit_at": made,
            "metrics": _metrics(call.world, [app]),
        }
        for app in found[skip : skip + limit]
    ]
    return {"items": items, "has_next": len(found) > skip + limit}


def audit_log(call: Call) -> dict[str, Any]:
    body.text(call.body, "domain")
    if not isinstance(call.body.get("time_range"), dict):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return {"has_more": False, "cursor": "", "items": []}


def _metrics(world: World, apps: list[App]) -> dict[str, int]:
    if world.traits.get("usage_closed"):
        return dict.fromkeys(METRICS, 0)
    forms = [form for app in apps for form in forms_of(world, app)]
    rows = dict(world.all("SELECT id, live FROM datasets"))
    return {
        **dict.fromkeys(METRICS, 0),
        "app": len(apps),
        "form_coop": len(forms),
        "data": sum(rows[form] for form in forms),
    }

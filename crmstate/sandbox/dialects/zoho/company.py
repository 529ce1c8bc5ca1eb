"""The org, its edition and licences, roles and profiles. The vendor has no call to cancel anything: a person moves the
account to the free edition, at once (the World's downgrade).
"""

from __future__ import annotations

from typing import Any

from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import errors, ids, pages, people

_SHORT = 12
EDITIONS = ("free", "standard", "professional", "enterprise", "ultimate")


def edition(world: World) -> str:
    """What is paid for: the plan while it runs, and free once it ended or was cancelled."""
    subscription = world.get("subscription")
    if subscription["status"] in ("free", "cancelled"):
        return "free"
    plan = world.traits.get("edition", subscription["plan"])
    return plan if plan in EDITIONS else "enterprise"


def zgid(world: World) -> str:
    """The org's number: the tenant's id where that is one."""
    id = world.tenant["id"]
    if id.isascii() and id.isdigit() and len(id) <= _SHORT:
        return id
    return str(600_000_000 + ids.digits(f"org {id}", 100_000_000))


def org_id(world: World) -> str:
    """The org's other, longer number."""
    id = world.tenant["id"]
    return id if id.isascii() and id.isdigit() and _SHORT < len(id) <= 19 else ids.written(id)


def org(call: Call) -> Reply:
    world = call.world
    subscription, found = world.get("subscription"), edition(world)
    owner = world.one("SELECT id, email FROM users WHERE role = 'owner' ORDER BY id LIMIT 1")
    others = world.one("SELECT count(*) FROM users WHERE role <> 'owner' AND deleted_at IS NULL AND status = 'active'")[
        0
    ]
    free, trial = found == "free", world.traits.get("trial")
    row: dict[str, Any] = {
        **dict.fromkeys(("alias", "city", "description", "fax", "mobile", "photo_id", "state", "street", "zip")),
        **dict.fromkeys(("zia_portal_id", "employee_count", "website", "phone")),
        "id": org_id(world),
        "zgid": zgid(world),
        "company_name": world.tenant["name"],
        "domain_name": f"org{zgid(world)}",
        "type": "production",
        "country": "Germany",
        "country_code": "DE",
        "currency": "US Dollar - USD",
        "currency_locale": "en_US",
        "currency_symbol": "$",
        "iso_code": "USD",
        "time_zone": "Europe/Berlin",
        "created_time": pages.moment(f"{subscription['term']['start']}T00:00:00Z"),
        "primary_email": owner[1] if owner else None,
        "primary_zuid": people.zuid(owner[0]) if owner else None,
        "deletable_org_account": free and not others,
        "license_details": {
            "paid": not free and trial is None,
            "paid_type": found,
            "paid_expiry": None if free or trial else pages.moment(f"{subscription['term']['end']}T00:00:00Z"),
            "trial_type": found if trial else None,
            "trial_expiry": trial,
            "users_license_purchased": subscription["seats"],
            "portal_users_license_purchased": 0,
        },
        "hierarchy_preferences": {"type": "Role_Hierarchy", "strictly_reporting": False},
        "privacy_settings": False,
        "gapps_enabled": False,
        "hipaa_compliance_enabled": False,
        "lite_users_enabled": False,
        "mc_status": False,
        "translation_enabled": False,
    }
    return errors.json({"org": [row]})


def user_licenses(call: Call) -> Reply:
    seats, used = call.world.get("subscription")["seats"], people.seats_used(call.world)

    def both(number: int) -> dict[str, int]:
        return {"total": number, "edition_limit": number}

    details = {"limits": both(seats), "used_count": both(used), "available_count": both(max(0, seats - used))}
    row = {
        "api_name": "user_licenses",
        "feature_label": "User Licenses",
        "module_supported": False,
        "parent_feature": None,
        "details": details,
        "components": [],
    }
    info = {"per_page": 200, "count": 1, "page": 1, "more_records": False}
    return errors.json({"__features": [row], "info": info})


def roles(call: Call) -> Reply:
    boss, rows = pages.person(call.world, None), []
    made = pages.moment(f"{call.world.get('subscription')['term']['start']}T00:00:00Z")
    top = people.ROLES["admin"]
    for name, id in people.ROLES.values():
        above = None if name == top[0] else {"name": top[0], "id": ids.written(top[1])}
        rows.append(
            {
                "id": ids.written(id),
                "name": name,
                "display_label": name,
                "api_name": name,
                "description": None,
                "share_with_peers": name == top[0],
                "reporting_to": above,
                "forecast_manager": None,
                "created_by__s": boss,
                "modified_by__s": boss,
                "created_time__s": made,
                "modified_time__s": made,
            }
        )
    return errors.json({"roles": rows})


def profiles(call: Call) -> Reply:
    made = pages.moment(f"{call.world.get('subscription')['term']['start']}T00:00:00Z")
    boss = pages.person(call.world, None)
    rows = [
        {
            "id": ids.written(id),
            "name": name,
            "display_label": name,
            "api_name": name,
            "description": "",
            "custom": False,
            "type": "normal_profile",
            "created_by": boss,
            "modified_by": boss,
            "created_time": made,
            "modified_time": made,
        }
        for name, id in people.PROFILES.values()
    ]
    return errors.json({"profiles": rows})

"""What the server is made of: its models with how many rows each table has, which rows its modules brought along, rules,
parameters, modules, groups and the company; and what runs by itself.

A webhook is an automation with a server action that posts (`webhook_url`), or is triggered by one (`webhook_uuid`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import errors, groups, numbers, people
from .domains import Row, Span
from .models import COMPANY, ROOT, SYSTEM, Env, Field, Model, moment, with_magic

INCOMING = "webhook_in"
"""The World's type of an integration that is called from outside."""
INSTALLED = {
    1: ("base", "Base"),
    2: ("web", "Web"),
    3: ("mail", "Discuss"),
    4: ("contacts", "Contacts"),
    5: ("crm", "CRM"),
    6: ("base_automation", "Automation Rules"),
    7: ("api_doc", "API Documentation"),
}
PARAMETERS = {1: "database.uuid", 2: "database.create_date", 3: "web.base.url"}
RULES = {
    23: ("Public users can't interact with keys at all", "api_key_public", "[(0, '=', 1)]", (3,)),
    24: ("Users can read and delete their own keys", "api_key_user", "[('user_id', '=', user.id)]", (2, 1)),
    25: ("Administrators can view user keys to revoke them", "api_key_admin", "[(1, '=', 1)]", (4,)),
}
"""Rules over API keys, which are all that is here: name, external id, domain, groups."""


def _listed(rows: Callable[[Env], Iterator[Row]]) -> Callable[[Env, Span], Iterator[Row]]:
    """Rows that are few, by number. Where one is asked for, which happens for each row that names another, all are looked up
    once a call."""

    def found(env: Env, span: Span) -> Iterator[Row]:
        if span.only is not None and len(span.only) == 1:
            known = env.memo.get(rows)
            if known is None:
                known = env.memo[rows] = {int(row["id"]): row for row in rows(env)}
            some = [known[number] for number in span.only if number in known]
        else:
            some = sorted(rows(env), key=lambda row: int(row["id"]))
        for row in some:
            if people.within(span, row["id"]):
                yield {"create_uid": ROOT, "write_uid": ROOT, **row}

    return found


def _sized(rows: Callable[[Env], Iterator[Row]]) -> Callable[[Env], int]:
    return lambda env: sum(1 for _ in rows(env))


def _small(
    name: str, label: str, fields: Mapping[str, Field], rows: Callable[[Env], Iterator[Row]], **more: Any
) -> Model:
    return Model(name, label, with_magic(fields), _listed(rows), _sized(rows), **more)


# Parameters, groups, the company, rules


def _parameters(env: Env) -> Iterator[Row]:
    for number, key in PARAMETERS.items():
        yield {"id": number, "key": key, "value": _parameter(env, key)}
    if code := env.world.traits.get("enterprise_code"):
        yield {"id": len(PARAMETERS) + 1, "key": "database.enterprise_code", "value": code}


def _parameter(env: Env, key: str) -> str:
    host = env.call.request.headers.get("host", "localhost")
    return {
        "database.uuid": env.world.tenant["id"],
        "database.create_date": "2024-02-01 08:00:00",
        "web.base.url": f"http://{host}",
    }[key]


def _get_param(env: Env, rows: list[Row], given: Mapping[str, Any]) -> Any:
    env.check("read", env.model("ir.config_parameter"))
    found = {row["key"]: row["value"] for row in _parameters(env)}
    return found.get(given.get("key"), given.get("default", False))


def _groups(env: Env) -> Iterator[Row]:
    for number, (_, _, name) in groups.NAMES.items():
        yield {"id": number, "name": name, "full_name": name, "share": name in ("Role / Portal", "Role / Public")}


def _companies(env: Env) -> Iterator[Row]:
    yield {"id": COMPANY, "name": env.world.tenant["name"], "partner_id": 1, "active": True}


def _keep_the_company(env: Env, rows: list[Row], given: Mapping[str, Any]) -> None:
    raise errors.refusal("ValidationError", errors.IN_USE)


def _rules(env: Env) -> Iterator[Row]:
    keys = numbers.take(env.world, "ir.model", numbers.KEYS)
    for number, (name, _, domain, given) in RULES.items():
        yield {
            "id": number, "name": name, "model_id": keys, "domain_force": domain, "groups": list(given), "active": True,
            "global": False, "perm_read": True, "perm_write": True, "perm_create": True, "perm_unlink": True,
        }  # fmt: skip


# What modules brought along


def _brought(env: Env) -> Iterator[Row]:
    """External ids: the server's own users, contacts, groups, rules, company and modules."""
    found = [
        ("base", name, "res.users", number)
        for number, (_, _, name, _) in people.THE_SERVERS.items()
        if numbers.key(env.world, numbers.USERS, number) is None  # an adopted database may have somebody there
    ]
    found += [("base", "user_admin", "res.users", numbers.ADMIN), ("base", "main_company", "res.company", COMPANY)]
    found += [("base", "main_partner", "res.partner", 1), ("base", "partner_root", "res.partner", 2)]
    found += [("base", "partner_admin", "res.partner", numbers.ADMINS_PARTNER)]
    found += [(module, name, "res.groups", number) for number, (module, name, _) in groups.NAMES.items()]
    found += [("base", name, "ir.rule", number) for number, (_, name, _, _) in RULES.items()]
    found += [
        ("base", f"module_{name}", "ir.module.module", number) for number, (name, _) in reversed(INSTALLED.items())
    ]
    for number, (module, name, model, row) in enumerate(found, 1):
        yield {
            "id": number, "module": module, "name": name, "model": model, "res_id": row,
            "complete_name": f"{module}.{name}", "noupdate": True,
        }  # fmt: skip


# Modules


def _modules(env: Env) -> Iterator[Row]:
    for number, (name, label) in INSTALLED.items():
        if numbers.key(env.world, numbers.MODULES, number) is None:
            yield {
                "id": number,
                "key": None,
                "name": name,
                "shortdesc": label,
                "state": "installed",
                "application": number > 2,
            }
    sql = "SELECT n.number, m.id, m.name, m.status FROM modules m JOIN odoo_numbers n ON n.model = ? AND n.key = m.id"
    for number, id, name, status in env.world.all(sql, numbers.MODULES):
        state = "installed" if status == "enabled" else "uninstalled"
        yield {"id": number, "key": id, "name": name, "shortdesc": name, "state": state, "application": True}


# What runs by itself

_INTEGRATIONS = (
    "SELECT n.number, i.id, i.type, i.name, i.target, i.status, i.last_used_at, a.number FROM integrations i "
    "JOIN odoo_numbers n ON n.model = ? AND n.key = i.id JOIN odoo_numbers a ON a.model = ? AND a.key = i.id "
    "WHERE i.deleted_at IS NULL AND i.type <> 'oauth_app'"
)


def _automations(env: Env) -> Iterator[Row]:
    partner = numbers.take(env.world, "ir.model", numbers.PARTNERS)
    for number, id, type, name, _, status, used, action in env.world.all(_INTEGRATIONS, numbers.RULES, numbers.ACTIONS):
        incoming = type == INCOMING
        secret = str(uuid.UUID(env.world.secret("webhook", id)[:32]))
        yield {
            "id": number, "key": id, "name": name, "active": status == "active", "model_id": partner,
            "model_name": numbers.PARTNERS, "trigger": "on_webhook" if incoming else "on_create_or_write",
            "webhook_uuid": secret, "url": f"{_parameter(env, 'web.base.url')}/web/hook/{secret}" if incoming else "",
            "action_server_ids": [] if incoming else [action], "last_run": moment(used), "create_uid": numbers.ADMIN,
        }  # fmt: skip


def _actions(env: Env) -> Iterator[Row]:
    if numbers.key(env.world, numbers.ACTIONS, 1) is None:
        cron = {"name": "Base: portal users deletion", "state": "code", "usage": "ir_cron", "model_id": 1}
        yield {"id": 1, "key": None, **cron}
    partner = numbers.take(env.world, "ir.model", numbers.PARTNERS)
    for number, id, type, name, target, _, _, action in env.world.all(_INTEGRATIONS, numbers.RULES, numbers.ACTIONS):
        if type == INCOMING:
            continue
        hook = type == "webhook"
        yield {
            "id": action, "key": id, "name": name, "state": "webhook" if hook else "code", "usage": "base_automation",
            "webhook_url": target if hook else False, "base_automation_id": number, "model_id": partner,
            "create_uid": numbers.ADMIN,
        }  # fmt: skip


def _switch(env: Env, rows: list[Row], vals: Mapping[str, Any]) -> None:
    if strange := sorted(vals.keys() - {"active"}):
        raise errors.refusal("UserError", f"Writing {strange[0]} is not simulated.")
    for row in rows if "active" in vals else ():
        on = bool(vals["active"])
        if row["active"] != on:
            env.world.run("UPDATE integrations SET status = ? WHERE id = ?", "active" if on else "disabled", row["key"])
            env.world.effect("enable" if on else "disable", "integration", row["key"])


def _unlink_automations(env: Env, rows: list[Row], given: Mapping[str, Any]) -> None:
    """With their server actions."""
    for row in rows:
        env.world.run("UPDATE integrations SET deleted_at = ? WHERE id = ?", env.world.now, row["key"])
        env.world.effect("delete", "integration", row["key"], irreversible=True)


# The models themselves


_MODEL_REF = Field("many2one", "Model", "ir.model")
_MADE = (
    _small(
        "ir.config_parameter",
        "System Parameter",
        {"key": Field("char", "Key", required=True), "value": Field("text", "Value", required=True)},
        _parameters,
        may={"read": SYSTEM},
        methods={"get_param": (_get_param, frozenset({"key", "default"}))},
    ),
    _small(
        "res.groups",
        "Access Groups",
        {
            "name": Field("char", "Name", required=True),
            "full_name": Field("char", "Group Name", store=False),
            "share": Field("boolean", "Share Group"),
        },
        _groups,
    ),
    _small(
        "res.company",
        "Companies",
        {
            "name": Field("char", "Company Name", required=True),
            "active": Field("boolean", "Active"),
            "partner_id": Field("many2one", "Partner", "res.partner", required=True),
        },
        _companies,
        unlink=_keep_the_company,
    ),
    _small(
        "ir.rule",
        "Record Rule",
        {
            "name": Field("char", "Name"),
            "model_id": _MODEL_REF,
            "domain_force": Field("text", "Domain"),
            "groups": Field("many2many", "Groups", "res.groups"),
            "active": Field("boolean", "Active"),
            "global": Field("boolean", "Global", readonly=True),
            **{f"perm_{what}": Field("boolean", what) for what in ("read", "write", "create", "unlink")},
        },
        _rules,
        may={"read": SYSTEM},
    ),
    _small(
        "ir.model.data",
        "Model Data",
        {
            "module": Field("char", "Module"),
            "name": Field("char", "External Identifier"),
            "complete_name": Field("char", "Complete ID", store=False),
            "model": Field("char", "Model Name"),
            "res_id": Field("many2one_reference", "Record ID"),
            "noupdate": Field("boolean", "Non Updatable"),
        },
        _brought,
        may={"read": SYSTEM},
    ),
    _small(
        "ir.module.module",
        "Module",
        {
            "name": Field("char", "Technical Name"),
            "shortdesc": Field("char", "Module Name"),
            "state": Field("selection", "Status"),
            "application": Field("boolean", "Application"),
        },
        _modules,
    ),
    _small(
        numbers.RULES,
        "Automation Rule",
        {
            "name": Field("char", "Automation Rule Name", required=True),
            "active": Field("boolean", "Active"),
            "model_id": _MODEL_REF,
            "model_name": Field("char", "Model Name", store=False),
            "trigger": Field("selection", "Trigger"),
            "url": Field("char", "Url", store=False),
            "webhook_uuid": Field("char", "Webhook UUID"),
            "action_server_ids": Field("one2many", "Actions", numbers.ACTIONS),
            "last_run": Field("datetime", "Last Run"),
        },
        _automations,
        modules="base_automation",
        may={"read": SYSTEM},
        write=_switch,
        unlink=_unlink_automations,
    ),
    _small(
        numbers.ACTIONS,
        "Server Action",
        {
            "name": Field("char", "Name", required=True),
            "state": Field("selection", "Type"),
            "usage": Field("selection", "Usage"),
            "webhook_url": Field("char", "Webhook URL"),
            "base_automation_id": Field("many2one", "Automation Rule", numbers.RULES),
            "model_id": _MODEL_REF,
        },
        _actions,
        modules="base, base_automation",
        may={"read": SYSTEM},
    ),
)
MODELS = {each.name: each for each in _MADE}
"""Every model that is not a table of the World's, but for people's and files."""

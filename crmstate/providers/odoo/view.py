"""Who a key is, which database it opened, and the proof that it sees everything there.

Being an administrator proves little: record rules and companies hide rows from everybody without any error. But the
server also counts the rows of its tables past every rule (`ir.model`, field `count`), for administrators alone; where a
key sees as many as there are, nothing is hidden from it. The table of keys it does not count; there the rules are read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.survey import Identity
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call
from crmstate.providers.odoo.access import AUTOMATIONS, KEYS, text
from crmstate.providers.odoo.vendor import MEASURED, SEEN, count, look, methods, provider, raw_counts, search

LISTED: dict[str, list[Any]] = {
    "res.users": [],
    AUTOMATIONS: [],
    "ir.module.module": [],
    "ir.attachment": [["id", "!=", 0]],  # without a word about `id` or the field, files of fields are left out
}
"""What is listed, or read, as a whole; and how to ask for all of it."""

EVERY_KEY: list[Any] = [["model_id.model", "=", KEYS], ["active", "=", True], ["perm_read", "=", True]]
OPEN = "[(1, '=', 1)]"
"""The rule by which administrators see everybody's keys."""

UUID = "database.uuid"
ADMINISTRATOR = "base.group_system"


class _Context(msgspec.Struct):
    uid: int


class _Me(msgspec.Struct):
    login: str
    email: str | bool
    company_ids: list[int]
    company_id: tuple[int, str] | bool


class _Parameter(msgspec.Struct):
    value: str | bool


class _Rule(msgspec.Struct):
    groups: list[int]
    domain_force: str | bool


class _Key(msgspec.Struct):
    id: int
    scope: str | bool


@provider.reads(
    Kind.TENANT,
    Verb.WHOAMI,
    *methods(
        "res.users/context_get",
        "res.users/search_read",
        "ir.config_parameter/search_read",
        "res.users/has_group",
        f"{KEYS}/search_read",
        "ir.model/search_read",
        "ir.rule/search_read",
        *(f"{model}/search_count" for model in LISTED),
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="The tenant's id is the database's uuid. Which of a user's keys is calling no call tells: give every credential "
    "a user with one key.",
)
def whoami(call: Call) -> Identity:
    """The whole view: an administrator from whom no rule and no company hides a row of what is listed."""
    uid = look(call, "res.users", "context_get", _Context).uid
    (me,) = search(call, "res.users", [["id", "=", uid]], ["login", "email", "company_ids", "company_id"], _Me)
    named = search(call, "ir.config_parameter", [["key", "=", UUID]], ["value"], _Parameter)
    if not named or not text(named[0].value):
        raise Failure(Code.DENIED, "this user cannot read which database this is")
    administrator = look(call, "res.users", "has_group", bool, ids=[uid], group_ext_id=ADMINISTRATOR)
    return Identity(
        use="",
        tenant=text(named[0].value),
        tenant_name=me.company_id[1] if isinstance(me.company_id, tuple) else "",
        user=str(uid),
        key=_own_key(call, uid),
        email=text(me.email) or me.login,
        may_write=administrator,  # nobody else revokes other people's keys
        whole_view=administrator and _nothing_hidden(call, len(me.company_ids)),
        rights=(ADMINISTRATOR,) if administrator else (me.login,),
    )


@provider.reads(
    Kind.API_KEY,
    Verb.PROBE,
    *methods("res.users/context_get"),
    source=MEASURED,
    verified_on=SEEN,
    note="401 is the server's word for a key that is revoked or expired, or whose user is archived.",
)
def probe(call: Call) -> None:
    """Raises EXPIRED when the key no longer lets anybody in."""
    look(call, "res.users", "context_get", _Context)


def _own_key(call: Call, uid: int) -> str | None:
    """The key that is calling: the one of its user that opens this door. Of several nobody can tell."""
    mine = search(call, KEYS, [["user_id", "=", uid]], ["scope"], _Key)
    fit = [each for each in mine if each.scope in (False, "rpc")]
    return str(fit[0].id) if len(fit) == 1 else None


def _nothing_hidden(call: Call, companies: int) -> bool:
    """Whether this key counts what the server counts. Between two counts rows come and go: then once more."""
    try:
        return _every_key(call) and any(_agrees(call, companies) for _ in range(2))
    except Failure as failure:
        if failure.code is not Code.DENIED:
            raise
        return False


def _every_key(call: Call) -> bool:
    """Whether administrators are shown everybody's keys, and no rule for all takes any away."""
    rules = search(call, "ir.rule", EVERY_KEY, ["groups", "domain_force"], _Rule)
    return all(each.groups for each in rules) and any(each.domain_force == OPEN for each in rules)


def _agrees(call: Call, companies: int) -> bool:
    there = raw_counts(call, [*LISTED, "res.company"])
    return companies == there.get("res.company") and all(
        count(call, model, domain) == there[model] for model, domain in LISTED.items() if model in there
    )

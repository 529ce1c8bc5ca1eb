"""Who a login is, which database it opened, and the proof that it sees everything there.

Being an administrator proves nothing in Tryton: record rules and the company filter hide rows from it without any
error, and fields that it may not read are left out of records. So the rules themselves are read, and one that we cannot
tell to be harmless leaves the view unproved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.survey import Identity
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call
from crmstate.providers.tryton.vendor import MEASURED, SEEN, count, look, methods, provider, search

LISTED_OF_BASE = frozenset(
    {
        "res.user",
        "res.user.application",
        "ir.trigger",
        "ir.attachment",
        "ir.note",
        "ir.email",
        "ir.chat.channel",
        "ir.chat.message",
    }
)
"""What is listed of the server's own models (`ir`, `res`): people, keys, triggers, and what people wrote to records."""


def concerns_us(model: str) -> bool:
    """Whether a model's rows appear in any listing of ours."""
    return model in LISTED_OF_BASE or model.partition(".")[0] not in {"ir", "res"}


class Moment(msgspec.Struct):
    """A date and time as Tryton writes it."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int = 0

    @property
    def compact(self) -> str:
        day = f"{self.year:04}{self.month:02}{self.day:02}"
        return f"{day}T{self.hour:02}{self.minute:02}{self.second:02}.{self.microsecond:06}"


class _Preferences(msgspec.Struct):
    groups: list[int]
    company_filter: str | None = None
    company: int | None = None
    companies: list[int] = []


class _User(msgspec.Struct):
    id: int
    login: str
    create_date: Moment | None
    email: str | None = None


class _Group(msgspec.Struct):
    id: int
    name: str
    parent: int | None = None


class _Company(msgspec.Struct):
    id: int
    rec_name: str | None = None


class _Rule(msgspec.Struct):
    domain: str | None


class _RuleGroup(msgspec.Struct):
    model: str
    global_p: bool | int | None
    default_p: bool | int | None
    groups: list[int]
    rules: list[_Rule] = msgspec.field(name="rules.", default_factory=list)


class _FieldAccess(msgspec.Struct):
    model: str
    field: str
    group: int | None
    perm_read: bool | int | None


@provider.reads(
    Kind.TENANT,
    Verb.WHOAMI,
    *methods(
        "model.res.user.get_preferences",
        "model.res.user.search_read",
        "model.res.group.search_read",
        "model.ir.model.data.get_id",
        "model.ir.model.access.get_access",
        "model.company.company.search_read",
        "model.company.company.search_count",
        "model.ir.rule.group.search_read",
        "model.ir.model.field.access.search_read",
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="The tenant's id is the moment at which the database was made: no other has it but a copy of it.",
)
def whoami(call: Call) -> Identity:
    """The whole view: a member of Administration, to whom no record rule, company filter or field access hides
    anything."""
    mine = look(call, "model.res.user.get_preferences", False, into=_Preferences)
    user = call.user() or ""
    fields = ["login", "email", "create_date"]
    people = {str(each.id): each for each in search(call, "res.user", [["id", "in", [0, int(user)]]], fields, _User)}
    root = people.get("0")
    if root is None or root.create_date is None or user not in people:
        raise Failure(Code.DENIED, "this user cannot read which database this is")
    groups = {each.id: each for each in search(call, "res.group", [], ["name", "parent"], _Group)}
    member = _member(mine.groups, groups)
    admin = look(call, "model.ir.model.data.get_id", "res", "group_admin", into=int) in member
    companies = search(call, "company.company", [], ["rec_name"], _Company) if mine.company_filter else []
    return Identity(
        use="",
        tenant=root.create_date.compact,
        tenant_name=", ".join(each.rec_name or str(each.id) for each in companies[:3]),
        user=user,
        email=people[user].email or "",
        may_write=_may_write(call),
        whole_view=admin and _every_company(call, mine) and _nothing_hidden(call, member),
        rights=tuple(sorted(groups[each].name for each in member if each in groups)),
        keyless=True,
    )


@provider.reads(
    Kind.API_KEY,
    Verb.PROBE,
    *methods("model.res.user.get_preferences"),
    source=MEASURED,
    verified_on=SEEN,
    note="Asks with our own login. Keys are dead once they are cancelled: with one the server answers 401.",
)
def probe(call: Call) -> None:
    """Raises EXPIRED when the login no longer opens a session."""
    look(call, "model.res.user.get_preferences", True, into=_Preferences)


def _member(direct: list[int], groups: Mapping[int, _Group]) -> set[int]:
    """The groups of a user, those that its groups inherit from included."""
    found: set[int] = set()
    todo = list(direct)
    while todo:
        each = todo.pop()
        if each in found:
            continue
        found.add(each)
        parent = groups[each].parent if each in groups else None
        todo += [parent] if parent is not None else []
    return found


def _may_write(call: Call) -> bool:
    wanted = ["res.user", "res.user.application"]
    access = look(call, "model.ir.model.access.get_access", wanted, into=dict[str, dict[str, Any]])
    return all(bool(access.get(model, {}).get("write")) for model in wanted)


def _every_company(call: Call, mine: _Preferences) -> bool:
    """Rows of a company that a user does not work for, or has not selected, are hidden from it."""
    if mine.company_filter is None:
        return True
    seen = mine.companies if mine.company_filter == "all" else [mine.company] if mine.company is not None else []
    return len(set(seen)) >= count(call, "company.company", [])


def _nothing_hidden(call: Call, member: set[int]) -> bool:
    try:
        fields = ["model", "global_p", "default_p", "groups", "rules.domain"]
        rules = search(call, "ir.rule.group", [["perm_read", "=", True]], fields, _RuleGroup)
        parts = ["model", "field", "group", "perm_read"]
        access = search(call, "ir.model.field.access", [["active", "=", True]], parts, _FieldAccess)
    except Failure as failure:
        if failure.code is not Code.DENIED:
            raise
        return False
    return not hidden_rows(rules, member) and not hidden_fields(access, member)


def hidden_rows(rules: list[_RuleGroup], member: set[int]) -> set[str]:
    """The models of which a rule may hide rows. Global rules all count; of the others those of one's groups, or the
    default ones, add to what one sees."""
    found: set[str] = set()
    optional: dict[str, list[bool]] = defaultdict(list)
    for each in rules:
        if not concerns_us(each.model):
            continue
        opens = any(_opens(rule.domain) for rule in each.rules)
        if each.global_p:
            found |= set() if opens else {each.model}
        else:
            optional[each.model].append(opens and bool(each.default_p or member.intersection(each.groups)))
    return found | {model for model, opens in optional.items() if not any(opens)}


def _opens(domain: str | None) -> bool:
    """Whether a rule lets everything through: no condition, or the companies of the user (`_every_company`)."""
    try:
        said = msgspec.json.decode(domain or "[]")
    except msgspec.DecodeError:
        return False
    return said in ([], [["company", "in", {"__class__": "Eval", "d": [], "v": "companies"}]])


def hidden_fields(access: list[_FieldAccess], member: set[int]) -> set[str]:
    """The fields that are left out of records without a word: somebody's right to read them is kept, and not ours."""
    rights: dict[str, list[bool]] = defaultdict(list)
    for each in access:
        if concerns_us(each.model) and (each.group is None or each.group in member):
            rights[f"{each.model}.{each.field}"].append(bool(each.perm_read))
    return {field for field, reads in rights.items() if not any(reads)}

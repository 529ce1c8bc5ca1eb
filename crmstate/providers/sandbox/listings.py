"""The sandbox's listings. docs/reference/sandbox-api.md, Listings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from sys import intern
from typing import Any, Generic, TypeVar

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.survey import (
    ApiKeyFacts,
    BinFacts,
    DatasetFacts,
    IntegrationFacts,
    ModuleFacts,
    NoFacts,
    Resource,
    SessionFacts,
    UserFacts,
)
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Leaf, Resources, chunks, gather, joined
from crmstate.providers.kit.text import without_secrets
from crmstate.providers.sandbox.vendor import IDS, LISTINGS, provider, utc

T = TypeVar("T")


class _Pending(msgspec.Struct):
    completes_at: datetime


class _Row(msgspec.Struct):
    id: str
    pending: _Pending | None = None


class Listed(msgspec.Struct, Generic[T]):
    data: list[T]
    next: str | None
    total: int


def _resource(kind: Kind, row: _Row, label: str | None, phase: Phase | None, facts: Any) -> Resource:
    if row.pending is not None:
        return Resource(kind, row.id, label or "", Phase.PENDING, facts, utc(row.pending.completes_at))
    return Resource(kind, row.id, label or "", phase or Phase.UNKNOWN, facts)


def _listing(
    call: Call,
    kind: Kind,
    path: str,
    ids: tuple[str, ...] | None,
    page: type[Listed[Any]],
    convert: Callable[[Any], Resource],
) -> Resources:
    """All rows, or those of `ids`. An id with a comma cannot be asked for: then everything is read, and the caller's
    filter finds it."""

    def ask(cursor: str | None, some: str | None = None) -> Leaf:
        limit = None if some else call.page
        found = call.get(path, {"limit": limit, "cursor": cursor, "ids": some}, into=page)
        if any(not row.id for row in found.data):
            raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
        return Leaf([convert(row) for row in found.data], found.next, found.total)

    if ids is None or any("," in each for each in ids):
        return gather(kind, ask)
    parts = (",".join(some) for some in chunks(ids, IDS))
    return joined(kind, (gather(kind, lambda cursor, some=some: ask(cursor, some)) for some in parts))  # type: ignore[misc]


class _User(_Row, kw_only=True):
    email: str | None
    name: str | None
    role: str
    status: str


_ACTIVE = {"active": Phase.PRESENT, "inactive": Phase.INACTIVE}


@provider.reads(Kind.USER, Verb.LIST, "GET /v1/users", source=LISTINGS)
def users(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """People. `protected` is the owner, whom nobody can end; that a key cannot end its own user is `not_self` of the
    acting cells, since it depends on who acts and not on the user."""

    def convert(row: _User) -> Resource:
        facts = UserFacts(row.email or "", intern(row.role), row.role == "owner")
        return _resource(Kind.USER, row, row.name or row.email, _ACTIVE.get(row.status), facts)

    return _listing(call, Kind.USER, "/v1/users", ids, Listed[_User], convert)


class _Session(_Row, kw_only=True):
    user_id: str
    agent: str | None = None


@provider.reads(Kind.SESSION, Verb.LIST, "GET /v1/sessions", source=LISTINGS)
def sessions(call: Call, ids: tuple[str, ...] | None) -> Resources:
    def convert(row: _Session) -> Resource:
        return _resource(Kind.SESSION, row, row.agent, Phase.PRESENT, SessionFacts(row.user_id))

    return _listing(call, Kind.SESSION, "/v1/sessions", ids, Listed[_Session], convert)


class _ApiKey(_Row, kw_only=True):
    name: str | None
    user_id: str
    status: str
    last_used_at: datetime | None = None


@provider.reads(
    Kind.API_KEY,
    Verb.LIST,
    "GET /v1/api_keys",
    source=LISTINGS,
    note="The keys of deleted users are not listed, and stay alive.",
)
def api_keys(call: Call, ids: tuple[str, ...] | None) -> Resources:
    phases = {"active": Phase.PRESENT, "revoked": Phase.ABSENT}

    def convert(row: _ApiKey) -> Resource:
        facts = ApiKeyFacts(row.user_id, utc(row.last_used_at) if row.last_used_at else None)
        return _resource(Kind.API_KEY, row, row.name, phases.get(row.status), facts)

    return _listing(call, Kind.API_KEY, "/v1/api_keys", ids, Listed[_ApiKey], convert)


class _Integration(_Row, kw_only=True):
    type: str
    name: str | None
    target: str | None
    status: str
    last_used_at: datetime | None = None


@provider.reads(Kind.INTEGRATION, Verb.LIST, "GET /v1/integrations", source=LISTINGS)
def integrations(call: Call, ids: tuple[str, ...] | None) -> Resources:
    phases = {"active": Phase.PRESENT, "disabled": Phase.INACTIVE}

    def convert(row: _Integration) -> Resource:
        used = utc(row.last_used_at) if row.last_used_at else None
        facts = IntegrationFacts(row.type, without_secrets(row.target or ""), used)
        return _resource(Kind.INTEGRATION, row, row.name, phases.get(row.status), facts)

    return _listing(call, Kind.INTEGRATION, "/v1/integrations", ids, Listed[_Integration], convert)


class _Module(_Row, kw_only=True):
    name: str | None
    status: str
    data_effect: str


@provider.reads(Kind.MODULE, Verb.LIST, "GET /v1/modules", source=LISTINGS)
def modules(call: Call, ids: tuple[str, ...] | None) -> Resources:
    phases = {"enabled": Phase.PRESENT, "disabled": Phase.INACTIVE}

    def convert(row: _Module) -> Resource:
        effect = row.data_effect if row.data_effect in {"keeps", "clears"} else "unknown"
        return _resource(Kind.MODULE, row, row.name, phases.get(row.status), ModuleFacts(effect))

    return _listing(call, Kind.MODULE, "/v1/modules", ids, Listed[_Module], convert)


class _Setting(_Row, kw_only=True):
    name: str | None
    customised: bool


@provider.reads(Kind.SETTING, Verb.LIST, "GET /v1/settings", source=LISTINGS)
def settings(call: Call, ids: tuple[str, ...] | None) -> Resources:
    def convert(row: _Setting) -> Resource:
        phase = Phase.PRESENT if row.customised else Phase.ABSENT
        return _resource(Kind.SETTING, row, row.name, phase, NoFacts())

    return _listing(call, Kind.SETTING, "/v1/settings", ids, Listed[_Setting], convert)


class _Dataset(_Row, kw_only=True):
    name: str | None
    rows: int | None
    attachments: int | None
    bin_rows: int | None
    exportable: bool


@provider.reads(Kind.DATASET, Verb.LIST, "GET /v1/datasets", source=LISTINGS)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """A dataset stays present when it is empty: what a purge ends is its rows."""

    def convert(row: _Dataset) -> Resource:
        facts = DatasetFacts(row.rows, True, row.attachments, row.exportable, row.bin_rows)
        return _resource(Kind.DATASET, row, row.name, Phase.PRESENT, facts)

    return _listing(call, Kind.DATASET, "/v1/datasets", ids, Listed[_Dataset], convert)


class _Bin(_Row, kw_only=True):
    rows: int | None


@provider.reads(Kind.BIN, Verb.LIST, "GET /v1/bin", source=LISTINGS)
def bins(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """One row a dataset that has something in the bin; its id is the dataset's."""

    def convert(row: _Bin) -> Resource:
        return _resource(Kind.BIN, row, row.id, Phase.PRESENT, BinFacts(row.rows))

    return _listing(call, Kind.BIN, "/v1/bin", ids, Listed[_Bin], convert)

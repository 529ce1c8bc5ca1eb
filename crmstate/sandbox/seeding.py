"""Fills a new World: a small tenant to read through, or one of any size. The same seed and options always give the
same world.

It builds beside the data file and moves it into place when it is whole. It never touches an existing world unless
told to replace it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import dialects, names
from .tables import json_text
from .world import START, Key, World

SIZES = {"small": {"users": 12, "contacts": 300}, "large": {"users": 2000, "contacts": 40_000}}

_CONTACT = (
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "email", "type": "email", "label": "E-mail"},
    {"name": "phone", "type": "phone", "label": "电话"},
    {"name": "company", "type": "text", "label": "Firma"},
    {"name": "born", "type": "date", "label": "Date of birth"},
    {"name": "active", "type": "bool", "label": "Active"},
    {"name": "tags", "type": "list", "label": "Tags"},
)
_DEAL = (
    {"name": "title", "type": "text", "label": "Title"},
    {"name": "amount", "type": "money", "label": "Amount"},
    {"name": "probability", "type": "number", "label": "Probability"},
    {"name": "closes_on", "type": "date", "label": "Closes on"},
    {"name": "contact", "type": "reference", "label": "Contact"},
)
_ACTIVITY = (
    {"name": "subject", "type": "text", "label": "Subject"},
    {"name": "at", "type": "datetime", "label": "When"},
    {"name": "done", "type": "bool", "label": "Done"},
)
_TILE = ({"name": "title", "type": "text", "label": "Title"},)


def seed(
    data: str | os.PathLike[str],
    size: str = "small",
    *,
    contacts: int | None = None,
    users: int | None = None,
    seed: int = 1,
    hostile: bool = False,
    soft_delete: bool = False,
    dialect: str = dialects.NATIVE,
    now: str = START,
    replace: bool = False,
) -> dict[str, Key]:
    """Writes a world to `data` and its credentials to `<data>.keys.json` (both 0600); the keys `read`, `write`, `weak`.

    `dialect`: the vendor that its server speaks like. FileExistsError when there is a world and `replace` is false.
    ValueError for an unknown size or dialect.
    """
    if size not in SIZES:
        raise ValueError(f"size is one of {', '.join(SIZES)}, not {size!r}")
    place = Path(data)
    if place.exists() and not replace:
        raise FileExistsError(f"there is a world at {place} already")
    place.parent.mkdir(parents=True, exist_ok=True)
    credential = dialects.credential(dialect)
    counts = {
        **SIZES[size],
        **({"contacts": contacts} if contacts is not None else {}),
        **({"users": users} if users is not None else {}),
    }
    fresh = place.with_name(f"{place.name}.{os.getpid()}.new")
    _forget(fresh)
    try:
        with World.create(fresh, now=now, seed=seed, bulk=True) as world:
            with world.transaction():
                if dialect != dialects.NATIVE:
                    world.set_traits(dialect=dialect)
                if soft_delete:
                    world.set_traits(soft_delete=True)
                found = _fill(world, counts["users"], counts["contacts"], random.Random(seed), hostile)
                if furnish := dialects.furnish(dialect):
                    furnish(world)
            world.finish_bulk()
        write_keys(Path(f"{os.fspath(place)}.keys.json"), found, credential)
        _forget(place, keep=place)
        fresh.replace(place)
    finally:
        _forget(fresh)
    return found


def _forget(place: Path, keep: Path | None = None) -> None:
    for name in (f"{place}", f"{place}-wal", f"{place}-shm", f"{place}-journal"):
        if Path(name) != keep:
            with suppress(FileNotFoundError):
                Path(name).unlink()


def write_keys(place: Path, keys: dict[str, Key], credential: Callable[[Key], dict[str, str]] | None) -> None:
    """The credentials of a world, beside it (0600), as its vendor's users know them."""
    fresh = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    with open(fresh, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        text = {
            name: {"id": key.id, **credential(key)}
            if credential
            else {"id": key.id, "token": key.token, "refresh_token": key.refresh_token}
            for name, key in keys.items()
        }
        json.dump(text, file, indent=2)
    fresh.replace(place)


def _fill(world: World, users: int, contacts: int, chance: random.Random, hostile: bool) -> dict[str, Key]:
    users = max(users, 4)
    _people(world, users, chance)
    _connections(world)
    _data(world, users, contacts)
    if hostile:
        _hostility(world)
    return _keys(world, users)


def _user(index: int) -> tuple[str, str, str, str]:
    """Id, e-mail, name and role of the index-th user: u1 the owner, u2 to u4 administrators."""
    given, family = names.GIVEN[index * 7 % 16], names.FAMILY[(index * 5 + index // 16) % 16]
    role = "owner" if index == 1 else "admin" if index <= 4 and index != 1 else "member"
    return f"u{index}", f"user{index}@example.com", f"{given} {family}", role


def _people(world: World, users: int, chance: random.Random) -> None:
    def accounts() -> Iterator[tuple[Any, ...]]:
        for index in range(1, users + 1):
            id, email, name, role = _user(index)
            status = "inactive" if index % 9 == 0 and role == "member" else "active"
            licence = ("full", "full", "light", None)[index % 4]
            login = None if index % 11 == 0 else f"2026-10-{index % 28 + 1:02d}T07:{index % 60:02d}:00Z"
            yield id, email, name, role, status, licence, login, f"2026-0{index % 9 + 1}-15T12:00:00Z", None

    def signed_in() -> Iterator[tuple[Any, ...]]:
        for index in range(1, users + 1):
            if index % 9 == 0 or index % 3 == 2:
                continue
            for number in range(1 + index % 2):
                agent = names.AGENTS[(index + number) % 4]
                yield (
                    f"s{index}-{number + 1}",
                    f"u{index}",
                    f"2026-10-{index % 28 + 1:02d}T07:{index % 60:02d}:00Z",
                    agent,
                    None,
                )

    world.run_many("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", accounts())
    world.run_many("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", signed_in())
    world.set_subscription(seats=users + chance.randrange(3))


def _keys(world: World, users: int) -> dict[str, Key]:
    found = {
        "read": world.add_key("k1", "u2", name="crmstate read", scopes=["read"], created_at="2026-10-30T09:00:00Z"),
        "write": world.add_key(
            "k2", "u2", name="crmstate", scopes=["read", "write"], created_at="2026-10-30T09:00:00Z"
        ),
        "weak": world.add_key("k3", f"u{min(users, 5)}", name="member's script", created_at="2026-03-01T09:00:00Z"),
    }
    labels = ("Website form", "BI-Export", "邮件同步", "Nightly backup 🌙")
    for number in range(4, 8 if users < 100 else users // 20 + 8):
        owner = number * 19 % users + 1
        used = None if number % 4 == 0 else f"2026-10-{number % 28 + 1:02d}T03:00:00Z"
        created, status = f"2025-{number % 12 + 1:02d}-01T09:00:00Z", "revoked" if number % 7 == 0 else "active"
        world.add_key(
            f"k{number}",
            f"u{owner}",
            name=labels[number % 4],
            scopes=["read"] if number % 2 else ["read", "write"],
            created_at=created,
            last_used_at=used,
            status=status,
        )
    world.add_key("k0", "u1", name="Zapier", created_at="2024-05-01T09:00:00Z", last_used_at="2026-11-01T06:00:00Z")
    return found


def _connections(world: World) -> None:
    for id, type, name, status, used in (
        ("i1", "webhook", "Order → ERP", "active", "2026-11-01T07:58:00Z"),
        ("i2", "webhook", "Slack #sales", "active", "2026-10-31T18:00:00Z"),
        ("i3", "oauth_app", "Mailchimp", "active", "2026-09-01T00:00:00Z"),
        ("i4", "oauth_app", "Old phone app", "disabled", None),
        ("i5", "workflow", "Geburtstagsgruß", "active", "2026-11-01T06:00:00Z"),
        ("i6", "workflow", "客户提醒", "active", "2026-10-15T06:00:00Z"),
    ):
        world.add_integration(
            id, type=type, name=name, target=f"https://{id}.example.com/hook", status=status, last_used_at=used
        )
    world.add_module("quotes", name="Quotes", data_effect="keeps")
    world.add_module("surveys", name="Umfragen", data_effect="clears", datasets=["surveys"])
    world.add_module("telephony", name="Telephony", data_effect="unknown")
    world.add_setting("branding", name="Branding", customised=True)
    world.add_setting("password-policy", name="Password policy", customised=True)
    world.add_setting("currency", name="货币", customised=False)


def _data(world: World, users: int, contacts: int) -> None:
    world.add_dataset("contacts", "Contacts", _CONTACT)
    world.add_dataset("deals", "Deals", _DEAL)
    world.add_dataset("activities", "Activities", _ACTIVITY)
    world.add_dataset("surveys", "Umfragen", _ACTIVITY)
    world.add_dataset("dashboards", "Dashboards", _TILE, exportable=False)
    world.run_many("INSERT INTO rows VALUES ('contacts', ?, ?, ?, ?, ?, 0)", _contacts(contacts, users))
    world.count_in("contacts", live=contacts)
    deals = max(contacts // 4, 1)
    world.add_rows("deals", (_deal(index, users, contacts) for index in range(deals)))
    world.add_rows("activities", (_activity("a", index, users) for index in range(deals)))
    world.add_rows("surveys", (_activity("v", index, users) for index in range(12)))
    world.add_rows(
        "dashboards",
        ({"id": f"b{index}", "owner_id": "u1", "fields": {"title": f"Dashboard {index}"}} for index in range(3)),
    )
    binned = ({**_activity("z", index, users), "binned": True} for index in range(7))
    world.add_rows("activities", binned)
    for index in range(min(deals, 12 if contacts < 1000 else 400)):
        size = (0, 1, 64, 1000, 4096, 30_000)[index % 6]
        name = ("Angebot Müller.pdf", "合同.docx", "photo 📷.jpg", "empty.txt")[index % 4]
        mime = ("application/pdf", "application/msword", "image/jpeg", "text/plain")[index % 4]
        world.add_attachment("deals", f"f{index:04d}", f"d{index:07d}", name=name, size=size, mime=mime)


def _contacts(count: int, users: int) -> Iterator[tuple[str, str, str, str, str]]:
    companies = [json_text(each) for each in names.COMPANIES]
    people = [json_text(f"{given} {family}") for given in names.GIVEN for family in names.FAMILY]
    tags = ("[]", "null", '["vip"]', '["新","大客户"]')
    for index in range(count):
        mix = (index * 2654435761) % 4294967296 >> 8
        day = f"{mix % 12 + 1:02d}-{mix % 28 + 1:02d}"
        phone = "null" if mix % 5 == 0 else f'"+49 221 {mix % 900000 + 100000}"'
        born = "null" if mix % 3 == 0 else f'"19{mix % 60 + 40}-{day}"'
        fields = (
            f'{{"name":{people[mix % 256]},"email":"c{index}@example.net","phone":{phone},'
            f'"company":{companies[mix % 16]},"born":{born},'
            f'"active":{"true" if mix % 2 else "false"},"tags":{tags[mix % 4]}}}'
        )
        changed = f"2026-{mix % 10 + 1:02d}-{mix % 28 + 1:02d}T11:00:00Z"
        yield f"c{index:07d}", f"u{mix % users + 1}", f"2025-{day}T10:00:00Z", changed, fields


def _deal(index: int, users: int, contacts: int) -> dict[str, Any]:
    mix = (index * 40503) % 65536
    return {
        "id": f"d{index:07d}",
        "owner_id": f"u{mix % users + 1}",
        "created_at": f"2025-{mix % 12 + 1:02d}-03T10:00:00Z",
        "modified_at": f"2026-{mix % 10 + 1:02d}-04T10:00:00Z",
        "fields": {
            "title": f"{names.COMPANIES[mix % 16]} {names.CITIES[mix % 8]}",
            "amount": None if mix % 7 == 0 else f"{mix * 13}.{mix % 100:02d}",
            "probability": None if mix % 4 == 0 else mix % 101 / 4,
            "closes_on": f"2027-{mix % 12 + 1:02d}-01",
            "contact": f"c{mix % contacts:07d}" if contacts else None,
        },
    }


def _activity(letter: str, index: int, users: int) -> dict[str, Any]:
    mix = (index * 40503) % 65536
    return {
        "id": f"{letter}{index:07d}",
        "owner_id": f"u{mix % users + 1}",
        "created_at": f"2026-{mix % 9 + 1:02d}-05T10:00:00Z",
        "modified_at": f"2026-{mix % 9 + 1:02d}-06T10:00:00Z",
        "fields": {
            "subject": f"Anruf {names.FAMILY[mix % 16]}",
            "at": f"2026-{mix % 9 + 1:02d}-05T{mix % 24:02d}:30:00Z",
            "done": None if mix % 3 == 0 else mix % 2 == 0,
        },
    }


def _hostility(world: World) -> None:
    """Names that try to do harm, wherever a name can stand."""
    world.add_dataset("hostile", names.HOSTILE[0], [{"name": "name", "type": "text", "label": names.HOSTILE[1]}])
    for number, text in enumerate(names.HOSTILE, 1):
        world.add_user(f"x{number}", email=f"{text}@example.com", name=text, licence=text)
        world.add_session(f"x{number}", f"x{number}", agent=text)
        world.add_key(f"x{number}", f"x{number}", name=text)
        world.add_integration(
            f"x{number}", type=("webhook", "oauth_app", "workflow")[number % 3], name=text, target=text
        )
        world.add_setting(f"x{number}", name=text, customised=True)
        world.add_dataset(f"x{number}", text, [{"name": "name", "type": "text", "label": text}])
        world.add_rows("hostile", [{"id": f"x{number}", "owner_id": f"x{number}", "fields": {"name": text}}])
        world.add_attachment("hostile", f"x{number}", f"x{number}", name=text, size=16, mime="text/html")
    world.add_module("x1", name=names.HOSTILE[2])
    world.add_rows("hostile", [{"id": "../../evil", "owner_id": "x1", "fields": {"name": "an id that climbs"}}])
    world.add_attachment("hostile", "../../../evil\x1b[2J", "../../evil", name="C:\\evil\\NUL", size=3)

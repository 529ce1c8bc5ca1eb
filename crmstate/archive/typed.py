"""Typed: whether records hold what the description of their fields promises. Names and contacts are there, amounts can be
read and added up, dates can be read, what was written to somebody has a text, attachments have their size.

The description is the vendor's own, as it was archived; fields that it says nothing of are not judged. It is read as
most vendors write one: whatever has a type, and a name or a place under one. A value that cannot be read may be the
vendor's own doing and is counted; a field of which nothing can be read was exported wrongly, and is a finding. Of a large
dataset the first records are looked at, and how many is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, DecimalException
from itertools import islice
from typing import Any

from crmstate.archive.beside import parsed
from crmstate.archive.layout import SCHEMA_FILE, Place
from crmstate.archive.reading import rows as rows_of
from crmstate.archive.restore import attachments
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import problem
from crmstate.core.event import Check
from crmstate.core.provider import REDACTED
from crmstate.core.words import Exit

MOST = 20_000
"""Records that are looked at."""
ENOUGH = 10
"""Values of a field after which it is no accident that none of them can be read."""
NAMED = 5
LARGEST = 64_000_000

AMOUNTS = frozenset(
    {"number", "money", "currency", "monetary", "numeric", "decimal", "float", "double", "integer", "int", "bigint"}
)
DATES = frozenset({"date", "datetime", "timestamp"})
_CONTACT_TYPES = frozenset({"email", "phone"})
_BODY_TYPES = frozenset({"richtext", "html", "textarea", "body"})
_CONTACT = re.compile(r"\b(name|e-?mail|phone|mobile)\b|姓名|名称|电话|手机|邮箱", re.IGNORECASE)
_BODY = re.compile(r"\b(body|content|message|text|html)\b|正文|内容", re.IGNORECASE)
_WRITTEN = re.compile(r"mail|message|note|comment|call|activit|邮件|消息|便签|跟进|沟通|通话", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """A field as the vendor describes it: its type, in lower case, and what it is called."""

    type: str
    label: str


_CURRENCY = re.compile(r"^\s*[^\d\s.,'-]{0,4}\s*|\s*[^\d\s.,']{0,4}\s*$|(?<=\d)[\s\u00a0\u202f](?=\d)")
_POINTS = re.compile(r"-?\d{1,3}(\.\d{3})*,\d{1,2}")
_DATE = re.compile(r"(\d{1,4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,4})(?!\d)")


@dataclass
class Seen:
    """What was found of fields of one kind: values that could be read, and per field those that could not."""

    read: int = 0
    by_field: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=dict)


def checked(place: Place, seal: Seal) -> tuple[Check, ...]:
    """What the records and attachments of a sealed dataset show; nothing where there is neither a description of fields nor
    an attachment. Raises Problem CRM-A039 where a field of amounts or of dates has no value that can be read as one,
    CRM-A002 where an attachment has another size than its record says."""
    found: list[Check] = []
    described = fields(_description(place, seal))
    if described and seal.last.rows:
        found += _records(place, seal, described)
    if seal.last.attachments:
        found.append(_sized(place, seal))
    return tuple(found)


def fields(raw: bytes) -> dict[str, Field]:
    """The fields that a description describes, by their names; none where it cannot be understood."""
    try:
        return dict(_walk(json.loads(raw), ""))
    except (ValueError, RecursionError):
        return {}


def _walk(value: object, key: str) -> Iterator[tuple[str, Field]]:
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, "")
    elif isinstance(value, dict):
        type, name, label = value.get("type"), value.get("name"), value.get("label") or value.get("string")
        name = name if isinstance(name, str) else key
        if isinstance(type, str) and name:
            yield name, Field(type.lower(), label if isinstance(label, str) else "")
            return
        for key, each in value.items():
            yield from _walk(each, key)


def _description(place: Place, seal: Seal) -> bytes:
    """The last description of the fields that is held; empty where there is none."""
    names = sorted(each.file for each in seal.files if SCHEMA_FILE.fullmatch(each.file.rpartition("/")[2]))
    data = b""
    for piece in place.wrap.off(names[-1], place.store.pieces(names[-1])) if names else ():
        data += piece
        if len(data) > LARGEST:
            return b""
    return data


def _records(place: Place, seal: Seal, described: dict[str, Field]) -> list[Check]:
    amounts, dates = ({name for name, each in described.items() if each.type in kind} for kind in (AMOUNTS, DATES))
    people = {name for name, each in described.items() if each.type in _CONTACT_TYPES or _called(_CONTACT, name, each)}
    written = _WRITTEN.search(f"{seal.dataset.id} {seal.dataset.label}") is not None
    texts = {name for name, each in described.items() if each.type in _BODY_TYPES or _called(_BODY, name, each)}
    looked = reached = told = 0
    sums, days = Seen(), Seen()
    for row in islice(rows_of(place, seal), MOST):
        values = _values(parsed(row.raw))
        looked += 1
        reached += any(_filled(values.get(name)) for name in people)
        told += any(_filled(values.get(name)) for name in texts)
        _read(values, amounts, _amount, sums)
        _read(values, dates, _day, days)
    _refuse(place, sums, days)
    found = (
        [Check("contacts", "present" if reached else "lacking", rows=reached, odd=looked - reached)] if people else []
    )
    if amounts:
        found.append(_said("amounts", sums))
    if dates:
        found.append(_said("dates", days))
    if written and texts:
        found.append(Check("bodies", "present" if told else "lacking", rows=told, odd=looked - told))
    return found


def _called(words: re.Pattern[str], name: str, found: Field) -> bool:
    return words.search(name.replace("_", " ")) is not None or words.search(found.label) is not None


def _said(method: str, seen: Seen) -> Check:
    odd = sum(seen.odd.values())
    said = "odd" if odd else "read" if seen.read else "empty"
    return Check(method, said, rows=seen.read, odd=odd)


def _values(row: object) -> dict[str, Any]:
    """The fields of a record: its own, and those that lie in an object within."""
    if not isinstance(row, dict):
        return {}
    found: dict[str, Any] = {}
    for each in row.values():
        if isinstance(each, dict) and "__class__" not in each:
            found.update(each)
    return {**found, **row}


def _filled(value: object) -> bool:
    """Whether there is a value at all. Some vendors write `false` where a date, a text or a reference is none."""
    return value is not False and value not in (None, "", [], {}) and not (isinstance(value, str) and not value.strip())


def _read(values: dict[str, Any], names: set[str], read: Callable[[Any], Decimal | None], seen: Seen) -> None:
    for name in names:
        value = values.get(name)
        if not _filled(value) or value == REDACTED:
            continue
        try:
            amount = read(value)
            if amount is not None:
                seen.sums[name] = seen.sums.get(name, Decimal()) + amount
        except (ValueError, TypeError, KeyError, OverflowError, OSError, DecimalException):
            seen.odd[name] = seen.odd.get(name, 0) + 1
            continue
        seen.read += 1
        seen.by_field[name] = seen.by_field.get(name, 0) + 1


def _refuse(place: Place, *all: Seen) -> None:
    lost = sorted(name for seen in all for name, odd in seen.odd.items() if odd >= ENOUGH and name not in seen.by_field)
    if lost:
        raise problem(
            Exit.ERROR, "CRM-A039", dataset=place.dataset, fields=", ".join(lost[:NAMED]), n=len(lost), enough=ENOUGH
        )


def _amount(value: Any) -> Decimal:
    """A number, or what is written like one: text, or an object that holds it. Raises ValueError and its like."""
    if isinstance(value, dict):
        value = value["decimal"] if "decimal" in value else value["amount"]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not an amount")
    found = Decimal(_plain(value) if isinstance(value, str) else str(value))
    if not found.is_finite():
        raise ValueError("not a finite amount")
    return found


def _plain(text: str) -> str:
    """An amount as Python writes it: vendors write what their users see, with a currency, and with commas and points as
    their country has them."""
    bare = _CURRENCY.sub("", text)
    if _POINTS.fullmatch(bare):
        return bare.replace(".", "").replace(",", ".")
    return bare.replace(",", "").replace("'", "")


def _written(text: str) -> None:
    """A date as people write it: day and month in either order, the year first or last. Raises ValueError."""
    parts = _DATE.match(text)
    if parts is None:
        raise ValueError("not a date")
    first, second, third = (int(part) for part in parts.groups())
    for year, month, day in ((first, second, third), (third, second, first), (third, first, second)):
        with suppress(ValueError):
            date(year + 2000 if year < 100 else year, month, day)
            return
    raise ValueError("not a date")


def _day(value: Any) -> None:
    """A date or a time: ISO 8601 or as people write it, an object with year, month and day, or so many (milli)seconds. Raises
    ValueError and its like."""
    if isinstance(value, dict):
        date(int(value["year"]), int(value["month"]), int(value["day"]))
    elif isinstance(value, str):
        try:
            datetime.fromisoformat(value.strip().replace("/", "-"))
        except ValueError:
            _written(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        datetime.fromtimestamp(value / 1000 if abs(value) > 100_000_000_000 else value, UTC)
    else:
        raise ValueError("not a date")


def _sized(place: Place, seal: Seal) -> Check:
    """That what lies there of each attachment is as long as its record says: that it is its content is the matter of the
    checksums. What is encrypted is longer."""
    entries = attachments(place, seal)
    known = {each.file: each.bytes for each in seal.contents}
    for entry in entries:
        file = place.content(entry.sha256)
        size = known.get(file, -1)
        if size < entry.size or (size != entry.size and not place.wrap.locked):
            raise problem(Exit.ERROR, "CRM-A002", file=file)
    empty = sum(not entry.size for entry in entries)
    return Check("attachments", "sized", files=len(entries), bytes=sum(each.size for each in entries), odd=empty)

"""Compares what a tool left behind with the rows as the vendor wrote them: row by row, field by field, down to the values
inside objects and lists. It knows no tool.

A value counts once, under the worst that happened to it, in this order:

    lost      the field is not there any more, under any name
    null      it was null, and now it is absent or something else
    flattened it was an object or a list, and now it is text, or spread over columns or tables of their own
    type      it was a number or a boolean, and now it is text (or the other way round)
    number    another number
    text      another text
    spelling  the same number, spelt in another way (1.10 and 1.1)

Apart from these: fields under another name (`renamed`; their values are compared all the same), rows in which the keys
have another order, and rows that are the vendor's text byte for byte.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

LOSSES = ("lost", "null", "flattened", "type", "number", "text", "spelling")


class Number(str):
    """A number as it was spelt."""

    __slots__ = ()


def loads(text: str | bytes) -> Any:
    """JSON with its numbers as they are spelt. Raises ValueError."""
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


@dataclass(frozen=True)
class Found:
    """A row that a tool left: its values, the line it stood on where it was a line of JSON, and the names of fields that
    the tool moved to tables of their own."""

    values: Mapping[str, Any]
    line: bytes | None = None
    elsewhere: frozenset[str] = frozenset()


@dataclass
class Verdict:
    """What became of the rows. `values` counts what was compared; each loss counts by the place of the field."""

    rows: int = 0
    missing: int = 0
    doubled: int = 0
    unknown: int = 0
    values: int = 0
    identical: int = 0
    reordered: int = 0
    losses: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in LOSSES})
    renamed: dict[str, str] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Nothing missing, doubled, changed, renamed or reordered."""
        wrong = self.missing + self.doubled + self.unknown + self.reordered + len(self.renamed) + len(self.added)
        return not wrong and not any(self.losses.values())

    def note(self, loss: str, place: str, was: Any, now: Any) -> None:
        """Notes one value; the first of each kind is the example."""
        self.losses[loss][place] += 1
        if loss not in self.examples:
            self.examples[loss] = f"{place}: {_shown(was)} → {_shown(now)}"


def judge(truth: Iterable[bytes], found: Iterable[Found], values: bool = True) -> Verdict:
    """Compares. Rows are told apart by `id`; of a row that came several times the first is compared. Without `values`
    rows are only counted."""
    verdict = Verdict()
    coming = _once(verdict, found)
    waiting: dict[str, Found] = {}
    for line in truth:
        verdict.rows += 1
        was = loads(line)
        while was["id"] not in waiting and (row := next(coming, None)):
            waiting[str(row.values.get("id", ""))] = row
        row = waiting.pop(was["id"], None)
        if row is None:
            verdict.missing += 1
        elif row.line == line:
            verdict.identical += 1
            verdict.values += sum(1 for _ in _leaves(was))
        elif values:
            _row(verdict, was, row)
    verdict.unknown = len(waiting) + sum(1 for _ in coming)
    return verdict


def _once(verdict: Verdict, found: Iterable[Found]) -> Iterator[Found]:
    """The rows without those whose id came before, which are counted."""
    seen: set[str] = set()
    for row in found:
        id = str(row.values.get("id", ""))
        if id in seen:
            verdict.doubled += 1
        else:
            seen.add(id)
            yield row


def _row(verdict: Verdict, was: dict[str, Any], found: Found) -> None:
    names = _names(was, found.values)
    known = set(names.values())
    for key, value in was.items():
        name = names.get(key)
        if name is not None and name != key:
            verdict.renamed.setdefault(key, name)
        if name is None:
            _absent(verdict, key, value, found)
        else:
            _compare(verdict, key, value, found.values[name])
    further = found.values.keys() - known - verdict.added
    verdict.added |= {name for name in further if not _part(name, was)}
    order = [names[key] for key in was if key in names]
    verdict.reordered += order != [name for name in found.values if name in known]


def _names(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Under which name each field of the truth is found: its own, one that differs in case and signs only, or one that
    nobody else has and that holds the same value, one that begins with its own name first."""
    names = {key: key for key in was if key in now}
    free = {name: _plain(name) for name in now if name not in was}
    for key in [key for key in was if key not in names]:
        plain, value = _plain(key), was[key]
        other = next((name for name, like in free.items() if like == plain), None)
        if other is None and value not in (None, ""):
            same = [name for name in free if _same(value, now[name])]
            longer = [name for name in same if free[name].startswith(plain)]
            other = next(iter(longer or (same if type(value) is not bool else ())), None)
        if other is not None:
            names[key] = other
            del free[other]
            continue
        for each in [each for each in names if _plain(each) == plain]:
            if _same(value, now[each]) and not _same(was[each], now[each]):
                names[key] = names.pop(each)
    return names


def _absent(verdict: Verdict, key: str, value: Any, found: Found) -> None:
    if value is None:
        verdict.values += 1
        verdict.note("null", key, None, "absent")
        return
    for place, leaf in _leaves(value, key):
        verdict.values += 1
        spread = isinstance(value, (dict, list)) and value and _spread(key, found)
        if spread and leaf is None:
            verdict.note("null", place, None, "absent")
        else:
            verdict.note("flattened" if spread else "lost", place, leaf, "elsewhere" if spread else "absent")


def _spread(key: str, found: Found) -> bool:
    """Whether an object or a list lives on in columns or tables of its own, which begin with its name."""
    start = _plain(key)
    return any(_plain(name).startswith(start) for name in (*found.elsewhere, *(set(found.values) - {key})))


def _compare(verdict: Verdict, place: str, was: Any, now: Any) -> None:
    if isinstance(was, dict) and was and isinstance(now, dict):
        for key, value in was.items():
            if key in now:
                _compare(verdict, f"{place}.{key}", value, now[key])
            else:
                for inner, leaf in _leaves(value, f"{place}.{key}"):
                    verdict.values += 1
                    verdict.note("null" if leaf is None else "lost", inner, leaf, "absent")
        verdict.reordered += [key for key in now if key in was] != [key for key in was if key in now]
        return
    if isinstance(was, list) and was and isinstance(now, list):
        for number, value in enumerate(was):
            if number < len(now):
                _compare(verdict, f"{place}[]", value, now[number])
            else:
                verdict.values += 1
                verdict.note("lost", f"{place}[]", value, "absent")
        return
    number = sum(1 for _ in _leaves(was))
    verdict.values += number
    loss = _loss(was, now)
    for inner, _ in _leaves(was, place) if loss else ():
        verdict.note(loss, inner, was, now)


def _loss(was: Any, now: Any) -> str:
    """What happened to one value; empty for nothing."""
    if was is None:
        return "" if now is None else "null"
    if isinstance(was, (dict, list)):
        return "" if type(now) is type(was) and now == was else "flattened"
    if now is None:
        return "lost"
    if isinstance(was, Number):
        return _number(was, now)
    if isinstance(was, bool):
        return "" if now is was else "type"
    if type(now) is not str:
        return "type"
    return "" if now == was else "text"


def _number(was: Number, now: Any) -> str:
    if not isinstance(now, str):
        return "type"
    try:
        equal = Decimal(was) == Decimal(now)
    except InvalidOperation:
        return "type"
    if not equal:
        return "number"
    if not isinstance(now, Number):
        return "type"
    return "" if now == was else "spelling"


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object or list with something in it, with its place."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _leaves(inner, f"{place}[]")
    else:
        yield place, value


def _same(was: Any, now: Any) -> bool:
    if isinstance(was, Number) and isinstance(now, Number):
        return _number(was, now) in ("", "spelling")
    return type(was) is type(now) and was == now


def _part(name: str, was: Mapping[str, Any]) -> bool:
    """Whether a column is a part of an object or a list of the truth that was spread."""
    plain = _plain(name)
    return any(type(value) in (dict, list) and plain.startswith(_plain(key)) for key, value in was.items())


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())


def _shown(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if value == "absent" or value == "elsewhere":
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."

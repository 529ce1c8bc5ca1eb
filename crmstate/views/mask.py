"""Mask: names and addresses of people become numbers, where a manifest asks for it. The same person is the same number in
the whole page, so that a reader sees whether two people approved or one twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.views.wire import encode

_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_PEOPLE = frozenset({"by", "owner", "holder", "person", "who", "signatory", "feedback_owner", "migration_owner"})
_HAN = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts that are written without blanks between the words: a name has no edge there, and two signs are one already."""
_IN_HAN, _LETTER = re.compile(f"[{_HAN}]"), rf"[^\W{_HAN}]"
SHORTEST = 3
SOUGHT = 2_000
"""So many names are looked for inside sentences, those of who did something first; others only where they stand alone, as
labels do."""


def masking(
    state: State, plan: Plan | None, happened: Iterable[object], scrub: Callable[[str], str]
) -> Callable[[str], str]:
    """What takes people out of a text, after `scrub`. `happened`: events, and whatever else names people."""
    acting, labelled = people(state, plan, happened)
    names = dict.fromkeys((*acting, *labelled))
    numbers = {name: f"P{number}" for number, name in enumerate(names, 1)}
    whole = sorted([name for name in names if len(name) >= _shortest(name)][:SOUGHT], key=len, reverse=True)
    known = re.compile("|".join(map(_bounded, whole))) if whole else None

    def mask(text: str) -> str:
        text = scrub(text)
        if text in numbers:
            return numbers[text]
        if known is not None:
            text = known.sub(lambda hit: numbers[hit[0]], text)
        return _MAIL.sub("P*", text)

    return mask


def _shortest(name: str) -> int:
    return SHORTEST - 1 if all(map(_IN_HAN.match, name)) else SHORTEST


def _bounded(name: str) -> str:
    """The pattern of a name that is no part of a longer word."""
    before = "" if _IN_HAN.match(name[0]) else f"(?<!{_LETTER})"
    after = "" if _IN_HAN.match(name[-1]) else f"(?!{_LETTER})"
    return f"{before}{re.escape(name)}{after}"


def masked_json(text: str, mask: Callable[[str], str]) -> str:
    """JSON, one value a line, with everybody taken out of its texts. What is no JSON stays as it is."""
    try:
        return "".join(encode(_through(msgspec.json.decode(line), mask)).decode() + "\n" for line in text.splitlines())
    except msgspec.DecodeError:
        return text


def hidden(value: object, mask: Callable[[str], str]) -> Any:
    """A value for JSON with everybody taken out of its texts; names of fields and keys stay."""
    return _through(msgspec.to_builtins(value, enc_hook=str), mask)


def _through(plain: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(plain, str):
        return mask(plain)
    if isinstance(plain, dict):
        return {name: _through(each, mask) for name, each in plain.items()}
    if isinstance(plain, list | tuple):
        return [_through(each, mask) for each in plain]
    return plain


def people(state: State, plan: Plan | None, happened: Iterable[object]) -> tuple[list[str], list[str]]:
    """Every person that a record and a plan name: who did or owns something, and the vendor's users; in a fixed order."""
    acting: set[str] = set()
    labelled: set[str] = set()
    for value in (state, plan, *happened):
        _gather(msgspec.to_builtins(value, enc_hook=str), acting, labelled)
    return sorted(acting - {""}), sorted(labelled - {""})


def clear(state: State) -> int:
    """How many users of the vendor stand in the record by name: recorded before the manifest asked for masking."""
    return sum(bool(entry.label) for entry in state.entries.values() if entry.address.startswith("user/"))


def _gather(plain: Any, acting: set[str], labelled: set[str]) -> None:
    if isinstance(plain, dict):
        if str(plain.get("address", "")).startswith("user/") and isinstance(plain.get("label"), str):
            labelled.add(plain["label"])
        for name, value in plain.items():
            if name in _PEOPLE and isinstance(value, str):
                acting.add(value)
            else:
                _gather(value, acting, labelled)
    elif isinstance(plain, list | tuple):
        for each in plain:
            _gather(each, acting, labelled)

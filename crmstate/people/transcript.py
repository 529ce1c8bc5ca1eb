"""What a person wrote down of the vendor's destruction document: a small YAML or JSON file beside it, or fields on the
command line. What is not written stays unknown."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import structs

from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.event import Destruction
from crmstate.core.words import Exit
from crmstate.people import sheet
from crmstate.people.addresses import Injection, clean

FIELDS = ("tenant", "datasets", "backups", "sub_processors", "date", "signatory")
LARGEST = 64 * 1024
DEEPEST = 3
NONE = "none"


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The mapping in a file. Raises Problem CRM-F026 where it is none: links within it, tags and repeated keys are refused."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    if len(data) > LARGEST:
        raise sheet.wrong(file, 1, "large", "0.06")
    text = sheet.text(data, file)
    try:
        depth = 0
        for event in YAML(typ="base", pure=True).parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if isinstance(event, AliasEvent) or getattr(event, "tag", None) or depth > DEEPEST:
                raise sheet.wrong(file, event.start_mark.line + 1, "tags")
        found = YAML(typ="base", pure=True).load(io.StringIO(text))  # every scalar as text, as it is written
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise sheet.wrong(file, mark.line + 1 if mark is not None else 1, "yaml") from None
    if not isinstance(found, dict):
        raise sheet.wrong(file, 1, "mapping", ", ".join(FIELDS))
    return found


def given(pairs: Sequence[str]) -> dict[str, Any]:
    """`--field tenant=t-1 --field datasets.Contacts=7` as the same mapping. A name with `datasets.` before it is a dataset,
    `backups.expire` the day until which copies are kept."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, mark, value = (part.strip() for part in pair.partition("="))
        head, dot, rest = name.partition(".")
        if head not in FIELDS or (dot and head not in ("datasets", "backups")):
            raise _wrong(name or pair[:40], "unknown")
        if not mark or not value:
            raise _wrong(name)
        if head == "datasets" and not rest:
            raise _wrong(name)
        if dot:
            part = found.setdefault(head, {})
            if not isinstance(part, dict) or rest in part:
                raise _wrong(name, "twice")
            part[rest] = value
        elif head in found:
            raise _wrong(name, "twice")
        else:
            found[head] = [each.strip() for each in value.split(",")] if head == "sub_processors" else value
    if found.get("sub_processors") == [NONE]:
        found["sub_processors"] = NONE
    return found


def places(data: bytes, file: str) -> dict[str, Span]:
    """Where each field of a mapping that `parse` has read stands in its file, those of `datasets` and `backups` as well."""
    from ruamel.yaml import YAML

    found: dict[str, Span] = {}
    root = YAML(typ="base", pure=True).compose(io.StringIO(sheet.text(data, file)))
    for key, value in getattr(root, "value", ()):
        if not isinstance(key.value, str):
            continue  # a key that is a list or a mapping is no field, and is refused as none
        found[key.value] = Span(file, key.start_mark.line + 1, key.start_mark.column + 1)
        for inner, _ in value.value if type(value).__name__ == "MappingNode" else ():
            mark = inner.start_mark
            found[f"{key.value}.{inner.value}"] = Span(file, mark.line + 1, mark.column + 1)
    return found


def destruction(found: Mapping[Any, Any], where: Mapping[str, Span] | None = None) -> Destruction:
    """The values of a mapping. `where`: the places of its fields. Raises Problem CRM-F011 for a field that is not known or does
    not say what it must."""
    try:
        return _destruction(found)
    except Problem as problem:
        spans = [(where or {}).get(str(each.params.get("field"))) for each in problem.diagnostics]
        told = [structs.replace(each, span=span) for each, span in zip(problem.diagnostics, spans, strict=True)]
        raise Problem(problem.exit, *told) from None


def _destruction(found: Mapping[Any, Any]) -> Destruction:
    for name in found:
        if name not in FIELDS:
            raise _wrong(str(name)[:40], "unknown")
    backups, expiry = _backups(found.get("backups"))
    return Destruction(
        tenant=_text(found, "tenant"),
        datasets=_datasets(found.get("datasets")),
        backups=backups,
        expiry=expiry,
        sub_processors=_names(found.get("sub_processors")),
        day=_day(found.get("date"), "date"),
        signatory=_text(found, "signatory"),
    )


def _text(found: Mapping[Any, Any], name: str) -> str | None:
    value = found.get(name)
    if _nothing(value):
        return None
    if not isinstance(value, str) or len(value) > 300:
        raise _wrong(name)
    try:
        return clean(value) or None
    except Injection:
        raise _wrong(name) from None


def _nothing(value: Any) -> bool:
    """Whether nothing is written there."""
    return value is None or value in ("", "~", "null")


def _datasets(value: Any) -> dict[str, int | None]:
    if _nothing(value):
        return {}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = dict.fromkeys(value)
    if not isinstance(value, dict) or len(value) > 10_000:
        raise _wrong("datasets")
    return {str(name): _count(count, f"datasets.{name}") for name, count in value.items()}


def _count(value: Any, name: str) -> int | None:
    if _nothing(value):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    raise _wrong(name)


def _backups(value: Any) -> tuple[str | None, str | None]:
    """What becomes of backups, and until when they are kept: `destroyed`, `kept`, `expire`, or `{expire: 2027-03-01}`."""
    if _nothing(value):
        return None, None
    if isinstance(value, dict) and set(value) == {"expire"}:
        return "expire", _day(value["expire"], "backups.expire")
    if value in ("destroyed", "kept", "expire"):
        return str(value), None
    raise _wrong("backups")


def _names(value: Any) -> tuple[str, ...] | None:
    if _nothing(value) or value == []:
        return None
    if value == NONE:
        return ()
    if isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value) and len(value) < 1000:
        return tuple(each.strip() for each in value)
    raise _wrong("sub_processors")


def _day(value: Any, name: str) -> str | None:
    if _nothing(value):
        return None
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _wrong(name)


def _wrong(name: str, why: str = "value") -> Problem:
    """`why`: a word of the catalogue's family `transcript`."""
    return problem(Exit.USAGE, "CRM-F011", field=name[:60], why=why, known=", ".join(FIELDS))

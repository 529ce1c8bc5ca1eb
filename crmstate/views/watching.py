"""What a look after the end saw, as text and as one JSON object a look; and the sentence that status and reports have of all of
them."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.event import Sight, Watched
from crmstate.core.record import Watch
from crmstate.views.catalogue import Catalogue
from crmstate.views.paint import ink
from crmstate.views.wire import encode

FORMAT_VERSION = "1.0"


class WatchFile(msgspec.Struct, frozen=True):
    """One look. `outcome`: clear, partly, back or unknown; `sights`: what was seen (`event.Sight`); `rounds`, `first`: looks on record with
    this one; `back`: in how many something was back; `unknown`: in how many nothing could be seen; `text`: a sentence in the language that was
    asked for."""

    format_version: str
    name: str
    at: str
    outcome: str
    sights: tuple[Sight, ...]
    rounds: int
    first: str
    back: int
    unknown: int
    text: str


def watch_json(name: str, event: Watched, seen: Watch, words: Catalogue) -> str:
    """The object as one line, with a line break."""
    file = WatchFile(
        FORMAT_VERSION,
        name,
        event.at,
        event.outcome,
        event.sights,
        seen.rounds,
        seen.first,
        seen.back,
        seen.unknown,
        said(seen, words),
    )
    return encode(file).decode() + "\n"


def watch_text(event: Watched, seen: Watch, words: Catalogue, *, color: bool = False) -> str:
    """A line about the look, one for each thing that was seen, and what all looks come to."""
    tone = {"clear": "green", "back": "red"}.get(event.outcome, "yellow")
    lines = [ink(color)(tone, words.text_of(f"watch.{event.outcome}", at=event.at))]
    lines += [f"  {sight(each, words)}" for each in event.sights]
    return "\n".join([*lines, said(seen, words)]) + "\n"


def sight(each: Sight, words: Catalogue) -> str:
    """One thing that was seen."""
    if each.what == "back":
        return words.text_of("watch.sight.back", address=each.address, how=words.text_of(f"watch.back.{each.said}"))
    return words.text_of(
        f"watch.sight.{each.what}.{each.said}", name=each.name, address=each.address, code=each.code or "-"
    )


def said(seen: Watch, words: Catalogue) -> str:
    """How often was looked, when last, and what came of it."""
    parts = [words.text_of("watch.said", n=seen.rounds, at=seen.last, how=words.text_of(f"watch.last.{seen.outcome}"))]
    if seen.back and seen.outcome != "back":
        parts.append(words.text_of("watch.said_back", n=seen.back, at=seen.back_at))
    if seen.unknown:
        parts.append(words.text_of("watch.said_unknown", n=seen.unknown))
    return words.text_of("join.sentence").join(parts)


def watch_schema() -> dict[str, Any]:
    """The JSON Schema of the format, generated from the types above."""
    (top,), parts = msgspec.json.schema_components((WatchFile,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crmstate.dev/schemas/watch.schema.json",
        "title": f"crmstate watch, format {FORMAT_VERSION}",
        **top,
        "$defs": dict(sorted(parts.items())),
    }

"""Lines: events as the text that is written, with the scrubber as a last net, and as they will be read back.

What is folded is what was written: where the net caught something, the events are taken from the scrubbed text. Text
that JSON cannot hold (lone surrogates out of a vendor's label) is replaced, so that an append never fails over what a
vendor calls a thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from crmstate.core.event import AnyEvent

Scrub = Callable[[str], str]

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def written(events: Sequence[AnyEvent], scrub: Scrub | None) -> tuple[list[bytes], list[AnyEvent]]:
    """One line of JSON for each event, without its end, and the events that these lines say."""
    lines, read = [], []
    for event in events:
        line, said = _one(event, scrub)
        lines.append(line)
        read.append(said)
    return lines, read


def _one(event: AnyEvent, scrub: Scrub | None) -> tuple[bytes, AnyEvent]:
    try:
        line = _encoder.encode(event)
    except UnicodeEncodeError:
        line = json.dumps(_each(msgspec.to_builtins(event), sound), ensure_ascii=False, separators=(",", ":")).encode()
        event = _decoder.decode(line)
    if scrub is None:
        return line, event
    text = line.decode()
    clean = scrub(text)
    if clean == text:
        return line, event
    try:
        return clean.encode(), _decoder.decode(clean)
    except (msgspec.MsgspecError, ValueError):
        clean = json.dumps(_each(json.loads(line), scrub), ensure_ascii=False, separators=(",", ":"))
        return clean.encode(), _decoder.decode(clean)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed; the names of members stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [_each(one, change) for one in value]
    if isinstance(value, dict):
        return {key: one if key == "event" else _each(one, change) for key, one in value.items()}
    return value


def sound(text: str) -> str:
    """The text as UTF-8 can hold it: a name out of the environment may be bytes that are none."""
    return text.encode("utf-8", "replace").decode()

"""Papers: what the journal says, as files of a bundle: the folded state, the approvals, and which event refers to which
file. Whoever bundles and whoever verifies make them by the same functions from the same chunks.

It knows no kind of event by name: whatever an event says of a file, with its path and its digest, is found in it, so that
events that are added later are included. A text alone is no file, whatever it looks like: notes are people's, and an address
such as `settlement/final` looks like a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from crmstate.core.diagnostic import Problem
from crmstate.core.event import AnyEvent
from crmstate.core.record import State
from crmstate.store import chain, snapshot
from crmstate.store.bundle import APPROVALS, INDEX, STATE, fit
from crmstate.store.home import Home
from crmstate.store.load import Loaded
from crmstate.store.snapshot import Head

FOLDER = "evidence"
"""Beside the state: where files lie that events refer to."""


class Mention(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that refers to a file: the number of its chunk, what it is, when, by whom, of what."""

    chunk: int
    event: str
    at: str
    by: str = ""
    address: str = ""
    proof: str = ""


class Paper(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that events refer to. `sha256` and `bytes` as they say; `label`: what it was called."""

    path: str
    sha256: str = ""
    bytes: int | None = None
    label: str = ""
    mentions: tuple[Mention, ...] = ()


class Told(msgspec.Struct, frozen=True):
    """One event and the number of the chunk that it stands in."""

    chunk: int
    event: AnyEvent


def told(home: Home, upto: int) -> list[Told]:
    """Every event of the journal that can be read, what a repair set aside but for damaged chunks included."""
    found: list[Told] = []
    start = chain.segment(home, upto).start
    for number in home.numbers()[0]:
        if number > upto:
            break
        try:
            events = chain.events(home, chain.read(home, number))
        except Problem:
            if number >= start:
                raise
            continue
        found += [Told(number, event) for event in events]
    return found


def papers(happened: list[Told], state: State) -> list[Paper]:
    """Every file beside the state that an event refers to, by its path."""
    found: dict[str, Paper] = {}
    for each in happened:
        plain = msgspec.to_builtins(each.event)
        for node, address in _nodes(plain, "", state):
            for path in _paths(node):
                mention = Mention(
                    each.chunk,
                    str(plain.get("event", "")),
                    str(plain.get("at", "")),
                    str(node.get("by") or plain.get("by", "")),
                    address,
                    str(node.get("proof", "")),
                )
                before = found.get(path, Paper(path))
                found[path] = Paper(
                    path,
                    before.sha256 or _digest(path, node),
                    before.bytes if before.bytes is not None else _number(node.get("bytes")),
                    before.label or (str(node.get("note", "")) if node.get("path") == path else ""),
                    (*before.mentions, mention),
                )
    return [found[path] for path in sorted(found, key=str.encode)]


def kept(path: str) -> bool:
    """Whether a text of an event names a file beside the state, and not one in an archive."""
    return path.startswith(f"{FOLDER}/") and fit(path)


def derived(loaded: Loaded, found: list[Paper]) -> dict[str, bytes]:
    """The files that follow from the journal."""
    state = snapshot.encode(loaded.state, Head(loaded.seq, loaded.sha256))
    return {STATE: state, APPROVALS: _pretty(loaded.state.approvals), INDEX: _pretty(found)}


def _nodes(plain: Any, address: str, state: State) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object in an event, with the address of what it is about."""
    if isinstance(plain, dict):
        step = plain.get("step")
        own = plain.get("address") or (step.get("address") if isinstance(step, dict) else None)
        entry = state.entries.get(str(plain.get("id", ""))) or state.entries.get(str(step))
        address = str(own or (entry.address if entry is not None else address))
        yield plain, address
        plain = list(plain.values())
    if isinstance(plain, list | tuple):
        for inside in plain:
            yield from _nodes(inside, address, state)


def _paths(node: dict[str, Any]) -> list[str]:
    """The file that an object in an event names: none, or one."""
    path, digest = node.get("path"), node.get("sha256")
    return [path] if isinstance(path, str) and isinstance(digest, str) and digest and kept(path) else []


def _digest(path: str, node: dict[str, Any]) -> str:
    """What an event says of a file's content: its very name."""
    named = path.rpartition("/")[2]
    return named if len(named) == 64 else str(node["sha256"])


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"

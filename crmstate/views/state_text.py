"""The record itself: the states of a folder, every step on record, what happened in order. Text, Markdown and JSON by
`format`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.record import State
from crmstate.core.words import Outcome
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.mask import hidden
from crmstate.views.width import shorten
from crmstate.views.wire import encode

LABEL = 30
Mask = Callable[[str], str] | None
_LIST = ("name", "provider", "tenant", "serial", "steps", "done", "open", "exit", "verified")
_SHOW = ("verb", "address", "label", "outcome", "proof", "at")
_HISTORY = ("serial", "at", "by", "happened")


class Passage(Protocol):
    """One chunk of the journal, as the store tells of it: `events` counts them by name; `damage` is a code where it is
    damaged."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def events(self) -> Mapping[str, int]: ...
    @property
    def damage(self) -> str: ...


def state_list(states: Sequence[State], words: Catalogue, format: str = "text") -> str:
    """One row a state."""
    if format == "json":
        rows = [_brief(state) for state in states]
        return _json({"states": rows})
    safe = _for(words, format)
    if not states:
        return safe.text_of("state.none") + "\n"
    return _table(_LIST, [_list_row(state, safe) for state in states], safe, format)


def _brief(state: State) -> dict[str, object]:
    done, loose = _numbers(state)
    return {
        "name": state.name,
        "provider": state.provider,
        "tenant": state.tenant,
        "lineage": state.lineage,
        "serial": state.serial,
        "steps": len(state.entries),
        "done": done,
        "open": loose,
        "last_exit": state.last_exit,
        "verified_at": state.verified_at,
    }


def _numbers(state: State) -> tuple[int, int]:
    done = sum(entry.outcome is Outcome.DONE for entry in state.entries.values())
    return done, len(state.open())


def _list_row(state: State, words: Catalogue) -> list[str]:
    done, loose = _numbers(state)
    exit = "-" if state.last_exit is None else str(state.last_exit)
    names = [words.safe(each) or "-" for each in (state.name, state.provider, state.tenant)]
    numbers = [str(state.serial), str(len(state.entries)), str(done), str(loose), exit]
    return [*names, *numbers, words.safe(state.verified_at or "-")]


def state_show(state: State, words: Catalogue, format: str = "text", mask: Mask = None) -> str:
    """Every step on record, in the order of addresses; JSON gives the record whole. `mask`: takes people out of JSON, as
    `words` does out of the rest."""
    if format == "json":
        return _json(msgspec.to_builtins(state), mask)
    safe = _for(words, format)
    lines = [
        safe.text_of("status.head", name=state.name, provider=state.provider or "-", tenant=state.tenant or "-"),
        safe.text_of("state.serial", serial=state.serial, lineage=state.lineage or "-"),
        "",
    ]
    rows = []
    for entry in sorted(state.entries.values(), key=lambda each: (each.address, each.verb.value, each.occurrence)):
        label = safe.safe(shorten(safe.plain(entry.label), LABEL))
        proof = safe.word("proof", entry.proof.value) if entry.outcome is Outcome.DONE else "-"
        outcome = safe.word("outcome", entry.outcome.value)
        rows.append(
            [safe.word("verb", entry.verb.value), safe.safe(entry.address), label, outcome, proof, safe.safe(entry.at)]
        )
    body = _table(_SHOW, rows, safe, format) if rows else safe.text_of("state.empty") + "\n"
    holds = [
        safe.text_of("status.hold", dataset=name, who=hold.by, at=hold.at) for name, hold in sorted(state.holds.items())
    ]
    return "\n".join(lines) + "\n" + body + "".join(f"\n{each}\n" for each in holds)


def state_history(passages: Sequence[Passage], words: Catalogue, format: str = "text", mask: Mask = None) -> str:
    """One row an append of the journal, oldest first."""
    if format == "json":
        return _json({"history": [_passage(each) for each in passages]}, mask)
    safe = _for(words, format)
    rows = [
        [str(each.seq), safe.safe(each.at) or "-", safe.safe(each.by) or "-", _happened(each, safe)]
        for each in passages
    ]
    return _table(_HISTORY, rows, safe, format) if rows else safe.text_of("state.empty") + "\n"


def _passage(each: Passage) -> dict[str, object]:
    return {
        "serial": each.seq,
        "at": each.at,
        "by": each.by,
        "events": dict(each.events),
        "damage": each.damage or None,
    }


def _happened(each: Passage, words: Catalogue) -> str:
    if each.damage:
        return words.text_of("state.damaged", code=each.damage)
    parts = [words.text_of("state.event", n=n, event=name) for name, n in each.events.items()]
    return words.text_of("join.list").join(parts)


def _for(words: Catalogue, format: str) -> Catalogue:
    return words.escaping(cell) if format == "markdown" else words


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], words: Catalogue, format: str) -> str:
    head = [words.text_of(f"column.{name}") for name in names]
    lines = tables.markdown(head, rows) if format == "markdown" else tables.columns(head, rows)
    return "\n".join(lines) + "\n"


def _json(value: Mapping[str, object], mask: Mask = None) -> str:
    shown = value if mask is None else hidden(value, mask)
    return encode({"format_version": FORMAT_VERSION, **shown}).decode() + "\n"

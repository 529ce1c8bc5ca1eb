"""Moments: the events of a journal, gathered so that a person can read them: a day, what happened, to how many, how well
proved.

It shows every kind of event, also those that it has no words for: then it shows the event's own. What only serves the
machine (announcing a call, progress) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from crmstate.core.address import Address, kind_of
from crmstate.core.event import AnyEvent, Confirmed, Settled
from crmstate.core.record import State
from crmstate.core.words import Kind, Outcome, Proof
from crmstate.views.catalogue import Catalogue

SILENT = frozenset({"intended", "advanced", "reopened", "started", "finished", "progressed", "unlocked", "sending"})
LANES = ("people", "contract", "access", "data")
_LANE = {
    **dict.fromkeys((Kind.TENANT, Kind.SUBSCRIPTION, Kind.ACCOUNT, Kind.SETTLEMENT), "contract"),
    **dict.fromkeys(
        (Kind.USER, Kind.SESSION, Kind.API_KEY, Kind.INTEGRATION, Kind.MODULE, Kind.SETTING, Kind.FREEZE), "access"
    ),
    **dict.fromkeys((Kind.DATASET, Kind.BIN, Kind.ARCHIVE, Kind.CERTIFICATE, Kind.MIGRATION), "data"),
}
_SAID = (
    "address",
    "dataset",
    "what",
    "kind",
    "channel",
    "person",
    "to",
    "amount",
    "currency",
    "outcome",
    "source",
    "note",
    "why",
    "on",
    "out_of_order",
)
LONGEST = 160
_WORDS = {"channel": "channel", "kind": "contacting"}
"""Fields of events whose values are words of a vocabulary."""


class Moment(msgspec.Struct, frozen=True):
    """Equal things of one day. `at`: the first of them; `text` and `by` are other people's or the catalogue's, ready to be
    shown."""

    at: str
    lane: str
    text: str
    n: int = 1
    by: str = ""
    proof: Proof | None = None
    failed: bool = False


def moments(happened: Iterable[AnyEvent], state: State, words: Catalogue) -> list[Moment]:
    """What happened, the first first."""
    found: dict[object, Moment] = {}
    for event in happened:
        for one in _told(event, state, words):
            key = one.at[:10], one.lane, one.text, one.by, one.proof, one.failed
            before = found.get(key)
            found[key] = one if before is None else msgspec.structs.replace(before, n=before.n + one.n)
    return sorted(found.values(), key=lambda each: each.at)


def lane(place: str) -> str:
    """Where something belongs in a drawing."""
    try:
        return _LANE.get(kind_of(Address(place)), "people")
    except KeyError:
        return "people"


def _told(event: AnyEvent, state: State, words: Catalogue) -> Iterator[Moment]:
    tag = str(type(event).__struct_config__.tag)
    if tag in SILENT:
        return
    if isinstance(event, Settled):
        for result in event.results:
            entry = state.entries.get(result.id)
            if entry is None:
                continue
            what = words.word("verb", entry.verb.value), words.word("kind", _kind(entry.address))
            text = words.text_of("page.step", verb=what[0], kind=what[1], outcome=result.outcome.value)
            done = result.outcome is Outcome.DONE
            failed = result.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
            yield Moment(event.at, lane(entry.address), text, proof=result.proof if done else None, failed=failed)
        return
    plain = msgspec.to_builtins(event)
    place = str(plain.get("address") or plain.get("notice") or _step(plain, state))
    by = words.safe(str(plain.get("by", "")))
    title = words.word("event", tag)
    about = words.text_of("join.list").join(_about(plain, place, words))
    text = words.text_of("join.colon").join(each for each in (title, about) if each)
    proof = event.proof if isinstance(event, Confirmed) else None
    yield Moment(event.at, lane(place), text, by=by, proof=proof)


def _about(plain: dict[str, Any], place: str, words: Catalogue) -> list[str]:
    step = plain.get("step")
    label = str(step.get("label", "")) if isinstance(step, dict) else ""
    said = [words.safe(place), words.plain(label)]
    for name in _SAID:
        if name != "address" and isinstance(plain.get(name), str):
            said.append(words.word(_WORDS[name], plain[name]) if name in _WORDS else words.plain(plain[name]))
    return [each if len(each) <= LONGEST else each[:LONGEST] + "…" for each in said if each]


def _step(plain: dict[str, Any], state: State) -> str:
    step = plain.get("step")
    if isinstance(step, dict):
        return str(step.get("address", ""))
    entry = state.entries.get(str(step))
    if entry is not None:
        return entry.address
    steps = plain.get("steps")
    if isinstance(steps, list | tuple) and steps and isinstance(steps[0], str):
        return steps[0]
    dataset = plain.get("dataset")
    return f"{Kind.DATASET.value}/{dataset}" if isinstance(dataset, str) and "event" in plain else ""


def _kind(place: Address) -> str:
    return place.partition("/")[0]

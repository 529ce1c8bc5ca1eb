"""What happened, as it happens: one line of JSON for each event, or short lines for people.

The first line of a stream names its format version; the last is the closing (`closing.closing_json`). Labels in events
are vendor text and are escaped for people; addresses and codes are ours.
"""

from __future__ import annotations

from collections import Counter

from crmstate import __version__
from crmstate.core.event import (
    Advanced,
    Answered,
    AnyEvent,
    Finished,
    Intended,
    Pace,
    Progressed,
    Reopened,
    Settled,
    Settlement,
    Started,
    StepRef,
)
from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.words import Outcome, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.plan_parts import duration
from crmstate.views.width import shorten
from crmstate.views.wire import encode

NAMED = 3
LABEL = 40


def first_line() -> str:
    """The line that opens every stream of events."""
    return encode({"event": "format", "format_version": FORMAT_VERSION, "crmstate": __version__}).decode() + "\n"


def pace_text(pace: Pace, words: Catalogue) -> str:
    """How far a reading has come, how fast it goes, and what is left."""
    counted = words.text_of("progress.rows", n=pace.rows)
    if pace.total is not None:
        counted = words.text_of("progress.rows_of", n=pace.total, rows=f"{pace.rows:,}")
    parts = [counted, size(pace.bytes), words.text_of("progress.rate", n=pace.rate)]
    if pace.seconds_left:
        parts.append(words.text_of("progress.left", time=duration(pace.seconds_left, words)))
    return words.text_of("join.list").join(parts)


def size(bytes: int) -> str:
    """Bytes in a unit that is read at a glance."""
    amount = float(bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def event_line(event: AnyEvent | Progressed) -> str:
    """One event as one line of JSON."""
    return encode(event).decode() + "\n"


class Progress:
    """Turns events into lines for people. It remembers what was intended, until it is settled, to call it by its
    name."""

    def __init__(self, words: Catalogue) -> None:
        self._words = words
        self._open: dict[str, StepRef] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._finished = 0
        self._total = 0

    def lines(self, event: AnyEvent) -> list[str]:
        """What to say about an event; often nothing."""
        match event:
            case Started():
                self._total = event.steps
                return [self._words.text_of("progress.started", n=event.steps, id=event.plan_id)]
            case Intended():
                self._open.update((ref.id, ref) for ref in event.steps)
                return []
            case Settled():
                return self._settled(event)
            case Advanced():
                ref = self._open.get(event.step)
                if ref is not None and ref.verb is Verb.DISCARD:
                    return []
                return [self._words.text_of("progress.advanced", n=event.rows, what=self._name(event.step))]
            case Answered():
                counts = Counter(each.fate.value for each in event.results)
                for fate, n in counts.items():
                    self._told[event.notice, fate] = self._told.get((event.notice, fate), 0) + n
                found = [(fate, n) for (notice, fate), n in self._told.items() if notice == event.notice]
                parts = self._words.text_of("join.list").join(
                    f"{n:,} {self._words.word('fate', fate)}" for fate, n in found
                )
                return [f"{self._words.safe(event.notice)}{self._words.text_of('join.colon')}{parts}"]
            case Reopened():
                return [self._words.text_of("progress.reopened", n=len(event.steps))]
            case Finished():
                return []
            case _:
                return []

    def _settled(self, event: Settled) -> list[str]:
        counts = Counter(result.outcome for result in event.results)
        self._finished += counts[Outcome.DONE]
        lines = []
        for outcome in Outcome:
            same = [result for result in event.results if result.outcome is outcome]
            if same and outcome is not Outcome.INTENDED:
                lines.append(self._batch(outcome, same))
        for result in event.results:
            self._open.pop(result.id, None)
        return lines

    def _batch(self, outcome: Outcome, same: list[Settlement]) -> str:
        words = self._words
        names = [self._name(result.id) for result in same[:NAMED]]
        if len(same) > NAMED:
            names.append(words.text_of("fold.more", n=len(same) - NAMED))
        what = words.text_of("join.list").join(names)
        line = f"{words.word('outcome', outcome.value)}{words.text_of('join.colon')}{what}"
        return f"[{self._finished}/{self._total}] {line}" if self._total else line

    def _name(self, step_id: str) -> str:
        ref = self._open.get(step_id)
        if ref is None:
            return self._words.safe(step_id)
        words = self._words
        label = f" {words.safe(shorten(words.plain(ref.label), LABEL))}" if ref.label else ""
        return f"{words.word('verb', ref.verb.value)} {words.safe(ref.address)}{label}"

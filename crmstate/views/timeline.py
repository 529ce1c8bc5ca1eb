"""Timeline: moments and dates to come as a drawing: lanes, dots and a scale, in whole numbers, 360 wide, so that it can be
read on a phone. It draws nothing itself: a template puts the numbers into SVG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from crmstate.core.words import Proof
from crmstate.views.catalogue import Catalogue
from crmstate.views.dates import moment
from crmstate.views.moments import LANES, Moment

WIDTH, LEFT, RIGHT, FIRST, STEP = 360, 8, 352, 22, 38
TEXT = 60
"""How wide the text of a day is."""
SLOT = 7
"""Dots that would lie closer are one dot."""
FEWEST = timedelta(days=1)
_SCALES = (1, 2, 7, 14, 31, 61, 92, 183, 366, 731, 1827, 3653)


class Tick(msgspec.Struct, frozen=True):
    x: int
    text: str
    anchor: str


class Lane(msgspec.Struct, frozen=True):
    y: int
    title: str


class Dot(msgspec.Struct, frozen=True):
    """`tone`: a proof's name, failed, or nothing; `ahead`: still to come."""

    x: int
    y: int
    size: int
    tone: str
    text: str
    ahead: bool = False


class Key(msgspec.Struct, frozen=True):
    tone: str
    text: str


class Drawing(msgspec.Struct, frozen=True):
    """Everything that a template needs, in the units of its own view box."""

    title: str
    width: int
    height: int
    top: int
    bottom: int
    left: int
    right: int
    lanes: tuple[Lane, ...]
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[Key, ...]
    now: int | None = None


class Coming(msgspec.Struct, frozen=True):
    """A date to come: when, in which lane, and what it is."""

    at: str
    lane: str
    text: str


def drawing(past: Sequence[Moment], coming: Sequence[Coming], now: str, words: Catalogue) -> Drawing | None:
    """The drawing; None where nothing has a date. What is to come much later than all that happened took is left out of
    it."""
    dated = [(at, each) for each in past if (at := moment(each.at)) is not None]
    today = moment(now)
    if not dated:
        return None
    start = min(at for at, _ in dated)
    last = max([at for at, _ in dated] + ([today] if today is not None else []))
    limit = last + max(last - start, timedelta(days=120))
    ahead = [(at, each) for each in coming if (at := moment(each.at)) is not None and start <= at <= limit]
    end = max([last, *(at for at, _ in ahead)])
    if end - start < FEWEST:
        end = start + FEWEST
    used = [
        each for each in LANES if any(one.lane == each for _, one in dated) or any(one.lane == each for _, one in ahead)
    ]
    rows = {name: FIRST + number * STEP for number, name in enumerate(used)}
    scale = _Scale(start, end)
    dots = [*_happened(dated, rows, scale, words)]
    dots += [Dot(scale.x(at), rows[each.lane], 6, "ahead", each.text, True) for at, each in ahead]
    bottom = FIRST + (len(used) - 1) * STEP + 10
    return Drawing(
        title=words.text_of("page.timeline"),
        width=WIDTH,
        height=bottom + 20,
        top=2,
        bottom=bottom,
        left=LEFT,
        right=RIGHT,
        lanes=tuple(Lane(rows[name], words.word("lane", name)) for name in used),
        dots=tuple(dots),
        ticks=tuple(scale.ticks()),
        legend=tuple(_legend(dots, words)),
        now=scale.x(today) if today is not None and start <= today <= end else None,
    )


class _Scale:
    """From times to places."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.start, self.end = start, end

    def x(self, at: datetime) -> int:
        share = (at - self.start) / (self.end - self.start)
        return LEFT + round(share * (RIGHT - LEFT))

    def ticks(self) -> list[Tick]:
        """Days at even distances, at most five, and none where there is no room for its text."""
        days = max((self.end - self.start).days, 1)
        every = next((each for each in _SCALES if days / each <= 4), _SCALES[-1])
        first = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        found: list[Tick] = []
        free = 0
        for number in range(7):
            at = first + timedelta(days=every * number)
            if not self.start <= at <= self.end and number:
                continue
            x = self.x(max(at, self.start))
            anchor = "start" if x < TEXT // 2 else "end" if x > WIDTH - TEXT // 2 else "middle"
            left = {"start": x, "middle": x - TEXT // 2, "end": x - TEXT}[anchor]
            if left < free:
                continue
            free = left + TEXT + 8
            found.append(Tick(x, at.date().isoformat(), anchor))
        return found


def _happened(
    dated: Sequence[tuple[datetime, Moment]], rows: dict[str, int], scale: _Scale, words: Catalogue
) -> list[Dot]:
    """One dot for what would lie on top of each other: as large as it is many, as weakly proved as the weakest."""
    slots: dict[tuple[str, int], list[Moment]] = {}
    for at, each in dated:
        slots.setdefault((each.lane, (scale.x(at) - LEFT) // SLOT), []).append(each)
    found = []
    for (lane, slot), same in sorted(slots.items(), key=lambda each: (rows[each[0][0]], each[0][1])):
        n = sum(each.n for each in same)
        text = words.text_of("join.semicolon").join(each.text for each in same[:5])
        x = min(LEFT + slot * SLOT + SLOT // 2, RIGHT)
        found.append(Dot(x, rows[lane], 3 + min(n.bit_length(), 5), _tone(same), f"{same[0].at[:10]} {text}"))
    return found


def _tone(same: Sequence[Moment]) -> str:
    if any(each.failed for each in same):
        return "failed"
    proofs = [each.proof for each in same if each.proof is not None]
    return max(proofs, key=list(Proof).index).value if proofs else ""


def _legend(dots: Sequence[Dot], words: Catalogue) -> list[Key]:
    tones = {each.tone for each in dots}
    keys = [Key(proof.value, words.word("proof", proof.value)) for proof in Proof if proof.value in tones]
    keys += [Key(tone, words.word("tone", tone or "other")) for tone in ("failed", "ahead", "") if tone in tones]
    return keys

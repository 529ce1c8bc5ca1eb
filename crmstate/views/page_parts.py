"""Page parts: what a report and a bundle's summary share: the claim, what is waited for, what falls due, the drawing, how
well each kind is proved, holds and approvals."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.cost import Cost
from crmstate.core.life import Life
from crmstate.core.words import Outcome, Verb
from crmstate.views.ahead import Due, ahead
from crmstate.views.catalogue import Catalogue
from crmstate.views.contract_lines import cost_lines, life_lines
from crmstate.views.dates import away, lasting, shown, tone
from crmstate.views.moments import Moment, lane
from crmstate.views.page import Card, Cell, Section, Tile
from crmstate.views.standing import From, Standing, Wait
from crmstate.views.status_text import PARTS, claim, gathered, late_one, sentence
from crmstate.views.timeline import Coming, drawing

MOST = 60
"""Cards, rows and lines of one section; the rest is counted."""
NAMES = 5
"""Of equal things, as many are named."""


def tone_of(found: Standing) -> str:
    """good, open or bad: of the claim."""
    if found.overdue or any(wait.outcome in (Outcome.FAILED, Outcome.UNKNOWN) for wait in found.waits):
        return "bad"
    return "good" if found.finished else "open"


def tiles(found: Standing, now: str, words: Catalogue) -> tuple[Tile, ...]:
    """The numbers that are read first."""
    done, asked = sum(part.done for part in found.parts), sum(part.requested for part in found.parts)
    lost = sum(part.failed + part.unknown + part.intended for part in found.parts)
    left = sum(part.to_do for part in found.parts)
    made = [Tile(f"{done:,}", words.text_of("page.done"), "good" if done else "")]
    made.append(Tile(f"{asked:,}", words.text_of("page.asked"), "open" if asked else ""))
    if lost:
        made.append(Tile(f"{lost:,}", words.text_of("page.lost"), "bad"))
    if found.planned:
        made.append(Tile(f"{left:,}", words.text_of("page.left"), "open" if left else ""))
    made.append(Tile(f"{len(found.waits):,}", words.text_of("page.waits"), "open" if found.waits else ""))
    dues = ahead(found)
    if dues:
        how = {"late": "bad", "soon": "open", "": ""}[tone(dues[0].at, now)]
        made.append(Tile(away(dues[0].at, now, words) or shown(dues[0].at, words), words.text_of("page.next"), how))
    return tuple(made)


def overdue(found: Standing, words: Catalogue) -> Section | None:
    """What is late, the longest first, with what that costs."""
    late = found.overdue
    if not late:
        return None
    items = tuple(late_one(each, words) for each in late[:MOST])
    return Section("overdue", words.text_of("page.overdue"), items=items, more=_more(len(late), words))


def due(found: Standing, now: str, words: Catalogue) -> Section | None:
    """What falls due next, and what it costs to miss it."""
    dues = ahead(found)
    if not dues:
        return None
    cards = tuple(_due(each, now, words) for each in dues[:MOST])
    return Section("due", words.text_of("page.due"), cards=cards, more=_more(len(dues), words))


def _due(each: Due, now: str, words: Catalogue) -> Card:
    when = words.text_of("join.list").join(part for part in (shown(each.at, words), away(each.at, now, words)) if part)
    lines = [words.text(each.why)] if each.why is not None and each.verb is not None else []
    if each.who:
        lines.append(words.text_of("page.who", who=each.who))
    then = words.text_of("join.semicolon")
    if each.missed:
        lines.append(words.text_of("page.missed", what=then.join(words.text(part) for part in each.missed)))
    if each.explanation:
        lines.append(then.join(words.text(part) for part in each.explanation))
    if each.verb is None:
        title = words.text(each.why) if each.why is not None else words.safe(each.address)
    else:
        title = thing(each.verb.value, each.address, each.label, words)
    return Card(title, when, tuple(lines), tone(each.at, now))


def thing(verb: str, address: str, label: str, words: Catalogue) -> str:
    """A step, as a heading."""
    named = words.plain(label)
    if named and verb == Verb.CONFIRM:
        return named
    return f"{words.word('verb', verb)} {named or words.safe(address)}"


def waits(found: Standing, source: From, now: str, words: Catalogue) -> Section | None:
    """What is waited for from one side: on whom, since when, until when, why."""
    mine = gathered([wait for wait in found.waits if wait.source is source])
    if not mine:
        return None
    cards = tuple(_wait(same, now, words) for same in mine[:MOST])
    title = words.text_of("plan.section", title=words.word("waits", source.value), n=sum(map(len, mine)))
    return Section(f"waits-{source.value}", title, cards=cards, more=_more(len(mine), words))


def _wait(same: Sequence[Wait], now: str, words: Catalogue) -> Card:
    first = same[0]
    title = thing(first.verb.value, first.address, first.label, words)
    if len(same) > 1:
        title = words.text_of("page.several", verb=first.verb.value, n=len(same))
    since = lasting(first.since, now, words)
    lead = [words.safe(first.who), words.text_of("page.since", days=since) if since else ""]
    if first.until:
        until = "page.due_by" if first.source is From.PERSON else "page.until"
        lead += [words.text_of(until, at=shown(first.until, words)), away(first.until, now, words)]
    plain = msgspec.structs.replace(first, who="", until=None, since=shown(first.since, words) or None)
    lines = [sentence(plain, words)]
    if len(same) > 1:
        names = [words.plain(each.label) or words.safe(each.address) for each in same[:NAMES]]
        more = words.text_of("fold.more", n=len(same) - NAMES) if len(same) > NAMES else ""
        lines.append(words.text_of("join.list").join([*names, *([more] if more else [])]))
    late = tone(first.until, now) or ("late" if first.outcome in (Outcome.FAILED, Outcome.UNKNOWN) else "")
    by = words.text_of("join.list")
    return Card(title, by.join(each for each in lead if each), tuple(each for each in lines if each), late)


def timeline(found: Standing, past: Sequence[Moment], now: str, words: Catalogue) -> Section | None:
    """The drawing, with what is to come."""
    coming = [Coming(each.at, lane(each.address), _due(each, now, words).title) for each in ahead(found)]
    drawn = drawing(past, coming, now, words)
    return Section("timeline", words.text_of("page.timeline"), drawing=drawn) if drawn is not None else None


def proofs(found: Standing, words: Catalogue) -> Section | None:
    """One row a kind: never more is claimed than the weakest link."""
    if not found.parts:
        return None
    rows = []
    for part in found.parts:
        numbers = (part.done, part.requested, part.unknown + part.intended, part.failed, part.to_do)
        cells = [
            Cell(words.word("kinds", part.kind.value)),
            *(Cell(f"{n:,}", "number") if n else Cell("–", "number nothing") for n in numbers),
        ]
        proof = Cell(words.word("proof", part.proof.value), part.proof.value) if part.done else Cell("–", "nothing")
        rows.append((*cells, proof))
    columns = tuple(words.text_of(f"column.{name}") for name in PARTS)
    return Section(
        "proofs", words.text_of("page.proofs"), words.text_of("page.rule"), columns=columns, rows=tuple(rows)
    )


def protections(found: Standing, words: Catalogue) -> Section | None:
    """Holds and approvals on record."""
    items = [
        words.text_of("status.hold", dataset=name, who=hold.by, at=shown(hold.at, words))
        for name, hold in sorted(found.holds.items())
    ]
    items += [
        words.text_of("page.approval", who=each.by, at=shown(each.at, words), source=each.source, digest=each.digest)
        for each in found.approvals
    ]
    return Section("protections", words.text_of("page.protections"), items=tuple(items)) if items else None


def contract(life: Life | None, cost: Cost | None, words: Catalogue) -> tuple[Section | None, Section | None]:
    """Where the subscription stands, and what its end costs and saves."""
    return (
        _listing("life", words.text_of("plan.life"), life_lines(life, words)),
        _listing("cost", words.text_of("plan.cost"), cost_lines(cost, words)),
    )


def _listing(name: str, title: str, lines: Sequence[str]) -> Section | None:
    return Section(name, title, items=tuple(lines)) if lines else None


def about(found: Standing, now: str, words: Catalogue) -> str:
    """Whose end it is, and as of when."""
    who = words.text_of("page.about", provider=found.vendor or "-", tenant=found.tenant or "-")
    return words.text_of("join.list").join((who, words.text_of("page.as_of", at=shown(now, words))))


def claimed(found: Standing, words: Catalogue) -> str:
    """The one sentence."""
    return claim(found, words)


def _more(n: int, words: Catalogue) -> str:
    return words.text_of("fold.more", n=n - MOST) if n > MOST else ""


def some(*sections: Section | None) -> tuple[Section, ...]:
    """Those that have something to say."""
    return tuple(each for each in sections if each is not None)

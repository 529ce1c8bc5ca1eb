"""Where everything stands, for people and for machines: `standing.standing()` as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crmstate.core.life import Life
from crmstate.core.plan import FORMAT_VERSION, Deadline, Plan
from crmstate.core.record import State
from crmstate.core.reminders import Late
from crmstate.core.words import Outcome
from crmstate.views import tables
from crmstate.views.ahead import ahead
from crmstate.views.catalogue import Catalogue
from crmstate.views.contract_lines import life_lines
from crmstate.views.dates import shown
from crmstate.views.escape import cell
from crmstate.views.notices import heads, sent_rows, sent_text
from crmstate.views.paint import Ink, ink
from crmstate.views.plan_parts import deadlines, said, talk, timeline, titled
from crmstate.views.standing import From, Part, Standing, Wait, standing
from crmstate.views.watching import said as watched
from crmstate.views.width import shorten
from crmstate.views.wire import encode

FOLD = 10
FOLD_MARKDOWN = 50
LABEL = 30
PARTS = ("kind", "done", "requested", "unknown", "failed", "to_do", "weakest")


class Moment(msgspec.Struct, frozen=True):
    """When it is asked where things stand (ISO 8601 UTC), what is late by then, by step id; the life of the subscription,
    and what the contract calls the vendor, where no plan says them, and whether people and papers have something to prove of
    which no record speaks yet."""

    now: str = ""
    late: Mapping[str, Late] = {}
    life: Life | None = None
    vendor: str = ""
    owed: bool = False


NEVER = Moment()


def status_json(
    state: State, plan: Plan | None, words: Catalogue, dates: Sequence[Deadline] = (), at: Moment = NEVER
) -> str:
    """One object: `format_version`, the standing, and for every wait what it says in words."""
    found = standing(state, plan, tuple(dates), now=at.now, late=at.late, life=at.life, vendor=at.vendor, owed=at.owed)
    plain = msgspec.to_builtins(found)
    for row, wait in zip(plain["waits"], found.waits, strict=True):
        row["summary"] = sentence(wait, words)
    return encode({"format_version": FORMAT_VERSION, **plain}).decode() + "\n"


def status_text(
    state: State,
    plan: Plan | None,
    words: Catalogue,
    dates: Sequence[Deadline] = (),
    at: Moment = NEVER,
    *,
    color: bool = False,
    full: bool = False,
) -> str:
    """For a terminal."""
    found, paint = (
        standing(state, plan, tuple(dates), now=at.now, late=at.late, life=at.life, vendor=at.vendor, owed=at.owed),
        ink(color),
    )
    about = titled("plan.life", life_lines(found.life, words), words, paint)
    parts = [
        head(found, words, paint),
        table(found, words),
        sent_text(found.notices, words),
        protections(found, words),
        about,
    ]
    for source in From:
        parts += waits(found, source, words, paint, full)
    parts += [deadlines(found.deadlines, words, paint), [last(found, words), *looks(found, words)]]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def head(found: Standing, words: Catalogue, paint: Ink) -> list[str]:
    """Whose end it is, and the one honest sentence about it."""
    title = words.text_of("status.head", name=found.name, provider=found.provider or "-", tenant=found.tenant or "-")
    lines = [paint("bold", title), paint("green" if found.finished else "yellow", claim(found, words))]
    if not found.planned:
        lines.append(words.text_of("status.offline"))
    return [*lines, *(paint("red", each) for each in overdue(found, words)), *next_due(found, words)]


def overdue(found: Standing, words: Catalogue) -> list[str]:
    """What is late, the longest first: a missed last day with what it costs."""
    lines = [words.text_of("status.late", what=late_one(each, words)) for each in found.overdue[:FOLD]]
    more = len(found.overdue) - FOLD
    return [*lines, *([words.text_of("fold.more", n=more)] if more > 0 else [])]


def late_one(each: Late, words: Catalogue) -> str:
    """One thing that is late: what, since when, on whom, and what it costs."""
    by = words.text_of("join.list")
    who = words.safe(each.who)
    if each.why is not None:
        costs = words.text_of("join.semicolon").join(words.text(part) for part in each.costs)
        return by.join(part for part in (words.text(each.why), costs, who) if part)
    what = f"{words.word('verb', each.verb.value)} {words.safe(shorten(words.plain(each.label), LABEL)) or words.safe(each.address)}"
    return by.join(part for part in (what, words.text_of("status.since", value=shown(each.since, words)), who) if part)


def next_due(found: Standing, words: Catalogue) -> list[str]:
    """What falls due first: when, what, and who has to see to it."""
    dues = ahead(found)
    if not dues:
        return []
    first = dues[0]
    label = words.safe(shorten(words.plain(first.label), LABEL)) or words.safe(first.address)
    what = words.text(first.why) if first.verb is None and first.why is not None else label
    if first.verb is not None:
        what = f"{words.word('verb', first.verb.value)} {label}"
    parts = [shown(first.at, words), what, words.safe(first.who)]
    return [words.text_of("status.next", what=words.text_of("join.list").join(each for each in parts if each))]


def claim(found: Standing, words: Catalogue) -> str:
    """What may be said of the whole: never more than its weakest link."""
    if found.finished:
        return words.text_of("status.finished", proof=found.proof.value)
    if not found.parts:
        return words.text_of("status.nothing")
    done = sum(part.done for part in found.parts)
    if not done:
        return words.text_of("status.none_done")
    return words.text_of("status.under_way", n=done, proof=found.proof.value)


def table(found: Standing, words: Catalogue) -> list[str]:
    """One row a kind."""
    rows = [_part(part, words) for part in found.parts]
    return tables.columns([words.text_of(f"column.{name}") for name in PARTS], rows, "  ")


def _part(part: Part, words: Catalogue) -> list[str]:
    numbers = (part.done, part.requested, part.unknown + part.intended, part.failed, part.to_do)
    proof = words.word("proof", part.proof.value) if part.done else "-"
    return [words.word("kinds", part.kind.value), *(f"{n:,}" if n else "-" for n in numbers), proof]


def protections(found: Standing, words: Catalogue) -> list[str]:
    """Holds and approvals on record."""
    lines = [
        words.text_of("status.hold", dataset=name, who=hold.by, at=hold.at)
        for name, hold in sorted(found.holds.items())
    ]
    lines += [words.text_of("status.approval", who=each.by, at=each.at, digest=each.digest) for each in found.approvals]
    lines += [
        words.text_of("status.waiver", address=each.address, who=each.by, until=each.until, note=each.note)
        for each in found.waivers
    ]
    return [*overtaken(found, words), *lines]


def overtaken(found: Standing, words: Catalogue) -> list[str]:
    """What is gone for good and was recorded before its turn: above all what no archive has."""
    return [
        words.text_of(
            "status.out_of_order", address=each.address, verb=each.verb.value, who=each.by or "-", at=each.at,
            text=each.why, what="order" if each.archived else "archive",
        )
        for each in found.out_of_order
    ]  # fmt: skip


def waits(found: Standing, source: From, words: Catalogue, paint: Ink, full: bool) -> list[list[str]]:
    """What is waited for from one side: a heading and its rows."""
    mine = [wait for wait in found.waits if wait.source is source]
    if not mine:
        return []
    title = words.text_of("plan.section", title=words.word("waits", source.value), n=len(mine))
    lines = [paint("bold", title)]
    for same in gathered(mine):
        shown = same if full or len(same) <= FOLD + 1 else same[:FOLD]
        for wait in shown:
            label = words.safe(shorten(words.plain(wait.label), LABEL))
            row = f"  {words.word('verb', wait.verb.value)}  {words.safe(wait.address)}  {label}".rstrip()
            lines.append(row)
        if len(same) > len(shown):
            lines.append("    " + words.text_of("fold.more", n=len(same) - len(shown)))
        lines.append(f"    {sentence(same[0], words)}")
    return [lines]


def gathered(found: Sequence[Wait]) -> list[list[Wait]]:
    """What is waited for for the same reason, together."""
    groups: dict[object, list[Wait]] = {}
    for wait in found:
        why = said(wait.why) if wait.why is not None else None
        key = (
            wait.verb,
            wait.who,
            wait.outcome,
            wait.since,
            wait.until,
            wait.request_id,
            wait.overdue,
            wait.contact,
            why,
        )
        groups.setdefault(key, []).append(wait)
    return list(groups.values())


def sentence(wait: Wait, words: Catalogue) -> str:
    """What is waited for, from whom, since when, until when, and why."""
    facts: Mapping[str, str | None] = {
        "who": wait.who,
        "since": wait.since,
        "until": wait.until,
        "request": wait.request_id,
    }
    found = [words.word("outcome", wait.outcome.value)] if wait.outcome is not None else []
    found += [words.text_of(f"status.{name}", value=value) for name, value in facts.items() if value]
    if wait.acknowledged is not None:
        found.append(words.text_of("status.acknowledged", value=wait.acknowledged))
    if wait.missed is not None:
        found[:0] = [words.text(wait.missed), *(words.text(each) for each in wait.costs)]
    elif wait.overdue is not None:
        found.insert(0, words.text_of("status.overdue", at=wait.overdue, who=wait.escalated_to or "-"))
    if wait.proof is not None:
        found.append(words.text_of("fact.proof", proof=wait.proof.value))
    if wait.contact is not None:
        found.append(talk(wait.contact, words))
    lead = words.text_of("join.list").join(found)
    why = words.text(wait.why) if wait.why is not None else ""
    if wait.outcome is Outcome.UNKNOWN:
        why = words.text_of("status.unknown")
    return words.text_of("join.colon").join(each for each in (lead, why) if each)


def last(found: Standing, words: Catalogue) -> str:
    """When it was last run and last verified."""
    if found.last_run is None:
        return words.text_of("status.never")
    exit = "-" if found.last_exit is None else str(found.last_exit)
    return words.text_of("status.last", run=found.last_run, exit=exit, serial=found.serial, at=found.verified_at or "-")


def looks(found: Standing, words: Catalogue) -> list[str]:
    """How often was looked after the end, and what came of it."""
    return [watched(found.watch, words)] if found.watch is not None else []


def status_markdown(
    state: State, plan: Plan | None, words: Catalogue, dates: Sequence[Deadline] = (), at: Moment = NEVER
) -> str:
    """For a ticket or a pull request."""
    found, safe = (
        standing(state, plan, tuple(dates), now=at.now, late=at.late, life=at.life, vendor=at.vendor, owed=at.owed),
        words.escaping(cell),
    )
    title = safe.text_of("status.head", name=found.name, provider=found.provider or "-", tenant=found.tenant or "-")
    lines = [f"## {title}", "", claim(found, safe), *overdue(found, safe), *next_due(found, safe)]
    rows = [_part(part, safe) for part in found.parts]
    lines += ["", *tables.markdown([safe.text_of(f"column.{name}") for name in PARTS], rows)]
    if found.notices:
        lines += [
            "",
            f"### {safe.text_of('told.title')}",
            "",
            *tables.markdown(heads(safe), sent_rows(found.notices, safe)),
        ]
    lines += ["", *(f"- {each}" for each in protections(found, safe))]
    about = life_lines(found.life, safe)
    if about:
        lines += ["", f"### {safe.text_of('plan.life')}", "", *(f"- {each}" for each in about)]
    for source in From:
        mine = [wait for wait in found.waits if wait.source is source]
        if mine:
            lines += ["", f"### {safe.word('waits', source.value)}", ""]
            shown = [
                [
                    safe.word("verb", wait.verb.value),
                    safe.safe(wait.address),
                    safe.safe(wait.label[:200]),
                    sentence(wait, safe),
                ]
                for wait in mine[:FOLD_MARKDOWN]
            ]
            lines += tables.markdown(
                [safe.text_of(f"column.{name}") for name in ("verb", "address", "label", "why")], shown
            )
        if len(mine) > FOLD_MARKDOWN:
            lines += ["", safe.text_of("fold.more", n=len(mine) - FOLD_MARKDOWN)]
    if found.deadlines:
        lines += ["", f"### {safe.text_of('plan.deadlines')}", ""]
        lines += timeline(found.deadlines, safe)
    lines += ["", last(found, safe), *looks(found, safe)]
    return "\n".join(lines) + "\n"

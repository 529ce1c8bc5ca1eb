"""What the text and the Markdown of a plan share: steps in the plan's own order, gathered into groups of equals, and
the facts of one step.

Nothing is decided here: the order is the plan's, and a group is only a way of saying the same sentence once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

import msgspec

from crmstate.core.message import Message, Param
from crmstate.core.order import Stage, earlier
from crmstate.core.plan import Blocked, Deadline, Estimate, Plan, Step
from crmstate.core.words import Mode, Undo, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.paint import Ink

_PLACES = {stage.value: number for number, stage in enumerate(Stage)}
_MAKES = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA, Verb.RESTORE_TEST, Verb.NOTIFY, Verb.REQUEST, Verb.CONFIRM})
_CHANGES = frozenset({Verb.PAUSE, Verb.RESUME, Verb.DOWNGRADE, Verb.RESET, Verb.RENEW_OFF})
SHOWN_NEEDS = 2


class Group(msgspec.Struct):
    """Steps that differ only in what they act on. `irreversible` and `mode` hold for each of them."""

    stage: str
    why: Message
    verb: Verb
    mode: Mode
    irreversible: bool
    steps: list[Step]


def stages(plan: Plan) -> list[str]:
    """The stages of a plan's steps in the order in which they run; where the plan leaves it open, as `core.order`
    lists them."""
    wanted = dict.fromkeys(step.stage for step in plan.steps)
    left = {stage: set(firsts) for stage, firsts in earlier(plan.order).items()}
    left.update({stage: set() for stage in wanted if stage not in left})
    later: dict[str, list[str]] = {}
    for stage, firsts in left.items():
        for first in firsts:
            later.setdefault(first, []).append(stage)
    heap: list[tuple[int, str]] = []
    for stage, firsts in left.items():
        if not firsts:
            heappush(heap, (_PLACES.get(stage, -1), stage))
    found: list[str] = []
    while heap:
        _, stage = heappop(heap)
        found.append(stage)
        for after in later.get(stage, ()):
            left[after].discard(stage)
            if not left[after]:
                heappush(heap, (_PLACES.get(after, -1), after))
    found += sorted(set(wanted) - set(found))
    return [stage for stage in found if stage in wanted]


def groups(plan: Plan) -> list[Group]:
    """All steps, gathered: stages in order, and in each the groups in the order of their first step."""
    found: dict[str, dict[object, Group]] = {stage: {} for stage in stages(plan)}
    for step in plan.steps:
        irreversible = step.irreversible
        key = (step.verb, step.mode, irreversible, said(step.why), step.runbook)
        group = found[step.stage].get(key)
        if group is None:
            group = found[step.stage][key] = Group(step.stage, step.why, step.verb, step.mode, irreversible, [])
        group.steps.append(step)
    return [group for inside in found.values() for group in inside.values()]


def gathered(blocked: Iterable[Blocked]) -> list[list[Blocked]]:
    """Blocked things with equal reason, owner and date, together."""
    found: dict[object, list[Blocked]] = {}
    for each in blocked:
        found.setdefault((each.verb, said(each.why), each.owner, each.due), []).append(each)
    return list(found.values())


def said(message: Message) -> tuple[str, tuple[tuple[str, Param], ...]]:
    """A message as a key."""
    return message.code, tuple(message.params.items()) if message.params else ()


def runbook(group: Group, words: Catalogue) -> list[str]:
    """How a person does it, line by line; nothing where no vendor's file says so."""
    code = group.steps[0].runbook
    return words.text_of(code).splitlines() if code else []


def symbol(step: Step | Group) -> str:
    """One letter for a step: `!` irreversible, `-` ends something, `+` makes something, `~` changes it, `@` a person,
    `…` time."""
    if step.irreversible:
        return "!"
    if step.mode is Mode.MANUAL:
        return "@"
    if step.mode is Mode.WAIT:
        return "…"
    if step.verb in _MAKES:
        return "+"
    return "~" if step.verb in _CHANGES else "-"


def stage_title(stage: str, words: Catalogue) -> str:
    """The heading of a stage; what a person or an open section stands in has one heading for all."""
    head, slash, _ = stage.partition("/")
    return words.word("stage", head if slash else stage)


def facts(step: Step, words: Catalogue, by_id: Mapping[str, Step]) -> list[str]:
    """What else a reviewer needs to know of one step: what makes it final, how much, when, by whom, proved by what,
    after what."""
    found: list[str] = []
    if step.irreversible:
        found.append(words.text_of("fact.irreversible"))
    elif step.undo is Undo.WINDOW:
        found.append(words.text_of("fact.window"))
    if step.rows is not None:
        code = "fact.recipients" if step.verb is Verb.NOTIFY else "fact.rows"
        found.append(words.text_of(code, n=step.rows))
    found += _arguments(step, words)
    if step.not_before:
        found.append(words.text_of("fact.not_before", at=step.not_before))
    if step.deadline:
        found.append(words.text_of("fact.deadline", at=step.deadline))
    if step.owner:
        found.append(words.text_of("fact.owner", who=step.owner))
    if step.proof is not None:
        found.append(words.text_of("fact.proof_files" if step.files else "fact.proof", proof=step.proof.value))
    if step.needs:
        found += _needs(step, words, by_id)
    return found


def _arguments(step: Step, words: Catalogue) -> list[str]:
    args = step.args
    if args is None:
        return []
    pairs = {
        "effective": args.effective,
        "starts": args.starts,
        "until": args.until,
        "to": args.to,
        "transfer": args.transfer_to,
    }
    return [words.text_of(f"fact.{name}", value=value) for name, value in pairs.items() if value]


def _needs(step: Step, words: Catalogue, by_id: Mapping[str, Step]) -> list[str]:
    places = dict.fromkeys(by_id[need].address for need in step.needs if need in by_id)
    others = [place for place in places if place != step.address]
    if not others:
        return []
    if len(others) > SHOWN_NEEDS:
        return [words.text_of("fact.needs_many", n=len(others))]
    return [words.text_of("fact.needs", what=", ".join(others))]


def dated(dates: Iterable[Deadline], words: Catalogue) -> list[str]:
    """Each date to come, and what falls due on it."""
    return [f"{each.at}{words.text_of('join.colon')}{words.text(each.why)}" for each in dates]


def deadlines(dates: Sequence[Deadline], words: Catalogue, paint: Ink) -> list[str]:
    """The dates to come, below their heading."""
    lines = [paint("bold", words.text_of("plan.deadlines"))] if dates else []
    for each, line in zip(dates, dated(dates, words), strict=True):
        lines += [f"  {line}", *(paint("dim", f"      {part}") for part in explained(each, words))]
    return lines


def explained(each: Deadline, words: Catalogue) -> list[str]:
    """How a date came about, what it costs to miss it, and whose it is."""
    then = words.text_of("join.then")
    found = []
    if each.explanation:
        why = then.join(words.text(part) for part in each.explanation)
        found.append(words.text_of("due.explained", why=why))
    if each.missed:
        found.append(words.text_of("due.missed", what=then.join(words.text(part) for part in each.missed)))
    if each.owner:
        found.append(words.text_of("fact.owner", who=each.owner))
    return found


def timeline(dates: Iterable[Deadline], words: Catalogue) -> list[str]:
    """The dates to come as a Markdown list, with what stands behind each of them below it."""
    lines: list[str] = []
    for each in dates:
        lines += [f"- {line}" for line in dated([each], words)]
        lines += [f"  - {part}" for part in explained(each, words)]
    return lines


def titled(code: str, lines: Sequence[str], words: Catalogue, paint: Ink) -> list[str]:
    """Lines below their heading; nothing where there are none."""
    return [paint("bold", words.text_of(code)), *(f"  {each}" for each in lines)] if lines else []


def duration(seconds: int, words: Catalogue) -> str:
    """A length of time in its largest fitting unit, rounded up; hours to a tenth."""
    if 7_200 <= seconds < 172_800:
        tenths = -(-seconds // 360)
        return words.text_of("duration.hours", hours=f"{tenths // 10}.{tenths % 10}")
    for unit, size in (("days", 172_800), ("minutes", 120)):
        if seconds >= size:
            per = {"days": 86_400, "minutes": 60}[unit]
            return words.text_of(f"duration.{unit}", n=-(-seconds // per))
    return words.text_of("duration.seconds", n=seconds)


def costs(found: Estimate, words: Catalogue) -> list[str]:
    """What carrying it out costs at the vendor."""
    if not found.calls:
        return []
    parts = [words.text_of("estimate.calls", n=found.calls)]
    if found.seconds:
        parts.append(words.text_of("estimate.time", time=duration(found.seconds, words)))
    if found.days_of_quota:
        parts.append(words.text_of("estimate.quota", n=found.days_of_quota))
    lines = [words.text_of("plan.estimate", parts=words.text_of("join.list").join(parts))]
    if len(found.of) > 1:
        for_what = [
            words.text_of("estimate.other", n=calls)
            if verb == "other"
            else words.text_of("estimate.of", verb=verb, n=calls)
            for verb, calls in found.of.items()
        ]
        lines.append("  " + words.text_of("join.list").join(for_what))
    if found.uncounted:
        lines.append("  " + words.text_of("estimate.uncounted", n=found.uncounted))
    return lines


def counted(kinds: Mapping[str, int], words: Catalogue) -> str:
    """Counts by kind: `200 users, 12 API keys`."""
    listed = [words.text_of("count.kind", n=n, kind=kind) for kind, n in kinds.items() if n]
    return words.text_of("join.list").join(listed)

"""The closing table of an apply: what is done, and for everything that is not, why, and what to do next.

Done steps are counted, and apart from them those that an earlier run had done already. Everything else is named,
gathered by reason; long groups are folded in text and Markdown, never in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.address import Address
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.plan import FORMAT_VERSION, Blocked
from crmstate.core.words import Exit, Mode, Proof, Verb
from crmstate.views import diagnostics
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import Finding, finding
from crmstate.views.escape import cell
from crmstate.views.paint import Ink, ink
from crmstate.views.plan_parts import gathered as alike
from crmstate.views.plan_parts import said
from crmstate.views.tables import columns, markdown
from crmstate.views.width import shorten
from crmstate.views.wire import encode

FOLD = 10
FOLD_MARKDOWN = 50
LABEL = 40
NAMED = 3
"""So many of what is blocked, and of what is waited for, are named in the last lines."""
ORDER = (Result.FAILED, Result.UNKNOWN, Result.REFUSED, Result.WAITING, Result.NOT_STARTED)
_DONE = (Result.DONE, Result.ALREADY_DONE)
_COLORS = {
    Result.FAILED: "red",
    Result.UNKNOWN: "red",
    Result.REFUSED: "yellow",
    Result.WAITING: "cyan",
    Result.DONE: "green",
}


class ClosedStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of the run, as machines read it."""

    id: str
    address: Address
    verb: Verb
    result: Result
    label: str = ""
    until: str | None = None
    found: Finding | None = None
    next: str = ""


class Open(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that the plan asks for and that no step could be planned for, as machines read it."""

    address: Address
    verb: Verb
    why: str
    owner: str | None = None


class Closed(msgspec.Struct, frozen=True, tag_field="event", tag="closing"):
    """The whole run; the last line of a stream of events."""

    format_version: str
    run: str
    exit: int
    counts: dict[str, int]
    steps: list[ClosedStep]
    diagnostics: list[Finding]
    blocked: list[Open]


def closing_json(closing: Closing, words: Catalogue) -> str:
    """The run as one line of JSON."""
    steps = [
        ClosedStep(
            line.step.id,
            line.step.address,
            line.step.verb,
            line.result,
            line.step.label,
            line.until,
            finding(line.found, words) if line.found else None,
            next_for(line, words) if line.result not in _DONE else "",
        )
        for line in closing.lines
    ]
    found = [finding(each, words) for each in closing.diagnostics]
    left = [Open(each.address, each.verb, words.text(each.why), each.owner) for each in closing.blocked]
    made = Closed(FORMAT_VERSION, closing.run, int(closing.exit), closing.counts(), steps, found, left)
    return encode(made).decode() + "\n"


def closing_text(closing: Closing, words: Catalogue, *, color: bool = False, full: bool = False) -> str:
    """The run for a terminal."""
    paint = ink(color)
    parts = [[paint("bold", counts(closing, words))]]
    for result in ORDER:
        parts += [group(same, words, paint, full) for same in gathered(closing, result)]
    parts.append(diagnostics.lines(closing.diagnostics, words, paint))
    parts.append(blocked(closing, words, paint))
    parts.append([verdict(closing, words)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def closing_brief(closing: Closing, words: Catalogue, *, color: bool = False) -> str:
    """One line of numbers and what is waited for, and what somebody must act on: what failed, is unknown or was refused, and
    people's steps."""
    paint = ink(color)
    parts = [[" ".join((paint("bold", counts(closing, words)), *_first(closing, words)))]]
    for result in ORDER[:-1]:
        for same in gathered(closing, result):
            if result is not Result.WAITING or same[0].step.mode is Mode.MANUAL:
                parts.append(group(same, words, paint, False))
    parts.append(diagnostics.lines(closing.diagnostics, words, paint))
    parts.append(blocked(closing, words, paint))
    if closing.exit is not Exit.OK or closing.blocked:
        parts.append([verdict(closing, words)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _first(closing: Closing, words: Catalogue) -> list[str]:
    """What the steps that are not started wait for, whoever has to do it."""
    lines = [line for line in closing.lines if line.result is Result.WAITING]
    if not lines or all(line.result is not Result.NOT_STARTED for line in closing.lines):
        return []
    names = [_awaited(line, words) for line in lines[:NAMED]]
    if more := len(lines) - len(names):
        names.append(words.text_of("closing.exit_blocked.more", n=more))
    return [words.text_of("closing.first", names=words.text_of("join.list").join(names))]


def _awaited(line: Line, words: Catalogue) -> str:
    """A waiting step, and its day where it has one."""
    name, at = f"{words.word('verb', line.step.verb.value)} {line.step.address}", line.until or line.step.not_before
    return f"{name} ({words.text_of('fact.not_before', at=at)})" if at else name


def counts(closing: Closing, words: Catalogue) -> str:
    """How many steps ended in which way: `30 done, 1 failed, 2 waiting.`"""
    found = [words.text_of("closing.count", n=n, result=name) for name, n in closing.counts().items() if n]
    if not found:
        return words.text_of("closing.nothing" if not closing.blocked else "closing.nothing_could")
    return words.text_of("join.list").join(found) + words.text_of("join.stop")


def gathered(closing: Closing, result: Result) -> list[list[Line]]:
    """The lines with one result, gathered by reason."""
    found: dict[object, list[Line]] = {}
    for line in closing.lines:
        if line.result is result:
            found.setdefault(_reason(line), []).append(line)
    return list(found.values())


def _reason(line: Line) -> object:
    if line.found is None and line.result is Result.NOT_STARTED:
        return Result.NOT_STARTED
    if line.found is None:
        return None, line.step.mode, line.until, said(line.step.why), line.step.owner
    return line.found.code, tuple(line.found.params.items()), line.until


def group(same: list[Line], words: Catalogue, paint: Ink, full: bool) -> list[str]:
    """One reason, the steps that have it, and what to do."""
    first = same[0]
    color = _COLORS.get(first.result, "dim")
    title = words.text_of("plan.section", title=words.word("result", first.result.value), n=len(same))
    lines = [paint(color, title)]
    shown = same if full or len(same) <= FOLD + 1 else same[:FOLD]
    lines += columns(("", "", ""), [_row(line, words) for line in shown], "  ")
    if len(same) > len(shown):
        lines.append("    " + words.text_of("fold.more", n=len(same) - len(shown)))
    lines += [f"    {each}" for each in (reason(first, words), detail(first, words)) if each]
    lines.append(f"  → {next_for(first, words, many=len(same) > 1)}")
    return lines


def _row(line: Line, words: Catalogue) -> list[str]:
    step = line.step
    label = words.safe(shorten(words.plain(step.label), LABEL))
    return [words.word("verb", step.verb.value), words.safe(step.address), label]


def reason(line: Line, words: Catalogue) -> str:
    """Why a step is not done."""
    if line.found is not None:
        return f"{line.found.code}{words.text_of('join.colon')}{words.summary(line.found)}"
    if line.result is Result.WAITING:
        return words.text(line.step.why)
    return words.text_of("closing.not_reached") if line.result is Result.NOT_STARTED else ""


def detail(line: Line, words: Catalogue) -> str:
    """Why that matters, where something is to be said."""
    return words.detail(line.found) if line.found is not None else ""


def next_for(line: Line, words: Catalogue, *, many: bool = False) -> str:
    """What to do about a step that is not done. `many`: it stands for others like it."""
    hint = words.hint(line.found) if line.found is not None else ""
    if hint:
        return hint
    step = line.step
    if line.result is Result.WAITING and step.mode is Mode.MANUAL:
        who, place = step.owner or "-", "ADDRESS" if many else step.address
        if step.proof in (None, Proof.ATTESTED):
            return words.text_of("closing.next.person", who=who, address=place)
        proof = step.proof.value
        return words.text_of("closing.next.person.proof", who=who, address=place, proof=proof)
    until = line.until or step.not_before
    if line.result is Result.WAITING and until:
        return words.text_of("closing.next.until", at=until)
    return words.text_of(f"closing.next.{line.result.value}")


def blocked(closing: Closing, words: Catalogue, paint: Ink) -> list[str]:
    """What the plan asks for and could not plan: a run that did all its steps has not done these."""
    if not closing.blocked:
        return []
    lines = [
        paint("yellow", words.text_of("plan.section", title=words.text_of("plan.blocked"), n=len(closing.blocked)))
    ]
    for same in alike(closing.blocked):
        shown = same if len(same) <= FOLD + 1 else same[:FOLD]
        lines += [f"  {words.word('verb', each.verb.value)}  {words.safe(each.address)}" for each in shown]
        if len(same) > len(shown):
            lines.append("    " + words.text_of("fold.more", n=len(same) - len(shown)))
        lines += [f"    {words.text(same[0].why)}", f"    {_whose(same[0], words)}"]
    return lines


def _whose(each: Blocked, words: Catalogue) -> str:
    return words.text_of("blocked_by.owner", who=each.owner) if each.owner else words.text_of("blocked_by.nobody")


def verdict(closing: Closing, words: Catalogue) -> str:
    """What the exit code means, what is left that no step was planned for, and what to do about it."""
    said = words.text_of("closing.exit", n=int(closing.exit), what=closing.exit.name.lower())
    if not closing.blocked:
        return said
    names = [f"{words.word('verb', each.verb.value)} {each.address}" for each in closing.blocked[:NAMED]]
    if more := len(closing.blocked) - len(names):
        names.append(words.text_of("closing.exit_blocked.more", n=more))
    listed = words.text_of("join.list").join(names)
    left = words.text_of("closing.exit_blocked", n=len(closing.blocked), names=listed)
    return said + words.text_of("join.sentence") + left


def closing_markdown(closing: Closing, words: Catalogue) -> str:
    """The run as Markdown, for a pull request or a ticket."""
    safe = words.escaping(cell)
    lines = [f"**{counts(closing, safe)}**"]
    for result in ORDER:
        for same in gathered(closing, result):
            lines += ["", *_markdown_group(same, safe)]
    for each in closing.diagnostics:
        lines += ["", f"- **{each.code}** {safe.summary(each)} {safe.hint(each)}".rstrip()]
    lines += _markdown_blocked(closing, safe)
    lines += ["", verdict(closing, safe)]
    return "\n".join(lines) + "\n"


def _markdown_blocked(closing: Closing, safe: Catalogue) -> list[str]:
    if not closing.blocked:
        return []
    title = safe.text_of("plan.section", title=safe.text_of("plan.blocked"), n=len(closing.blocked))
    lines = ["", f"### {title}", ""]
    for same in alike(closing.blocked):
        lines += [f"- {safe.word('verb', each.verb.value)} {safe.safe(each.address)}" for each in same[:FOLD_MARKDOWN]]
        if len(same) > FOLD_MARKDOWN:
            lines.append(f"- {safe.text_of('fold.more', n=len(same) - FOLD_MARKDOWN)}")
        lines += ["", f"{safe.text(same[0].why)} {_whose(same[0], safe)}", ""]
    return lines


def _markdown_group(same: Sequence[Line], safe: Catalogue) -> list[str]:
    first = same[0]
    title = safe.text_of("plan.section", title=safe.word("result", first.result.value), n=len(same))
    lines = [f"### {title}", ""]
    why = reason(first, safe)
    lines += [why, ""] if why else []
    lines += [f"→ {next_for(first, safe, many=len(same) > 1)}", ""]
    head = [safe.text_of(f"column.{name}") for name in ("verb", "address", "label")]
    lines += markdown(head, [_row(line, safe) for line in same[:FOLD_MARKDOWN]])
    if len(same) > FOLD_MARKDOWN:
        lines += ["", safe.text_of("fold.more", n=len(same) - FOLD_MARKDOWN)]
    return lines

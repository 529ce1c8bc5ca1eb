"""The evaluation as a report: why it ended, what it cost before and after, measures, feedback, lessons, the verdict.

Markdown, or one HTML page that needs nothing beside itself. Every text that people wrote is escaped: by code spans in
Markdown, by the template in HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from crmstate.core import settling
from crmstate.core.evaluation import Review, missing, totals
from crmstate.core.event import Remark
from crmstate.core.goal import Desired
from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.record import State
from crmstate.core.settling import money
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.mask import hidden
from crmstate.views.wire import encode


class Section(msgspec.Struct, frozen=True):
    """A part of the report: sentences, then a table, then items of a list. All of it is ready to be shown."""

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    items: tuple[str, ...] = ()


def sections(desired: Desired, state: State, found: Review, words: Catalogue) -> list[Section]:
    """The whole report. What is missing is a section of its own, at the top."""
    made = [_lacking(desired, found, words), _end(desired, state, words), *_costs(desired, found, words)]
    made += [_measures(found, words), _settled(state, words), _said("feedback", found.feedback, words)]
    made += [_said("lessons", found.lessons, words), _verdict(found, words)]
    return [each for each in made if each is not None]


def report_markdown(desired: Desired, state: State, found: Review, words: Catalogue) -> str:
    """For a ticket or a repository."""
    safe = words.escaping(cell)
    lines = [f"# {safe.text_of('report.title', name=desired.name)}"]
    for each in sections(desired, state, found, safe):
        lines += ["", f"## {each.title}", *(("", *each.lines) if each.lines else ())]
        lines += ["", *tables.markdown(each.head, each.rows)] if each.rows else []
        lines += ["", *(f"- {item}" for item in each.items)] if each.items else []
    return "\n".join(lines) + "\n"


def report_html(desired: Desired, state: State, found: Review, words: Catalogue) -> str:
    """One page. The catalogue's text is plain here; the template escapes whatever it shows."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    place = Path(__file__).parent / "templates"
    shown = Environment(
        loader=FileSystemLoader(place), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return shown.get_template("evaluation.html").render(
        lang=words.lang,
        title=words.text_of("report.title", name=desired.name),
        sections=sections(desired, state, found, words),
    )


def report_json(desired: Desired, state: State, found: Review, mask: Callable[[str], str] | None = None) -> str:
    """What counts, the totals, and what is missing; with nobody in it, where `mask` takes people out."""
    goal = desired.evaluation
    value = {
        "review": found,
        "costs": [
            {
                "currency": each.currency,
                "before": money(each.before),
                "after": money(each.after),
                "saved": money(each.saved),
                "once": money(each.once),
            }
            for each in totals(found)
        ],
        "missing": missing(found, goal.measures if goal is not None else ()),
        "settlement": [str(each) for each in settling.balances(settling.lines(state))],
    }
    shown = value if mask is None else hidden(value, mask)
    return encode({"format_version": FORMAT_VERSION, **shown}).decode() + "\n"


def _lacking(desired: Desired, found: Review, words: Catalogue) -> Section | None:
    lacks = missing(found, desired.evaluation.measures if desired.evaluation is not None else ())
    if not lacks:
        return None
    return Section(words.text_of("report.missing"), items=tuple(words.safe(each) for each in lacks))


def _end(desired: Desired, state: State, words: Catalogue) -> Section:
    lines = [
        words.text_of(
            "report.vendor", provider=desired.vendor or desired.provider, tenant=state.tenant or desired.tenant or "-"
        )
    ]
    if desired.reason:
        lines.append(words.text_of("report.reason", reason=desired.reason))
    if ended := state.departed():
        lines.append(words.text_of("report.ended", at=ended))
    goal = desired.replacement
    if goal is not None:
        said = words.word("decision", goal.decision)
        lines.append(words.text_of("report.replacement", said=said, system=goal.system or "-"))
        if goal.criteria:
            lines.append(words.text_of("report.criteria", place=goal.criteria))
    return Section(words.text_of("report.end"), tuple(lines))


def _costs(desired: Desired, found: Review, words: Catalogue) -> list[Section]:
    price = desired.contract.price if desired.contract is not None else None
    contract: tuple[str, ...] = ()
    if price is not None:
        per = words.word("cost_per", price.per)
        contract = (words.text_of("report.contract", amount=price.amount, currency=price.currency, per=per),)
    if not found.costs and not contract:
        return []
    names = ("cost", "before", "after")
    rows = tuple((words.safe(each.name), _cost(each.before, words), _cost(each.after, words)) for each in found.costs)
    made = [Section(words.text_of("report.costs"), contract, _head(names, words), rows)]
    sums = tuple(
        (each.currency, *map(money, (each.before, each.after, each.saved, each.once))) for each in totals(found)
    )
    if sums:
        head = _head(("currency", "before", "after", "saved", "once"), words)
        made.append(Section(words.text_of("report.totals"), (), head, sums))
    return made


def _cost(each: Remark | None, words: Catalogue) -> str:
    if each is None:
        return "-"
    return f"{each.unit} {each.value} {words.word('per', each.per)}"


def _measures(found: Review, words: Catalogue) -> Section | None:
    if not found.measures:
        return None
    rows = []
    for each in found.measures:
        unit = next((side.unit for side in (each.before, each.after) if side is not None), "")
        both = each.before is not None and each.after is not None
        change = (
            f"{Decimal(each.after.value) - Decimal(each.before.value):+f}"
            if both and each.after and each.before
            else "-"
        )
        sides = [side.value if side is not None else "-" for side in (each.before, each.after)]
        rows.append((words.safe(each.name), *sides, change, words.safe(unit) if unit else ""))
    head = _head(("measure", "before", "after", "change", "unit"), words)
    return Section(words.text_of("report.measures"), (), head, tuple(rows))


def _settled(state: State, words: Catalogue) -> Section | None:
    sums = settling.balances(settling.lines(state))
    if not sums:
        return None
    rows = tuple((each.currency, money(each.we_owe), money(each.owed_to_us), money(each.net)) for each in sums)
    return Section(
        words.text_of("report.settlement"), (), _head(("currency", "we_owe", "owed_to_us", "net"), words), rows
    )


def _said(what: str, found: Sequence[Remark], words: Catalogue) -> Section | None:
    if not found:
        return None
    items = []
    for each in found:
        text = words.safe(each.text)
        items.append(words.text_of("report.who", said=text, who=each.who) if each.who else text)
    return Section(words.text_of(f"report.{what}"), items=tuple(items))


def _verdict(found: Review, words: Catalogue) -> Section | None:
    if found.verdict is None:
        return None
    said = words.text_of("report.adopt.yes" if found.verdict.value == "yes" else "report.adopt.no")
    return Section(words.text_of("report.verdict"), (said, words.safe(found.verdict.text)))


def _head(names: Sequence[str], words: Catalogue) -> tuple[str, ...]:
    return tuple(words.text_of(f"report_column.{name}") for name in names)

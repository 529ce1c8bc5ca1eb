"""crmstate deadlines: every date with how it came about, from manifest and record alone; the vendor is not asked."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from crmstate.cli.opening import opened
from crmstate.cli.options import (
    HERE,
    AsOfOption,
    ColorOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    QuietOption,
)
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.law import EVENTS
from crmstate.core.planning.timeline import Timeline, timeline
from crmstate.core.words import Exit
from crmstate.engine.observe import stamp

_WITHIN = re.compile(r"([1-9][0-9]{0,3})([dwm])", re.ASCII)
_DAYS = {"d": 1, "w": 7, "m": 31}


def deadlines(
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="30d", help="Only what is that near (d, w, m); exit 2 where there is any."),
    ] = None,
    ics: Annotated[Path | None, typer.Option("--ics", metavar="FILE", help="Write them as a calendar file.")] = None,
    happened: Annotated[
        list[str] | None,
        typer.Option("--given", metavar="EVENT=DAY", help="A day that rules of law run from; may be repeated."),
    ] = None,
    as_of: AsOfOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Show every date, and how it came about."""
    screen = Screen(format.value, lang, quiet, no_color)
    span, events = _span(within), dict(_event(text) for text in happened or ())
    house, state = opened(manifest, screen, as_of)
    now = house.now()
    found = timeline(house.desired, state, stamp(now), house.laws, events)
    if span is not None:
        found = _near(found, now, span)
    if ics is not None:
        from crmstate.store import calendar
        from crmstate.views.deadlines_ics import deadlines_ics

        text = deadlines_ics(found, screen.catalogue).decode()
        calendar.save(ics, screen.scrubber.scrub(text).encode(), house.effects)
        if not found.dates:
            screen.say("deadlines.empty_calendar", path=ics)
    _show(found, screen, within)
    return int(Exit.CHANGES) if span is not None and found.dates else 0


def _show(found: Timeline, screen: Screen, within: str | None) -> None:
    if screen.json:
        from crmstate.views.deadlines_json import deadlines_json

        screen.out(deadlines_json(found, screen.catalogue, within, within is not None and bool(found.dates)))
        return
    from crmstate.views.deadlines_text import deadlines_markdown, deadlines_text

    if screen.format == "markdown":
        screen.out(deadlines_markdown(found, screen.catalogue))
    else:
        screen.out(deadlines_text(found, screen.catalogue, color=screen.color))


def _near(found: Timeline, now: datetime, span: timedelta) -> Timeline:
    """Only what is due by then, and what is overdue."""
    last = stamp(now + span)
    return msgspec.structs.replace(found, dates=tuple(each for each in found.dates if each.at <= last))


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _WITHIN.fullmatch(text)
    if found is None:
        raise problem(Exit.USAGE, "CRM-C090", text=text)
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def _event(text: str) -> tuple[str, date]:
    name, _, day = text.partition("=")
    try:
        found = date.fromisoformat(day)
    except ValueError:
        found = None
    if name not in EVENTS or found is None:
        raise problem(Exit.USAGE, "CRM-C091", text=text, known=", ".join(EVENTS))
    return name, found

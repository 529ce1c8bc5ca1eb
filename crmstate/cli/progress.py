"""Progress of an apply: a bar for people on a terminal, one JSON event a line for machines, nothing for pipes and
--quiet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from crmstate.cli.screen import Screen
from crmstate.core.event import Advanced, AnyEvent, Settled
from crmstate.core.plan import Plan
from crmstate.core.words import Outcome
from crmstate.engine.walk import Announce


@contextmanager
def progress(screen: Screen, plan: Plan) -> Iterator[Announce]:
    """Gives the function that is told of every event once it is durable."""
    if screen.json:
        from crmstate.views.events import event_line, first_line

        def line(events: Sequence[AnyEvent]) -> None:
            for event in events:
                screen.out(event_line(event))

        screen.out(first_line())
        yield line
    elif screen.quiet or not sys.stderr.isatty():
        yield lambda events: None
    else:
        with _bar(screen, plan) as announce:
            yield announce


@contextmanager
def _bar(screen: Screen, plan: Plan) -> Iterator[Announce]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    names = {step.id: f"{screen.catalogue.word('verb', step.verb.value)} {step.address}" for step in plan.steps}
    console = Console(stderr=True, no_color=not screen.color)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(plan.steps))

        def announce(events: Sequence[AnyEvent]) -> None:
            for event in events:
                if isinstance(event, Settled):
                    done = sum(result.outcome is Outcome.DONE for result in event.results)
                    last = names.get(event.results[-1].id, "") if event.results else ""
                    bar.update(task, advance=done, description=escape(screen.scrubber.scrub(last)[:60]))
                elif isinstance(event, Advanced):
                    bar.update(task, description=escape(f"{names.get(event.step, '')[:50]} {event.rows}"))

        yield announce

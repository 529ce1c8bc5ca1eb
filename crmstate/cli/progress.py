"""Progress of an apply: bars for people on a terminal, one JSON event a line for machines, nothing for pipes and
--quiet.

Events of the journal are told once they are durable, by the walk's own thread. How far a dataset has come is told
meanwhile, from whatever thread reads it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Advanced, Answered, AnyEvent, Progressed, Settled
from crmstate.core.plan import Plan
from crmstate.core.words import Outcome
from crmstate.engine.meter import Tell
from crmstate.engine.walk import Announce

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def progress(screen: Screen, plan: Plan) -> Iterator[tuple[Announce, Tell | None]]:
    """Gives the function that is told of every event once it is durable, and the one that is told how far datasets have
    come; None where nobody watches."""
    if screen.json:
        from crmstate.views.events import event_line, first_line

        lock = threading.Lock()

        def line(events: Sequence[AnyEvent]) -> None:
            with lock:
                for event in events:
                    screen.out(event_line(event))

        def tell(found: Progressed) -> None:
            with lock, suppress(Problem):  # a reading goes on, whether or not somebody can be told of it
                screen.out(event_line(found))

        screen.out(first_line())
        yield line, tell
    elif screen.quiet or not sys.stderr.isatty():
        yield lambda events: None, None
    else:
        with _bar(screen, plan) as both:
            yield both


@contextmanager
def _bar(screen: Screen, plan: Plan) -> Iterator[tuple[Announce, Tell]]:
    """A bar for the steps, one for all datasets together, and one for each that is being read."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from crmstate.views.events import pace_text

    names = {step.id: f"{screen.catalogue.word('verb', step.verb.value)} {step.address}" for step in plan.steps}
    console = Console(stderr=True, no_color=not screen.color)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[about]}"), TimeElapsedColumn())
    everything = screen.catalogue.text_of("progress.all")
    with Progress(*columns, console=console, transient=True) as bar:
        steps = bar.add_task("", total=len(plan.steps), about=f"0/{len(plan.steps)}")
        lock = threading.Lock()
        readings: dict[str, TaskID] = {}
        finished = 0
        told: dict[str, int] = {}

        def announce(events: Sequence[AnyEvent]) -> None:
            nonlocal finished
            for event in events:
                if isinstance(event, Settled):
                    finished += sum(result.outcome is Outcome.DONE for result in event.results)
                    last = names.get(event.results[-1].id, "") if event.results else ""
                    text = escape(screen.scrubber.scrub(last)[:60])
                    bar.update(steps, completed=finished, description=text, about=f"{finished}/{len(plan.steps)}")
                elif isinstance(event, Answered):
                    told[event.notice] = told.get(event.notice, 0) + len(event.results)
                    bar.update(steps, description=escape(f"{event.notice[:50]} {told[event.notice]}"))
                elif isinstance(event, Advanced):
                    bar.update(steps, description=escape(f"{names.get(event.step, '')[:50]} {event.rows}"))

        def tell(found: Progressed) -> None:
            with lock:
                shown = [(everything, everything, found.all), (found.address, found.address, found.dataset)]
                for key, name, pace in shown:
                    if key not in readings:
                        readings[key] = bar.add_task(escape(screen.scrubber.scrub(name)[:50]), total=None, about="")
                    about = escape(pace_text(pace, screen.catalogue))
                    bar.update(readings[key], completed=pace.rows, total=pace.total, about=about)
                if found.over:
                    bar.remove_task(readings.pop(found.address))

        yield announce, tell

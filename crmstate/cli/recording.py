"""Recording: what people hand in becomes events, under the lock. Nothing is written before everything was found right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crmstate.cli.compose import House
from crmstate.cli.survey import begin, planned
from crmstate.core.diagnostic import Diagnostic, Problem
from crmstate.core.event import Evidence
from crmstate.core.words import Exit, Proof
from crmstate.engine.observe import stamp

if TYPE_CHECKING:
    from crmstate.store.store import Store


class Paper:
    """A file that somebody handed in: read once, so that what was judged is what is kept. Raises Problem (exit 3) for what
    is no evidence."""

    def __init__(self, path: Path) -> None:
        from crmstate.store.evidence import take

        self.path, self.data = path, take(path)

    def keep(self, store: Store, house: House, proof: Proof, at: str, by: str) -> Evidence:
        """Copies it into the evidence store."""
        from crmstate.store.evidence import keep_data

        return keep_data(self.data, self.path.name, store.home, house.effects, proof=proof, at=at, by=by)


@contextmanager
def recording(house: House, by: str | None) -> Iterator[tuple[Store, str, str]]:
    """The record, under its lock, with the time and the name that stand beside what is entered: that of whoever says so,
    or of whoever runs this."""
    with house.store() as store:
        yield store, stamp(house.clock.now()), by or house.by


def start(store: Store, house: House) -> None:
    """Begins the record where there is none yet; the vendor is asked for the tenant only where nobody wrote it down."""
    if not store.head:
        begin(store, house, house.tenant or planned(house, store.state).tenant)


def refuse(found: Diagnostic | None, exit: Exit = Exit.USAGE) -> None:
    """Raises the Problem of a finding, if there is one."""
    if found is not None:
        raise Problem(exit, found)

"""Surgery without an editor: looking into the history, setting the state back, taking away a dead holder's lock.

Everything that changes the state is an event of its own; nothing is rewritten. Mending damage is `mend.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import (
    Addressed,
    Answered,
    AnyEvent,
    Delivery,
    Held,
    Intended,
    Repaired,
    Restored,
    StepRef,
    Unlocked,
)
from crmstate.core.ports import Clock, Effects
from crmstate.core.record import Entry, State
from crmstate.core.words import Exit, Undo
from crmstate.store import chain, replay
from crmstate.store.files import Disk
from crmstate.store.home import Home
from crmstate.store.journal import Pen
from crmstate.store.lines import Scrub
from crmstate.store.lock import FileLock, Lease, alive, held_by, read_lease
from crmstate.store.store import Store

RESTORED = "CRM-S052"


class Passage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One chunk of the history. `events`: how many of each sort. `damage`: the code of what is wrong with it, and then
    nothing else is known."""

    seq: int
    at: str = ""
    by: str = ""
    host: str = ""
    sha256: str = ""
    events: dict[str, int] = {}
    anchored: bool = False
    damage: str = ""


def history(folder: Path, name: str) -> list[Passage]:
    """Every chunk that lies in the journal, oldest first; damaged ones are listed as such."""
    home = known(folder, name)
    passages: list[Passage] = []
    for seq in home.numbers()[0]:
        last = passages[-1] if passages else None
        passages.append(_passage(home, seq, last.sha256 if last and last.seq == seq - 1 else ""))
    return passages


def state_at(folder: Path, name: str, serial: int) -> State:
    """The state as it was after the chunk number `serial`. Raises Problem where the history does not hold it."""
    return replay.state_at(known(folder, name), serial)


def restore(store: Store, serial: int) -> int:
    """Sets the state back to what it was at `serial`, by an event. Returns the new chunk's number.

    What protects is not set back: holds recorded since stay, whoever was told stays told, and steps that cannot be undone and were touched since
    become unknown, never as if they had not been sent.
    """
    then, now = replay.state_at(store.home, serial), store.state
    at, by = store.pen.clock.now().isoformat(), store.pen.by
    events: list[AnyEvent] = [Restored(at, serial, by)]
    events += [Held(hold.at, name, hold.by, hold.why) for name, hold in now.holds.items() if name not in then.holds]
    for place, told in now.told.items():  # who was told stays told
        events.append(
            Addressed(
                at, "restore", place, told.channel, told.key, told.count, told.rejected, told.repeated, told.opted_out
            )
        )
        results = tuple(Delivery(who, fate) for who, fate in told.fates.items())
        events.append(Answered(at, "restore", place, told.channel, results))
    touched = {
        key: entry
        for key, entry in now.entries.items()
        if entry.undo is not Undo.FREE and then.entries.get(key) != entry
    }
    if touched:
        refs = tuple(ref(key, entry) for key, entry in touched.items() if key not in then.entries)
        events += [Intended(at, "restore", "restore", refs)] if refs else []
        events.append(Repaired(at, RESTORED, by, tuple(touched)))
    return store.append(events)


def unlock(folder: Path, name: str, effects: Effects, clock: Clock, by: str, scrub: Scrub | None = None) -> Lease:
    """Clears what a dead holder left, and records it. Returns whose it was. Raises Problem while the holder lives:
    ending that process is safe and frees the lock."""
    home = known(folder, name)
    lease, lock, pen = read_lease(home), FileLock(home, effects, clock), Pen(home, Disk(effects), clock, by, scrub)
    try:
        lock.acquire()
    except Problem as found:
        raise _refusal(home, lease) if found.exit is Exit.LOCKED else found from found
    if lease is None:
        lock.release()
        raise problem(Exit.ERROR, "CRM-S030", name=name)
    with Store.under(lock, pen) as store:
        if store.head:
            store.append([Unlocked(clock.now().isoformat(), by, str(lease))])
    return lease


def known(folder: Path, name: str) -> Home:
    """The home of a state that exists. Raises Problem where there is none."""
    home = Home(folder, name)
    if not home.exists:
        raise problem(Exit.ERROR, "CRM-S022", name=name, folder=str(folder))
    return home


def ref(key: str, entry: Entry) -> StepRef:
    """An entry's step, as events name it."""
    return StepRef(key, entry.address, entry.verb, entry.undo, entry.label, entry.occurrence, entry.own)


def _refusal(home: Home, lease: Lease | None) -> Problem:
    if lease is None:
        return held_by(home, None)
    code = {True: "CRM-S031", False: "CRM-S033", None: "CRM-S032"}[alive(lease)]
    return problem(
        Exit.LOCKED,
        code,
        name=home.name,
        holder=str(lease),
        since=lease.started,
        pid=lease.pid,
        host=lease.host,
        file=str(home.lock),
    )


def _passage(home: Home, seq: int, before: str) -> Passage:
    try:
        one = chain.read(home, seq)
        found = chain.events(home, one)
    except Problem as error:
        return Passage(seq, damage=error.diagnostics[0].code)
    header = one.header
    counts = Counter(str(type(event).__struct_config__.tag) for event in found)
    loose = not header.base and header.prev != before
    return Passage(
        seq,
        header.at,
        header.by,
        header.host,
        one.sha256,
        dict(counts),
        anchored=bool(header.base),
        damage="CRM-S013" if loose else "",
    )

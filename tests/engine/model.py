"""The model: a vendor, an archive and a journal in memory, which fail as they are told to and crash where they are
told to.

The truth is a dictionary, so a law can compare what the record claims with what is so. Every effect passes `Bomb.do`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from crmstate.core.closing import Closing
from crmstate.core.diagnostic import problem
from crmstate.core.event import AnyEvent, Approved, Confirmed, Created, Evidence, Held, Observed
from crmstate.core.failure import Code, Failure
from crmstate.core.fold import advance, fold
from crmstate.core.goal import ArchiveGoal, Desired
from crmstate.core.lacking import left_out
from crmstate.core.plan import Plan
from crmstate.core.planning.planner import plan as make_plan
from crmstate.core.provider import Batch, Count, File, FilePage, Item, Page, Provider, Result, Row
from crmstate.core.record import State
from crmstate.core.survey import (
    AccountFacts,
    BinFacts,
    DatasetFacts,
    Gap,
    Identity,
    Listing,
    Resource,
    SubscriptionFacts,
    Survey,
    survey,
)
from crmstate.core.words import Exit, Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.engine.admit import admit, gates_stand
from crmstate.engine.observe import departed, identify, observe, stamp
from crmstate.engine.pool import Pool
from crmstate.engine.recover import farewell, recover
from crmstate.engine.stop import Stop
from crmstate.engine.tasks import Context, ref
from crmstate.engine.walk import Walk

from ..core.scenes import LISTED, TENANT

T = TypeVar("T")
BIRTH = datetime(2026, 6, 1, 12, tzinfo=UTC)
SENT = frozenset({"ok", "lost_after", "accepted", "partial"})
FAULTS = (
    "ok",
    "lost_before",
    "lost_after",
    "accepted",
    "promised",
    "nothing",
    "partial",
    "denied",
    "exhausted",
    "unavailable",
)
"""What may become of a call: done; cut before or after its effect; accepted and done two days later; accepted and
never done; said to be done and not done; done in part; refused; quota used up; no answer at all."""
LOOKS = ("ok", "unavailable", "partial")
"""What may become of a listing: whole, none, or without its last row and known not to be whole."""


class Crash(BaseException):
    """The process is gone: nothing after this has an effect."""


class Bomb:
    """Counts effects; at number `at` the process ends, before or after it, or `then` is called in its place."""

    def __init__(self, at: int = -1, mode: str = "before", then: Callable[[], object] | None = None) -> None:
        self.at, self.mode, self.then = at, mode, then
        self.seen: list[str] = []
        self.dead = False

    def do(self, what: str, act: Callable[[], T]) -> T:
        if self.dead:
            raise Crash
        number = len(self.seen)
        self.seen.append(what)
        if number != self.at:
            return act()
        if self.then is not None:
            self.then()
            return act()
        self.dead = True
        if self.mode == "after":
            act()
        raise Crash


@dataclass
class Thing:
    """One thing at the vendor. `phase` is the truth; `shown` is what listings say until `lag` is over; `goal` comes
    true at `due`."""

    kind: Kind
    id: str
    label: str
    phase: Phase
    facts: Any
    shown: Phase | None = None
    lag: datetime | None = None
    goal: tuple[str, Phase] | None = None
    due: datetime | None = None


class World:
    """The vendor's truth, and its clock. `repeats`: irreversible acts that were sent for what they had been carried
    out, or accepted, for."""

    def __init__(self, seen: Survey, provider: Provider) -> None:
        self.provider = provider
        self.now = BIRTH
        self.things = {
            (row.kind, row.id): Thing(row.kind, row.id, row.label, row.phase, row.facts)
            for row in seen.resources
            if row.kind is not Kind.BIN
        }
        self.data: dict[str, dict[str, str]] = {}
        self.bins: dict[str, dict[str, str]] = {}
        for row in seen.of(Kind.DATASET):
            facts = row.facts
            self.data[row.id] = {
                f"{row.id}-{n}": f"row {n}" for n in range((facts.rows or 0) if isinstance(facts, DatasetFacts) else 0)
            }
            self.bins[row.id] = {
                f"{row.id}-old-{n}": "old"
                for n in range((facts.bin_rows or 0) if isinstance(facts, DatasetFacts) else 0)
            }
        self.identities = {each.use: each for each in seen.identities}
        self.partial = frozenset(LISTED) - seen.complete
        self.acts: deque[str] = deque()
        self.looks: deque[str] = deque()
        self.calls: list[Batch] = []
        self.carried: Counter[tuple[Kind, Verb, str]] = Counter()
        self.repeats: list[tuple[Kind, Verb, str]] = []
        self.doomed: dict[str, tuple[str, datetime]] = {}

    def thing(self, kind: Kind, id: str) -> Thing | None:
        return self.things.get((kind, id))

    def advance(self, days: float) -> None:
        """Time passes: promises come true, and listings catch up."""
        self.now += timedelta(days=days)
        for thing in list(self.things.values()):
            if thing.goal is not None and thing.due is not None and thing.due <= self.now:
                verb, phase = thing.goal
                thing.goal = thing.due = None
                self._become(thing, Verb(verb), phase)
            if thing.lag is not None and thing.lag <= self.now:
                thing.shown = thing.lag = None
        for row, (dataset, due) in list(self.doomed.items()):
            if due <= self.now:
                del self.doomed[row]
                self._bin(dataset, row)

    def add_row(self, dataset: str, id: str) -> None:
        self.data[dataset][id] = "new"

    def closed(self) -> bool:
        account, cell = self.thing(Kind.ACCOUNT, TENANT), self.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
        return (
            account is not None and account.phase is Phase.ABSENT and cell is not None and "ends_api" in cell.attributes
        )

    def alive(self, use: str) -> bool:
        """Whether a credential works: its key and its user are there, and nothing has ended the API."""
        identity = self.identities[use]
        user = self.thing(Kind.USER, identity.user or "")
        ended = any(
            self._ends_api(kind, verb) for kind, verb in ((Kind.ACCOUNT, Verb.CLOSE), (Kind.SUBSCRIPTION, Verb.CANCEL))
        )
        key_gone = identity.key is not None and self._dead_key(identity.key)
        return not (self.closed() or ended or key_gone or (user is not None and user.phase is not Phase.PRESENT))

    def _dead_key(self, id: str) -> bool:
        key = self.thing(Kind.API_KEY, id)
        return key is not None and key.phase is Phase.ABSENT

    def _ends_api(self, kind: Kind, verb: Verb) -> bool:
        cell = self.provider.cell(kind, verb)
        things = [thing for (each, _), thing in self.things.items() if each is kind]
        return (
            cell is not None and "ends_api" in cell.attributes and any(thing.phase is Phase.ABSENT for thing in things)
        )

    def truth(self) -> dict[str, Any]:
        """What is so, without times: what two runs must agree on."""
        things = {f"{kind.value}/{id}": (thing.phase.value, thing.goal) for (kind, id), thing in self.things.items()}
        return {
            "things": things,
            "data": {k: sorted(v) for k, v in self.data.items()},
            "bins": {k: sorted(v) for k, v in self.bins.items()},
        }

    # what listings show

    def row(self, thing: Thing) -> Resource | None:
        phase = thing.shown or thing.phase
        facts, until = thing.facts, None
        pending = thing.goal is not None and thing.shown is None
        if pending:
            phase, until = Phase.PENDING, stamp(thing.due or self.now)
        if isinstance(facts, DatasetFacts):
            facts = replace(facts, rows=None if facts.rows is None else len(self.data[thing.id]))
            facts = replace(facts, bin_rows=None if facts.bin_rows is None else len(self.bins[thing.id]))
        if isinstance(facts, SubscriptionFacts):
            verb = thing.goal[0] if thing.goal and pending else None
            facts = replace(facts, pending=verb, effective=until[:10] if until else None)
        gone = phase is Phase.ABSENT and thing.kind not in (Kind.SUBSCRIPTION, Kind.ACCOUNT)
        return None if gone else Resource(thing.kind, thing.id, thing.label, phase, facts, until)

    def listing(self, kind: Kind, ids: Sequence[str] | None) -> Listing:
        rows = [
            row for (each, _), thing in self.things.items() if each is kind and (row := self.row(thing)) is not None
        ]
        if kind is Kind.BIN:
            rows = [
                Resource(kind, name, name, Phase.PRESENT, BinFacts(len(rows)))
                for name, rows in self.bins.items()
                if rows
            ]
        partial = kind in self.partial or self._fate(self.looks) == "partial"
        if partial and kind not in self.partial:
            rows = rows[:-1]
        if ids is not None:
            rows = [row for row in rows if row.id in set(ids)]
        return Listing(kind, tuple(rows), not partial, Gap(kind, "gap.partial_view") if partial else None)

    # what calls do

    @staticmethod
    def _fate(faults: deque[str]) -> str:
        return faults.popleft() if faults else "ok"

    def perform(self, batch: Batch) -> list[Result]:
        fault = self._fate(self.acts)
        self.calls.append(batch)
        if fault == "exhausted":
            raise Failure(Code.EXHAUSTED, "quota", until=stamp(self.now + timedelta(hours=12)))
        if fault == "unavailable":
            raise Failure(Code.UNAVAILABLE, "down")
        half = len(batch.items) // 2
        return [
            self._item(batch, item, fault if fault != "partial" or n >= half else "ok")
            for n, item in enumerate(batch.items)
        ]

    def _item(self, batch: Batch, item: Item, fault: str) -> Result:
        if fault in ("denied", "partial"):
            return Result(item.id, Outcome.FAILED, Code.DENIED.value, "no")
        until = None
        if fault in SENT:
            until = self._carry_out(batch, item, accepted=fault == "accepted")
        if fault.startswith("lost"):
            return Result(item.id, Outcome.UNKNOWN, Code.AMBIGUOUS.value, "cut", proof=Proof.NONE)
        if fault == "promised":
            return Result(item.id, Outcome.REQUESTED, until=stamp(self.now + timedelta(days=1)))
        return Result(item.id, Outcome.REQUESTED if until else Outcome.DONE, until=until)

    def _carry_out(self, batch: Batch, item: Item, accepted: bool) -> str | None:
        place = (Kind.DATASET if batch.parent else batch.kind, batch.verb, item.id)
        cell = self.provider.cell(batch.kind, batch.verb)
        assert cell is not None
        if self._is_so(batch, item):
            if cell.undo is Undo.NEVER and self.carried[place]:
                self.repeats.append(place)
            return None
        self.carried[place] += 1
        due = self.now + timedelta(days=2)
        if batch.verb is Verb.PURGE:
            assert batch.parent is not None
            if not accepted:
                self._bin(batch.parent, item.id)
                return None
            self.doomed[item.id] = (batch.parent, due)
            return stamp(due)
        if batch.verb is Verb.EMPTY:
            self.bins[item.id].clear()
            return None
        thing = self.things[batch.kind, item.id]
        later = batch.verb is Verb.CLOSE or _later(batch.verb, item, self.now)
        if not cell.shows_effect:
            thing.shown, thing.lag = thing.phase, self.now + timedelta(days=1)
        if batch.verb is not Verb.RESUME and (accepted or later):
            thing.goal, thing.due = (batch.verb.value, cell.after), due + timedelta(days=5 if later else 0)
            return stamp(thing.due)
        thing.goal = thing.due = None
        self._become(thing, batch.verb, cell.after)
        return None

    def _is_so(self, batch: Batch, item: Item) -> bool:
        if batch.verb is Verb.PURGE:
            return item.id not in self.data[batch.parent or ""] or item.id in self.doomed
        if batch.verb is Verb.EMPTY:
            return not self.bins[item.id]
        thing = self.thing(batch.kind, item.id)
        cell = self.provider.cell(batch.kind, batch.verb)
        assert cell is not None
        same = thing is None or (thing.goal is not None and thing.goal[0] == batch.verb.value)
        return same or (thing is not None and thing.goal is None and thing.phase is cell.after)

    def _bin(self, dataset: str, row: str) -> None:
        text = self.data[dataset].pop(row, None)
        if text is not None:
            self.bins[dataset][row] = text

    def _become(self, thing: Thing, verb: Verb, phase: Phase) -> None:
        thing.phase = phase
        if isinstance(thing.facts, SubscriptionFacts):
            status = {Verb.CANCEL: "cancelled", Verb.PAUSE: "paused", Verb.DOWNGRADE: "free", Verb.RESUME: "active"}[
                verb
            ]
            thing.facts = replace(thing.facts, status=status)
        if isinstance(thing.facts, AccountFacts):
            thing.facts = AccountFacts("closed")
        if verb is Verb.DISABLE and getattr(thing.facts, "data_effect", "") == "clears":
            for rows in self.data.values():
                rows.clear()


def _later(verb: Verb, item: Item, now: datetime) -> bool:
    if verb in (Verb.CANCEL, Verb.DOWNGRADE):
        return (item.args.effective or "immediately") != "immediately"
    return verb is Verb.PAUSE and (item.args.starts or "") > stamp(now)[:10]


class Session:
    """A credential at work. Its reads and calls are effects."""

    def __init__(self, world: World, use: str, bomb: Bomb) -> None:
        self.world, self.use, self.bomb, self.provider = world, use, bomb, world.provider
        self.calls = 0

    def _ask(self, what: str, act: Callable[[], T], dead: T | None = None) -> T:
        def guarded() -> T:
            self.calls += 1
            if not self.world.alive(self.use):
                if dead is not None and self.world.closed():
                    return dead
                raise Failure(Code.EXPIRED, "key")
            return act()

        return self.bomb.do(what, guarded)

    def whoami(self) -> Identity:
        return self._ask("whoami", lambda: self.world.identities[self.use])

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        def act() -> Listing:
            if ids is not None and self.world.looks and self.world.looks[0] == "unavailable":
                self.world.looks.popleft()
                raise Failure(Code.UNAVAILABLE, "down")
            return self.world.listing(kind, ids)

        closed = (
            Listing(kind, (Resource(kind, TENANT, "", Phase.ABSENT, AccountFacts("closed")),))
            if kind is Kind.ACCOUNT
            else None
        )
        return self._ask(f"list {kind.value}", act, closed)

    def count(self, dataset: str) -> Count:
        facts = self.world.things[Kind.DATASET, dataset].facts
        rows = None if facts.rows is None else len(self.world.data[dataset])
        return self._ask("count", lambda: Count(rows, facts.exact))

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        def act() -> Page:
            thing = self.world.things[Kind.DATASET, dataset]
            if not thing.facts.exportable:
                raise Failure(Code.DENIED, "not exportable")
            doomed = {row: stamp(due) for row, (_, due) in self.world.doomed.items()}
            rows = [Row(id, text.encode(), doomed.get(id)) for id, text in sorted(self.world.data[dataset].items())]
            if ids is not None:
                return Page(tuple(row for row in rows if row.id in set(ids)), None)
            start, size = int(cursor or 0), self.provider.limits.page
            end = start + size
            return Page(tuple(rows[start:end]), str(end) if end < len(rows) else None)

        return self._ask("read", act)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        return FilePage((), None)

    def fetch(self, file: File) -> Iterator[bytes]:
        return iter(())

    def alive(self) -> bool:
        return self.bomb.do("alive", lambda: self.world.alive(self.use))

    def perform(self, batch: Batch) -> list[Result]:
        if self.use != "write":
            raise AssertionError("a reading session acts")
        cell = self.provider.cell(batch.kind, batch.verb)
        assert cell is not None and 0 < len(batch.items) <= cell.batch
        assert len({item.id for item in batch.items}) == len(batch.items)
        assert len({item.args for item in batch.items}) == 1
        return self._ask(f"{batch.verb.value} {batch.kind.value}", lambda: self.world.perform(batch))

    def close(self) -> None:
        return None


class Journal:
    """The ledger: chunks in memory, and their fold."""

    def __init__(self, disk: list[bytes], bomb: Bomb) -> None:
        self.disk, self.bomb = disk, bomb
        self.state = fold("exit", self.history())
        self.state.serial = len(disk)

    def history(self) -> list[AnyEvent]:
        return [event for chunk in self.disk for event in msgspec.json.decode(chunk, type=list[AnyEvent])]

    @property
    def head(self) -> int:
        return len(self.disk)

    def append(self, events: Sequence[AnyEvent]) -> int:
        chunk = msgspec.json.encode(list(events))
        self.bomb.do("append", lambda: self.disk.append(chunk))
        for event in events:
            advance(self.state, event)
        self.state.serial = len(self.disk)
        return len(self.disk)


MARK = ""
"""What stays at the place of an archive that is being ended until it is on record that nothing else does."""


class Archive:
    """The archiver: what is sealed, by dataset."""

    def __init__(self, sealed: dict[str, dict[str, str]], bomb: Bomb, clock: Clock) -> None:
        self.sealed, self.bomb, self.clock = sealed, bomb, clock

    def _read(self, source: Any, dataset: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor = None
        while True:
            page = source.read(dataset, cursor)
            found |= {row.id: row.raw.decode() for row in page.rows}
            cursor = page.next
            if cursor is None:
                return found

    def _seal(self, dataset: str, rows: dict[str, str]) -> Evidence:
        self.bomb.do("seal", lambda: self.sealed.__setitem__(dataset, rows))
        return self._evidence(dataset)

    def _evidence(self, dataset: str) -> Evidence:
        rows = self.sealed[dataset]
        return Evidence("model", Proof.OBSERVED, stamp(self.clock.now()), rows=len(rows), sha256=str(sorted(rows)))

    def archive(
        self, source: Any, dataset: Resource, attachments: bool, jobs: Any = None, left_out: Any = None
    ) -> Evidence:
        if dataset.id in self.sealed:
            return self._evidence(dataset.id)
        return self._seal(dataset.id, self._read(source, dataset.id))

    def verify(self, source: Any, dataset: Resource, expected: str | None = None, fewer: bool = False) -> Evidence:
        count, held = source.count(dataset.id), len(self.sealed[dataset.id])
        if count.rows is not None and count.exact and count.rows != held and not (fewer and count.rows < held):
            raise problem(Exit.ERROR, "CRM-A006", dataset=dataset.id, archived=held, vendor=count.rows)
        return self._evidence(dataset.id)

    def delta(
        self,
        source: Any,
        dataset: Resource,
        attachments: bool,
        expected: str | None = None,
        purging: bool = False,
        jobs: Any = None,
        frozen: bool = False,
        left_out: Any = None,
    ) -> Evidence:
        if dataset.id not in self.sealed:
            raise problem(Exit.ERROR, "CRM-A009", dataset=dataset.id)
        found = self._read(source, dataset.id)
        kept = {id: text for id, text in self.sealed[dataset.id].items() if id in found or purging}
        self._seal(dataset.id, {**kept, **found})
        return self.verify(source, dataset, fewer=purging)

    def held(self, dataset: str) -> int:
        return 0

    def recheck(self, dataset: Resource, expected: str | None = None) -> Evidence:
        if dataset.id not in self.sealed:
            raise problem(Exit.ERROR, "CRM-A009", dataset=dataset.id)
        found = self._evidence(dataset.id)
        if expected not in (None, found.sha256):
            raise problem(Exit.ERROR, "CRM-A007", file=dataset.id, found=found.sha256, expected=expected)
        return found

    def clearable(self, expected: Mapping[str, str], begun: bool) -> None:
        if not self.sealed:
            raise problem(Exit.ERROR, "CRM-A090", file="model")

    def clear(self, expected: Mapping[str, str], begun: bool) -> Evidence:
        if not self.sealed:
            raise problem(Exit.ERROR, "CRM-A090", file="model")
        self.sealed[MARK] = {}
        for dataset in sorted(self.sealed.keys() - {MARK}):
            self.bomb.do("end", lambda dataset=dataset: self.sealed.pop(dataset))  # type: ignore[misc]
        return Evidence("read_back", Proof.OBSERVED, stamp(self.clock.now()))

    def bare(self) -> bool:
        return self.sealed.keys() <= {MARK}

    def end(self) -> Evidence:
        self.bomb.do("end", lambda: self.sealed.pop(MARK, None))
        return Evidence("read_back", Proof.OBSERVED, stamp(self.clock.now()))

    def ids(self, dataset: str, expected: str | None = None) -> Sequence[str]:
        if dataset not in self.sealed:
            raise problem(Exit.ERROR, "CRM-A009", dataset=dataset)
        return list(self.sealed[dataset])


class Clock:
    """The world's time."""

    def __init__(self, world: World) -> None:
        self.world = world

    def now(self) -> datetime:
        return self.world.now

    def monotonic(self) -> float:
        return self.world.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.world.advance(seconds / 86_400)


@dataclass
class Site:
    """A decommissioning: a world, a goal, a journal on disk, an archive; what lives longer than a process."""

    world: World
    desired: Desired
    disk: list[bytes] = field(default_factory=list)
    sealed: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: int = 0
    parallel: int = 1
    plan: Plan | None = None
    approver: str | None = "head"
    """Who stands by to approve what the tool itself asks an approval for: an end without an archive."""

    @property
    def clock(self) -> Clock:
        return Clock(self.world)

    def state(self) -> State:
        return Journal(self.disk, Bomb()).state

    def readers(self, bomb: Bomb) -> list[Session]:
        return [Session(self.world, use, bomb) for use in self.world.identities]

    def planned(self, bomb: Bomb | None = None, **which: Any) -> Plan:
        """A plan as of now, as `crmstate plan` makes it."""
        bomb = bomb or Bomb()
        state, readers = Journal(self.disk, Bomb()).state, self.readers(bomb)
        sealed: str | None = None
        try:
            seen = observe(readers, self.clock, TENANT, state)
        except Failure:
            sealed = departed(readers, state, stamp(self.world.now))
            if sealed is None:
                raise
            seen = survey(TENANT, [], [], stamp(self.world.now))
        return make_plan(self.desired, seen, state, self.world.provider, sealed=sealed, **which)

    def apply(
        self, bomb: Bomb | None = None, *, saved: Plan | None = None, stop: Stop | None = None, **which: Any
    ) -> Closing | None:
        """One `crmstate apply --yes`: None where the vendor is out of reach by our own act."""
        bomb, stop = bomb or Bomb(), stop or Stop()
        journal, readers = Journal(self.disk, bomb), self.readers(bomb)
        self.runs += 1
        run = f"r{self.runs}"
        state = journal.state
        self.plan = None
        if state.departed() is not None and departed(readers, state, stamp(self.world.now)) is not None:
            farewell(journal, readers, self.clock, run)
            return None
        if saved is not None:
            admit(saved, state, saved.plan_id)
            gates_stand(saved, state, stamp(self.world.now))
        _, living = identify(readers, TENANT, state)
        if journal.head:
            recover(journal, living[0], self.clock, run)
        self.plan = saved or self.planned(bomb, **which)
        admit(self.plan, state, None)
        self.begin(journal)
        if self.approver and self.plan.approvals_needed > self.desired.safeguards.approvals:
            self._approved(journal, self.plan, self.approver)
        writer = next((each for each in readers if each.use == "write"), readers[-1])
        archiver = Archive(self.sealed, bomb, self.clock) if isinstance(self.desired.archive, ArchiveGoal) else None
        context = Context(run, self.world.provider, living[0], writer, journal, archiver, self.clock, stop)
        context.left_out = left_out(self.desired.archive, self.desired.discard)
        pool = Pool(self.parallel)
        try:
            return Walk(self.plan, context, pool, "ops").go()
        finally:
            pool.close(abandon=bomb.dead)

    def begin(self, journal: Journal | None = None) -> None:
        """The record begins, and the holds that are written are recorded."""
        journal = journal or Journal(self.disk, Bomb())
        at = stamp(self.world.now)
        if not journal.head:
            journal.append([Created(at, "exit", "line", self.world.provider.name, TENANT)])
        purge = self.desired.purge
        new = [name for name in (purge.holds if purge else ()) if name not in journal.state.holds]
        if new:
            journal.append([Held(at, name, "ops", "manifest") for name in new])

    def approve(self, made: Plan, *names: str) -> None:
        self.begin()
        self._approved(Journal(self.disk, Bomb()), made, *names)

    def _approved(self, journal: Journal, made: Plan, *names: str) -> None:
        journal.append([Approved(stamp(self.world.now), made.approval, made.plan_id, name, "mail") for name in names])

    def confirm(self, made: Plan, address: str, proof: Proof = Proof.ATTESTED, expires: str | None = None) -> None:
        """A person says that a step of a plan is done."""
        step = next(each for each in made.steps if each.address == address)
        self.begin()
        Journal(self.disk, Bomb()).append(
            [Confirmed(stamp(self.world.now), ref(step), "it", proof, "done", (), expires)]
        )

    def condition(self) -> Any:
        """What changes from run to run: the truth, the record, and how many faults are still to come."""
        return self.world.truth(), outcomes(self.state()), len(self.world.acts), len(self.world.looks)

    def settle(self, most: int = 12, days: float = 10) -> int:
        """Applies until two runs in a row neither changed nor recorded anything new, with time passing; how many runs
        that took."""
        quiet = 0
        for number in range(1, most + 1):
            before = self.condition()
            self.apply()
            self.world.advance(days)
            quiet = quiet + 1 if before == self.condition() else 0
            if quiet == 2:
                return number
        raise AssertionError(f"not settled after {most} runs")


def outcomes(state: State) -> dict[str, Any]:
    """What a record says of every step, without times."""
    return {
        f"{entry.verb.value} {entry.address} {entry.occurrence}": (entry.outcome.value, entry.code)
        for entry in state.entries.values()
    }


def verified(site: Site) -> bool:
    """Whether the last thing on record is that everything agrees."""
    return isinstance(Journal(site.disk, Bomb()).history()[-1], Observed)

"""What the wings need of each other, as protocols. `cli/compose.py` wires them; nobody else knows who is behind one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from crmstate.core.around import NoticeGoal
from crmstate.core.audience import Audience
from crmstate.core.decision import Decision
from crmstate.core.event import AnyEvent, Delivery, Evidence
from crmstate.core.provider import Batch, Count, File, FilePage, Job, Order, Page, Part, Provider, Result
from crmstate.core.record import State
from crmstate.core.survey import Identity, Listing, Resource
from crmstate.core.words import Kind, Verb

T = TypeVar("T")


class Effects(Protocol):
    """The one place that everything which touches the world passes: disk, network, clock.

    Production runs `act` and nothing else. A crash test counts the calls and stops before, after, or in the middle of
    one: `torn`, where given, does a part of `act` (half a write) and is never called in production. `kind` is one of
    write, fsync, rename, link, unlink, mkdir, http, smtp, clock, lock.
    """

    def do(self, kind: str, what: str, act: Callable[[], T], torn: Callable[[], object] | None = None) -> T: ...


class Clock(Protocol):
    """Time. `now` is aware and in UTC (the vendor's own time for a simulator); `monotonic` in seconds serves leases
    and rates."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class ReadSession(Protocol):
    """A connection that can only look. Its transport lets no request through that no reading cell declares.

    Every method raises `failure.Failure`. Retries, throttling and refreshing of tokens have happened below. Methods
    may be called from several threads.
    """

    provider: Provider

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    def whoami(self) -> Identity:
        """Who this credential is; never cached."""
        ...

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        """Every row of a kind, or of some ids (what is not there is left out). Never silently short: a page that
        cannot be had raises; what the credential may not see comes back as `complete=False` with its gap."""
        ...

    def count(self, dataset: str) -> Count:
        """The vendor's count of a dataset, now."""
        ...

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        """One page of raw rows, in the order of their ids; `ids` reads just these (what is not there is left out)."""
        ...

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        """One page of a dataset's attachments."""
        ...

    def fetch(self, file: File) -> Iterator[bytes]:
        """An attachment's bytes, in pieces. Raises UNAVAILABLE when the stream ends early, EXPIRED when the address
        has ended."""
        ...

    def fields(self, dataset: str) -> bytes | None:
        """The vendor's own description of a dataset's fields (labels, types, choices), byte for byte as it sends it;
        None where its provider gives none."""
        ...

    def alive(self) -> bool:
        """Whether this credential still works: False is proof that it is dead. Raises where neither can be known."""
        ...

    def close(self) -> None: ...


class Jobs(Protocol):
    """Exports that the vendor makes beside us: submitted, polled, fetched. Whoever submits makes the order and what is
    `known` durable before, and the job's id after it, before anything else.

    Every method raises `failure.Failure`; MISSING from none of them: a job that is not there any more is `gone`.
    """

    provider: Provider

    def known(self, order: Order) -> tuple[str, ...] | None:
        """The ids of the jobs that the vendor shows for an order now; None where it lists no jobs."""
        ...

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        """Submits a job, once. A lost answer is looked up among the jobs that the vendor lists: the one that was not
        `known` is it. None where the vendor takes no job for this dataset. Raises AMBIGUOUS where nobody can know
        whether it was submitted, UNAVAILABLE where it was not."""
        ...

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        """The job of a submission whose answer nobody has, or None where another one may be submitted: the vendor shows
        none, or says that it does no harm. Raises AMBIGUOUS where nobody can know."""
        ...

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        """The job, once it is not running any more: polled ever more seldom. Raises UNAVAILABLE where it is not over in
        an hour, or `stopped` says so within a second or two; then it goes on, and may be waited for again."""
        ...

    def masked(self, raw: bytes) -> bytes:
        """Rows out of a file as they may be kept: a vendor may have written our own credential into one."""
        ...

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        """A part's bytes, in pieces. Raises UNAVAILABLE when there are others than the vendor said, EXPIRED when the
        result is not kept any more."""
        ...


class Session(ReadSession, Jobs, Protocol):
    """A connection that can act."""

    def rights(self, acts: Mapping[tuple[Kind, Verb], Sequence[str]]) -> None:
        """Raises Failure (DENIED, EXPIRED) where the vendor shows that this credential may not do one of these acts to
        these ids; nothing is done to them. Says nothing where the vendor shows it at the act alone."""
        ...

    def perform(self, batch: Batch) -> list[Result]:
        """Sends one batch, once: an acting call is never repeated below unless the vendor said that nothing happened
        (429, refused connection). One result per item, in order; a lost answer gives `unknown` for each. Raises
        Failure only where nothing was sent, or nothing happened."""
        ...


class Journal(Protocol):
    """The append-only history. One chunk is one append: numbered, immutable, hash-chained, durable when `append`
    returns."""

    @property
    def head(self) -> int:
        """The number of the last chunk; 0 for none."""
        ...

    def append(self, events: Sequence[AnyEvent]) -> int:
        """Makes the next chunk and returns its number. Raises Problem (exit 5) when that number exists: somebody else
        wrote."""
        ...


class Ledger(Protocol):
    """The journal with its fold: what `apply` writes to, and reads its own past from."""

    @property
    def state(self) -> State:
        """The fold of everything appended so far."""
        ...

    def append(self, events: Sequence[AnyEvent]) -> int:
        """Durable in the journal, then folded into `state`; see `Journal.append`."""
        ...


class Archiver(Protocol):
    """Exports datasets to a location and proves what lies there. Resumable: what is durable is not asked for again.
    Whatever reads an archive back (`verify`, `delta`, `recheck`) also makes the copies for people beside it that lack or
    are not what its rows give."""

    def archive(
        self,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        jobs: Jobs | None = None,
        left_out: Decision | None = None,
    ) -> Evidence:
        """Exports a dataset whole: by `jobs` where they are given and the vendor takes one, else by pages. `left_out`: by
        whose decision its attachments are not read, where it is somebody's; the archive keeps it.
        Evidence: rows, bytes, sha256 of its content (rows, ids and attachments, however and whenever they were
        written)."""
        ...

    def backup(self, source: ReadSession, account: Resource, jobs: Jobs) -> Evidence:
        """Takes the vendor's backup of the whole account, as it comes; ordered once for each archive. What lies there is
        read back by `recheck`: nothing of it is compared with the vendor."""
        ...

    def verify(self, source: ReadSession, dataset: Resource, expected: str | None = None) -> Evidence:
        """Reads the archive back from its location: checksums, count against the vendor's. `expected`: the
        content's sha256 on record, the anchor outside the archive. Raises Problem where anything differs (CRM-A006, CRM-A031: the
        vendor has another number of rows, or other rows, by now)."""
        ...

    def delta(
        self,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        expected: str | None = None,
        purging: bool = False,
        jobs: Jobs | None = None,
        frozen: bool = False,
        left_out: Decision | None = None,
    ) -> Evidence:
        """Adds what is new or changed and the ids that vanished, and verifies the whole again; by `jobs` where the
        archive was made by them. `purging`: a purge of ours has begun, and what vanished is held all the same. `frozen`:
        nobody works any more, so that no reading from before goes on: what it met may have changed since."""
        ...

    def held(self, dataset: str) -> int:
        """How many rows of an interrupted reading are durable, and are not asked for again."""
        ...

    def recheck(self, dataset: Resource, expected: str | None = None) -> Evidence:
        """Reads the archive back as `verify` does, without asking the vendor for anything: what would need it is said to
        be none. Raises Problem where anything is wrong."""
        ...

    def clearable(self, expected: Mapping[str, str], begun: bool) -> None:
        """Looks at everything that `clear` looks at before it touches anything, and raises what it would."""
        ...

    def clear(self, expected: Mapping[str, str], begun: bool) -> Evidence:
        """Deletes the archive from its location but for the mark by which the place is known as ours; what remains of
        it on the way never passes for an archive. `expected`: the contents on record by dataset; anything else that lies
        there is refused. `begun`: an earlier attempt may have taken something away. Raises Problem: CRM-A090 where
        nothing is there, since a place that is not mounted looks the same; CRM-A093 where something was taken away and
        something is left, any other where nothing was touched."""
        ...

    def bare(self) -> bool:
        """Whether the location holds the mark alone, or nothing. Raises Problem CRM-A090 where it is not there
        itself."""
        ...

    def end(self) -> Evidence:
        """Takes the mark away, which is all that a cleared location holds, and reads back that nothing is there. To be
        called only where a record shows that it was cleared. Raises Problem CRM-A093 where something is left."""
        ...

    def ids(self, dataset: str, expected: str | None = None) -> Sequence[str]:
        """The ids of the rows that the verified archive of a dataset holds, in a fixed order."""
        ...


class Outbox(Protocol):
    """A notice whose recipients and text have been read. Recipients are known by their fingerprints alone."""

    @property
    def audience(self) -> Audience:
        """To whom it goes, and what it says."""
        ...

    @property
    def where(self) -> str:
        """The server that takes it, as people call it."""
        ...

    @property
    def recipients(self) -> Sequence[str]:
        """The fingerprints of those who are told, each once."""
        ...

    @property
    def key(self) -> str:
        """The digest of the key that fingerprints are made with."""
        ...

    @property
    def side_by_side(self) -> int:
        """How many messages may be under way at a time."""
        ...

    def send(self, to: Sequence[str], back: Mapping[str, int]) -> Sequence[Delivery]:
        """Sends one message to each, side by side, once; waits first where that would be too fast. `back`: how often the
        message to somebody has come back, so that reports of this one are known from those. Raises nothing: what
        happened to each is in the answer, `unknown` where nobody can know."""
        ...

    def close(self) -> None: ...


class Messenger(Protocol):
    """Tells people. What it knows of them never leaves it."""

    def audience(self, notice: NoticeGoal, users: Callable[[], Sequence[Resource]]) -> Audience:
        """To whom a notice goes, and what it says; what is wrong with it is in the answer. `users`: asks for
        the vendor's. Sends and writes nothing."""
        ...

    def open(self, notice: str, users: Callable[[], Sequence[Resource]]) -> Outbox:
        """The same, ready to be sent. Raises Problem with everything that is wrong."""
        ...


class Lock(Protocol):
    """Held from `acquire` until `release` or the end of the process."""

    def acquire(self) -> None:
        """Raises Problem (exit 4), saying who holds it."""
        ...

    def release(self) -> None: ...

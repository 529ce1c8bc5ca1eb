"""What the suite needs of a vendor: a stage to put it on, trouble to make, and the truth to ask.

A stage is written once a vendor. It speaks to the vendor's side alone (a simulator's own interface, or an independent
client of a real server behind a proxy that makes the trouble), and never through the provider that is tested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Protocol

from crmstate.core.ports import ReadSession, Session
from crmstate.core.provider import Batch, Cell, File, Item, Provider
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.wire import Gate


class Trouble(Enum):
    """What can go wrong between us and a vendor."""

    THROTTLED_FOR_SECONDS = auto()
    THROTTLED_WITHOUT_A_WORD = auto()
    QUOTA_USED_UP = auto()
    OUTAGE_500 = auto()
    OUTAGE_502 = auto()
    OUTAGE_503 = auto()
    OUTAGE_AFTER_THE_EFFECT = auto()
    RESET_AT_ONCE = auto()
    CUT_BEFORE_THE_EFFECT = auto()
    CUT_AFTER_THE_EFFECT = auto()
    SLOW_BEFORE_THE_EFFECT = auto()
    SLOW_AFTER_THE_EFFECT = auto()
    TORN_BODY = auto()
    MALFORMED_BODY = auto()
    CUT_GZIP = auto()
    TOKEN_EXPIRED = auto()
    EVERY_SECOND_ITEM_FAILS = auto()
    ACCEPTED_FOR_LATER = auto()
    DONE_THAT_DID_NOTHING = auto()
    ROW_INSERTED_BEHIND = auto()
    ROW_REMOVED_BEHIND = auto()
    SMALLER_PAGES = auto()
    SMALLER_PAGES_THAT_LOSE_ROWS = auto()
    REPEATED_PAGE = auto()
    ECHO_IN_ERROR = auto()
    ECHO_IN_HTML = auto()
    ECHO_IN_PAGE = auto()
    REFUSED_IN_200 = auto()
    REFUSED_AS_500 = auto()
    REFUSED_AS_404 = auto()
    FORBIDDEN_TO_EVERYBODY = auto()
    DEAD_TOKEN_AS_403 = auto()
    SAYS_THERE_IS_NOTHING = auto()
    PAGING_IGNORED = auto()
    ROWS_WITHOUT_IDS = auto()
    SECRET_IN_ROWS = auto()
    JOB_FAILS = auto()
    JOB_VANISHES = auto()
    SHORT_RESULT = auto()
    CUT_RESULT = auto()


class Who(Enum):
    """The credentials that every stage has."""

    STRONG = auto()
    READ_ONLY = auto()
    WEAK = auto()
    NO_RIGHTS = auto()
    REFRESHING = auto()
    DEAD = auto()


SHOWN = "sk_live_shown_in_clear_0123456789abcdef"
"""What a vendor shows in clear under `SECRET_IN_ROWS`."""


@dataclass(frozen=True)
class HeldKey:
    """A key of somebody's. `id`: in the vendor's listing of keys; None where it lists none. `answers`: asks the vendor
    with this very key, past the provider, whether it lets it in. `revoke`: what a person does at the vendor's own page.
    `credential`: for the provider, where such a key is what it works with."""

    user: str
    id: str | None
    answers: Callable[[], bool]
    revoke: Callable[[], object]
    credential: Mapping[str, Secret] | None = None


class Truth(Protocol):
    """What is really so at the vendor, whatever its API says."""

    def phases(self, kind: Kind) -> dict[str, Phase]:
        """Everything of a kind that really exists, in the provider's words; what was ended for good is left out or
        absent."""
        ...

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        """How many acts really took effect on a thing, or were accepted; a row's dataset is its `parent`."""
        ...

    def received(self) -> list[str]:
        """Every request that reached the vendor, as `METHOD /path`."""
        ...


class Stage(Protocol):
    """A vendor, seeded, reachable, and troubled on demand."""

    provider: Provider
    url: str
    tenant: str
    truth: Truth
    late: float
    """Seconds in which the vendor answers when nothing is wrong, and not when a slow answer is asked for."""
    midnight: str
    """When the vendor's day begins, and with it a day's quota, in UTC: `T00:00:00Z`."""

    def credential(self, who: Who) -> Mapping[str, Secret]: ...

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        """Puts things with these names at the vendor, fit for every act on their kind; their ids, in the order of the
        vendor."""
        ...

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        """Puts a dataset with rows of these names there; its id and theirs, in the order of the vendor."""
        ...

    def field_names(self, dataset: str) -> Sequence[str]:
        """Some names and labels by which the vendor describes the fields of a dataset that `rows` made."""
        ...

    def fetching(self, file: File) -> str:
        """The request that the bytes of an attachment are fetched by."""
        ...

    def attachment(self, content: bytes) -> str:
        """Puts a dataset there whose one row has one attachment, named `Verträge/合同.pdf`; its id."""
        ...

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        """What a listing calls the things that were put there under these ids and names."""
        ...

    def close_account(self) -> None:
        """Closes the account for good, past the provider, as far as time has not to pass (30 days are enough)."""
        ...

    def soften(self) -> None:
        """From now on deleted rows go on answering by their ids."""
        ...

    def held_key(self) -> HeldKey:
        """Puts a user there who has a key that works."""
        ...

    def own_user(self) -> str:
        """Whose credential the strong one is, or who made it: an administrator, in the listing of users."""
        ...

    def switched_off(self) -> str:
        """Puts a user there who cannot sign in, and is not gone; its id."""
        ...

    def hidden_row(self, content: bytes) -> tuple[str, str]:
        """Puts a row there that no listing of the vendor's shows unless it is asked to, with an attachment; its dataset's
        id and its own."""
        ...

    def hidden(self, kind: Kind) -> list[str]:
        """Things of this kind that live on although the vendor does not find them any more; none where there is no
        such thing."""
        ...

    def batch(self, cell: Cell, count: int) -> Batch:
        """As many fresh things as the cell takes at once (at most `count`), with what stands in the way of the act
        cleared."""
        ...

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        """The next `times` requests like `METHOD /path/*` meet it; None: all of them."""
        ...

    def submitted(self, kind: Kind) -> int:
        """How many export jobs of this kind the vendor really took on; asked of vendors that have jobs alone, like what
        follows."""
        ...

    def slow_jobs(self, looks: int) -> None:
        """From now on jobs are found running by so many looks."""
        ...

    def days_pass(self, days: int) -> None: ...

    def close(self) -> None: ...


def several(stage: Stage, cell: Cell, count: int) -> Batch:
    """As many things as a cell takes at once, put there as they come: rows with the dataset in which they lie."""
    names, dataset = ["gone"] * min(count, cell.batch), None
    if cell.kind is Kind.DATASET:
        dataset, ids = stage.rows(names)
    else:
        ids = stage.put(cell.kind, names)
    return Batch(cell.kind, cell.verb, tuple(Item(id) for id in ids), parent=dataset)


class Patience:
    """A clock whose sleeps take no time, and are remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Straight:
    """Effects that just happen, counted."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def do(self, kind: str, what: str, act: Any, torn: Any = None) -> Any:
        self.done.append((kind, what))
        return act()


class Company:
    """Opens sessions on a stage and closes them all at the end."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock = Patience()
        self.effects = Straight()
        self.scrubber = Scrubber()
        self._open: list[ReadSession] = []

    def reader(self, who: Who = Who.STRONG, **changes: Any) -> ReadSession:
        found: ReadSession = self._connect(who, "read", changes)
        return found

    def writer(self, who: Who = Who.STRONG, **changes: Any) -> Session:
        found: Session = self._connect(who, "write", changes)
        return found

    def with_key(self, credential: Mapping[str, Secret]) -> ReadSession:
        """A session that works with somebody's key."""
        found: ReadSession = self._connect(Who.STRONG, "read", {"credential": credential})
        return found

    def _connect(self, who: Who, use: Any, changes: dict[str, Any]) -> Any:
        stage = self.stage
        limits = {name: value for name, value in changes.items() if name in {"page", "per_second", "per_day"}}
        provider = replace(stage.provider, limits=replace(stage.provider.limits, **limits))
        session = connect(
            provider,
            changes.get("url", stage.url),
            changes.get("credential", stage.credential(who)),
            use,
            effects=self.effects,
            clock=self.clock,
            learn=self.scrubber.learn,
            scrub=self.scrubber.scrub,
            tenant=changes.get("tenant", stage.tenant),
            timeout=changes.get("timeout", 5.0),
            hosts=("127.0.0.1",),  # where every stage stands; an operator allows it in the same way
            attested=who is not Who.WEAK,  # nobody vouches for a weak one
        )
        self._open.append(session)
        return session

    def close(self) -> None:
        for session in self._open:
            session.close()


def request_of(cell: Cell) -> str:
    """The request that a cell's function sends first."""
    return cell.requests[0]


def sent(stage: Stage, cell: Cell) -> int:
    """How many requests like this cell's first reached the vendor."""
    like = Gate((request_of(cell),))
    return sum(like.lets(each) for each in stage.truth.received())


def wait(happened: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until something is so: what was sent may be noted later."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def secrets(stage: Stage, who: Who = Who.STRONG) -> list[str]:
    """What of a credential may be seen nowhere."""
    return [each.reveal() for name, each in stage.credential(who).items() if name not in stage.provider.plain]


def look(session: ReadSession, cell: Cell, dataset: str) -> object:
    """What a reading cell shows, as a value that two runs can be compared by."""
    if cell.verb is Verb.LIST:
        return session.list(cell.kind)
    if cell.verb is Verb.COUNT:
        return session.count(dataset)
    if cell.verb is Verb.READ:
        return rows_of(session, dataset)
    return session.whoami() if cell.verb is Verb.WHOAMI else session.alive()


def rows_of(session: ReadSession, dataset: str, cursor: str | None = None) -> list[tuple[str, bytes]]:
    """Every row of a dataset, or every one from a cursor on, page by page."""
    found: list[tuple[str, bytes]] = []
    while True:
        page = session.read(dataset, cursor)
        found.extend((row.id, row.raw) for row in page.rows)
        if page.next is None:
            return found
        cursor = page.next

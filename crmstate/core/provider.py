"""Provider: a table of cells. One table is dispatch, capability matrix, planner input, documentation and test
parameters at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from crmstate.core.words import READING, Against, How, JobStatus, Kind, Outcome, Packing, Phase, Proof, Undo, Verb

REDACTED = "$redacted"
"""What stands in a row in the place of a value that is kept out of it, or at the end of a text that is kept without a part:
secrets are stored nowhere, and that something is kept out is seen in the row and counted by its field."""

Texts = Mapping[str, str]
"""One text in every language: `{"en": "...", "zh-CN": "..."}`."""


class Args(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a verb needs to know beside the id: dates are ISO 8601 days; `transfer_to` a remote user id; `confirm` what
    a vendor wants repeated before it closes an account."""

    effective: str | None = None
    starts: str | None = None
    until: str | None = None
    to: str | None = None
    transfer_to: str | None = None
    reason: str | None = None
    confirm: str | None = None


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to act on."""

    id: str
    args: Args = Args()


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one acting call may hold: items of one kind, one verb, at most `Cell.batch` of them, and equal `args`. For
    a purge `kind` is dataset, `parent` the dataset's remote id and the items its rows."""

    kind: Kind
    verb: Verb
    items: tuple[Item, ...]
    parent: str | None = None


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """A vendor's answer for one item, in the order of the batch. `outcome`: done, requested (accepted, completes at
    `until`; `hidden`: a job of which no listing shows anything before that), failed (with `code`), unknown (answer lost).
    `missing` counts as done for verbs that end things: the provider says so here."""

    id: str
    outcome: Outcome
    code: str | None = None
    summary: str = ""
    until: str | None = None
    request_id: str | None = None
    proof: Proof = Proof.ACKNOWLEDGED
    hidden: bool = False


class Count(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many rows the vendor says a dataset has; `rows` None where it does not say; `exact` false for estimates."""

    rows: int | None
    exact: bool = True


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record as the vendor wrote it: its id and its own JSON text, line breaks between tokens removed, secrets
    `REDACTED`, nothing else changed. `doomed`: the vendor shows that its deletion is accepted, to be through by this time (empty where it
    does not say when)."""

    id: str
    raw: bytes
    doomed: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of rows. `next` None means the end, said by the vendor; never an empty string."""

    rows: tuple[Row, ...]
    next: str | None


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment: `size` in bytes and `sha256` where the vendor gives them; `url` may expire and is never stored."""

    id: str
    row: str
    name: str
    url: str
    size: int | None = None
    mime: str = ""
    sha256: str | None = None


class FilePage(msgspec.Struct, frozen=True):
    """One page of attachments."""

    files: tuple[File, ...]
    next: str | None


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job is to export: the rows of a `dataset`, from where `more` of the job before says; or, for kind account,
    everything."""

    kind: Kind = Kind.DATASET
    dataset: str = ""
    more: str | None = None


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a job's result: `rows`, `size` in bytes and `sha256` where the vendor says them; `url` may expire and
    is never stored."""

    name: str
    url: str
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """A job as the vendor shows it. Once it is done: `rows` of all its parts, as the vendor says; `more`: what the next
    job begins with, None where there is no more; `until`: when its result ends. `dropped`: columns that the vendor did
    not take, so that the job was submitted without them. `summary`: why it failed."""

    id: str
    status: JobStatus
    rows: int | None = None
    parts: tuple[Part, ...] = ()
    more: str | None = None
    until: str | None = None
    dropped: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class Bulk:
    """How a vendor exports by jobs. Submitting is an act, since it costs quota; `submits` are the requests for it, and the
    cell's own are for everything else.

    `poll`: a job by its id. `collect`: the bytes of a part. `listed`: the jobs that a vendor shows for an order, or
    None for a vendor that lists none; it is what tells whether a submission without an answer happened. `repeatable`:
    the vendor says that another job does no harm but its cost, so that one whose submission was lost may be submitted
    again. `packing` of each part; `key`: the column that bears a row's id; `secret`: columns that are redacted.
    `most`: rows a job; `parts`: rows a file. `cost`: requests of the quota that a job counts as; `seconds` that one
    takes, where that is known; `lasts`: seconds for which a result is kept. `least`: rows from which a dataset is
    exported by jobs although nobody asks for it; None: only where somebody does.
    """

    submits: tuple[str, ...]
    poll: Callable[..., Any]
    collect: Callable[..., Any]
    packing: Packing
    key: str = ""
    listed: Callable[..., Any] | None = None
    repeatable: bool = False
    secret: frozenset[str] = frozenset()
    most: int | None = None
    parts: int | None = None
    cost: int = 1
    seconds: int = 0
    lasts: int | None = None
    least: int | None = None


@dataclass(frozen=True)
class Cell:
    """One capability, which is also its code.

    `after`: the phase that a read-back must show. `shows_effect`: the vendor's listing shows the effect, or its
    pending request, as soon as the call was carried out, so that looking tells whether a lost call happened. `batch`:
    items a call. `calls`: requests a batch. `requests`: for reading cells, the patterns (`GET /v1/users`) that a
    read-only transport lets through; `*` stands for one path segment. `attributes`: exceptions to the order:
    `ends_api`, `revokes_keys`, `needs_active_owner`, `not_self` (refused for the user or key that calls),
    `not_while_paused` (a subscription's end is refused while it is paused),
    `keys_outlive` (a user's keys go on working without the user), `halfway_unseen` (a row that is half purged shows
    nowhere: a batch whose end nobody knows is asked for again as a whole, and the function looks itself). `source`:
    where the fact is from; `verified_on`: ISO date of a check against a real system or its published description, None
    while unconfirmed. `files`, `fetch`: of the cell that reads a dataset's rows, the functions for its attachments and
    their bytes, where the vendor has them; `fields`: the vendor's own description of a dataset's fields, as it sends it.
    `behind`: of the same cell, for vendors that list by key: the cursor that leads behind a row of this id. It asks nothing
    of the vendor's memory, and takes up a reading whose own cursor has died.
    `trial`: for vendors that name nobody's rights, a function that asks for the act on something that cannot be there,
    given the ids of what the act is for: all that it can meet is the refusal for a right that lacks.
    `bulk`: of a cell that exports by jobs (`Provider.exports`), whose `run` submits one.
    `note`: plain text, or the code of a text that the vendor's file brings.
    `elsewhere`: the runbook for things that another system manages (`UserFacts.elsewhere`), which a person ends there.
    """

    kind: Kind
    verb: Verb
    how: How
    run: Callable[..., Any] | None = None
    undo: Undo = Undo.NEVER
    after: Phase = Phase.ABSENT
    batch: int = 1
    calls: int = 1
    shows_effect: bool = True
    requests: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    runbook: str | None = None
    why: str | None = None
    note: str | None = None
    source: str = ""
    verified_on: str | None = None
    elsewhere: str | None = None
    files: Callable[..., Any] | None = None
    fetch: Callable[..., Any] | None = None
    fields: Callable[..., Any] | None = None
    behind: Callable[[str], str] | None = None
    trial: Callable[..., Any] | None = None
    bulk: Bulk | None = None


@dataclass(frozen=True)
class Limits:
    """The vendor's limits: requests a second over all, a day's quota, rows a reading page. None: not known.
    `per_request`: requests a second of one kind, by the name that cells declare it by (`POST /v1/users`); the slower
    of the two limits holds. `per_window`: by the same names, how many in how many seconds, for vendors that count so.
    `ahead`: hours by which the vendor's day begins before that of UTC. `files_by_row`: attachments are listed row by row,
    one request each."""

    per_second: float | None = None
    per_day: int | None = None
    page: int = 100
    ahead: int = 0
    per_request: Mapping[str, float] = field(default_factory=dict)
    files_by_row: bool = False
    per_window: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def rates(self) -> Mapping[str, float]:
        """Requests a second of one kind in the long run, by their names."""
        if not self.per_window:
            return self.per_request
        return {**{name: most / seconds for name, (most, seconds) in self.per_window.items()}, **self.per_request}


@dataclass
class Provider:
    """A vendor. `credential`: the fields that a credential may have; those of them in `plain` are no secrets (a login
    name), and nothing that looks like one is taken out of records. `env`: prefixes of environment names that a
    manifest for this vendor may refer to. `hosts`: host patterns that its addresses must match; `url`: the one
    address of a vendor that has one for all customers, which a manifest may leave out; `address`: what one looks like
    where every customer runs a server of their own, or the vendor has several, and the manifest has to say which. `tenant`: what a manifest's
    tenant is at this vendor, for whoever writes one. `removal`: the verb by which `removed` is reached, by kind.
    `own_clock`: the vendor has a clock of its own (simulators only). `dialect`: the vendor's manner of speaking, as
    `providers.kit` reads it; `connect`: for a vendor without an API, a function that makes a session of the
    folder in which people put what they exported. `words`: the texts
    of its runbooks and reasons by language and code, for the catalogues. `against`: what its cells were checked against
    on their `verified_on`; None for one that claims nothing of a vendor."""

    name: str
    title: str
    credential: tuple[str, ...]
    env: tuple[str, ...]
    hosts: tuple[str, ...]
    removal: dict[Kind, Verb]
    limits: Limits = Limits()
    source: str = ""
    url: str = ""
    tenant: str = "your account's id"
    own_clock: bool = False
    plain: tuple[str, ...] = ()
    address: str = ""
    connect: Callable[..., Any] | None = None
    dialect: Any = None
    table: dict[tuple[Kind, Verb], Cell] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    against: Against | None = None

    def reads(self, kind: Kind, verb: Verb, *requests: str, source: str, **facts: Any) -> Callable[[Any], Any]:
        """Places a reading function in the table, with the requests that it may send."""
        if verb not in READING or verb is Verb.EXPORT:
            raise ValueError(f"{verb} does not read")
        return self._place(kind, verb, requests=tuple(requests), undo=Undo.FREE, source=source, **facts)

    def acts(
        self, kind: Kind, verb: Verb, *, undo: Undo, after: Phase, source: str, **facts: Any
    ) -> Callable[[Any], Any]:
        """Places an acting function in the table."""
        if verb in READING:
            raise ValueError(f"{verb} does not act")
        return self._place(kind, verb, undo=undo, after=after, source=source, **facts)

    def exports(self, kind: Kind, *requests: str, bulk: Bulk, source: str, **facts: Any) -> Callable[[Any], Any]:
        """Places a function in the table that submits a job: of a dataset's rows, or of the whole account. It gets the
        `Order` and gives the `Job`, or None where the vendor takes none for this dataset, which is then read by pages.
        `requests`: for looking at jobs and fetching what they made."""
        return self._place(
            kind, Verb.EXPORT, requests=tuple(requests), bulk=bulk, undo=Undo.FREE, source=source, **facts
        )

    def _place(self, kind: Kind, verb: Verb, **facts: Any) -> Callable[[Any], Any]:
        self._note(kind, verb, facts)

        def place(run: Any) -> Any:
            self._add(Cell(kind, verb, How.API, run=run, **facts))
            return run

        return place

    def manual(
        self,
        kind: Kind,
        verb: Verb,
        *,
        runbook: str | Texts,
        source: str,
        after: Phase = Phase.ABSENT,
        undo: Undo = Undo.NEVER,
        note: str | Texts | None = None,
        verified_on: str | None = None,
        attributes: frozenset[str] = frozenset(),
    ) -> None:
        """A capability that a person has, with its runbook: where to click, whom to write to, what proves it."""
        code = self._said("runbook", kind, verb, runbook)
        facts: dict[str, Any] = {"source": source, "after": after, "undo": undo, "note": note, "attributes": attributes}
        self._note(kind, verb, facts)
        self._add(Cell(kind, verb, How.MANUAL, runbook=code, verified_on=verified_on, **facts))

    def none(self, kind: Kind, verb: Verb, *, why: str | Texts, source: str = "") -> None:
        """A capability that nobody has, and why."""
        self._add(Cell(kind, verb, How.NONE, why=self._said("why", kind, verb, why), source=source))

    def _note(self, kind: Kind, verb: Verb, facts: dict[str, Any]) -> None:
        """Puts the codes of a note and of the runbook for what is managed elsewhere in their places, where the vendor's
        file brings them in several languages."""
        for name in ("note", "elsewhere"):
            if isinstance(text := facts.get(name), Mapping):
                facts[name] = self._said(name, kind, verb, text)

    def _said(self, family: str, kind: Kind, verb: Verb, text: str | Texts) -> str:
        """The code of a text: a catalogue's own, or one for the words that the vendor's file brings along."""
        if isinstance(text, str):
            return text
        code = f"{family}.{self.name}.{kind.value}.{verb.value}"
        for language, words in text.items():
            self.words.setdefault(language, {})[code] = words
        return code

    def cell(self, kind: Kind, verb: Verb) -> Cell | None:
        """The cell, or None where the table says nothing."""
        return self.table.get((kind, verb))

    def _add(self, cell: Cell) -> None:
        if (cell.kind, cell.verb) in self.table:
            raise ValueError(f"{self.name}: {cell.kind} {cell.verb} is placed twice")
        self.table[cell.kind, cell.verb] = cell

"""Sessions over any provider's table: `ReadSession` and `Session` of core.ports.

A listing is called complete only where the identity behind it is proved to see everything, and a batch's results are
only as good as an answer that names every item, once, in order. No vendor is known here: what one can do stands in
its cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Cell, Count, File, FilePage, Job, Order, Page, Part, Provider, Result
from crmstate.core.survey import Gap, Identity, Listing, Resource, SubscriptionFacts
from crmstate.core.words import How, Kind, Outcome, Phase, Proof, Verb
from crmstate.providers.kit import jobs
from crmstate.providers.kit.answers import without_own
from crmstate.providers.kit.call import call_for
from crmstate.providers.kit.line import Line
from crmstate.providers.kit.pages import Resources, page_of_rows

PROOF_LASTS = 60.0
"""Seconds for which a proof of the whole view holds: rights can be taken away in the middle of a run."""

CLOCKS_AGREE = 300.0
"""Seconds by which two clocks may differ before anybody is told."""

LIVES_UNSEEN = "lives_unseen"
"""Attribute of an acting cell: a thing that the vendor does not find may live on where nobody sees it."""

_NOTHING_HAPPENED = {Code.CONFLICT, Code.REJECTED, Code.MISSING}


def _apart(seconds: float) -> int:
    """The minutes by which two clocks differ that do not agree; none where they do."""
    return round(seconds / 60) if abs(seconds) > CLOCKS_AGREE else 0


class Reading:
    """A connection that can only look. Safe between threads."""

    def __init__(self, line: Line, use: str) -> None:
        self._line = line
        self._use = use
        self._identity: tuple[float, Identity] | None = None
        self.provider: Provider = line.provider

    @property
    def calls(self) -> int:
        """Requests sent so far, those for tokens included."""
        return self._line.wire.sent

    def whoami(self) -> Identity:
        """Who this credential is, asked now."""
        cell = self._cell(Kind.TENANT, Verb.WHOAMI)
        found: Identity = self._run(cell)
        found = replace(found, use=self._use, ahead=_apart(self._line.ahead or 0.0))
        self._identity = (self._line.clock.monotonic(), found)
        return found

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        """Every row of a kind, or of some ids. Incomplete, with its gap, where the vendor offers no listing, denies
        it, or where the credential is not proved to see everything."""
        cell = self.provider.cell(kind, Verb.LIST)
        if cell is None or cell.how is not How.API:
            return Listing(kind, (), complete=False, gap=Gap(kind, "gap.not_offered"))
        wanted = None if ids is None else tuple(dict.fromkeys(ids))
        if wanted == ():
            return Listing(kind, ())
        try:
            found = self._run(cell, wanted)
        except Failure as failure:
            if failure.code is not Code.DENIED:
                raise
            return Listing(kind, (), complete=False, gap=Gap(kind, "gap.denied", failure.summary))
        return self._judged(kind, found, wanted)

    def count(self, dataset: str) -> Count:
        """The vendor's count of a dataset, now; none where the vendor counts nothing."""
        cell = self.provider.cell(Kind.DATASET, Verb.COUNT)
        if cell is None or cell.how is not How.API:
            return Count(None, exact=False)
        found: Count = self._run(cell, dataset)
        return found

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        """One page of raw rows, never an empty one with more behind it; `ids` reads just these, on one page."""
        cell = self._cell(Kind.DATASET, Verb.READ)
        if ids is not None:
            wanted = tuple(dict.fromkeys(ids))
            return self._exactly(cell, dataset, wanted) if wanted else Page((), None)
        return page_of_rows(lambda place: self._run(cell, dataset, place, None), cursor)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        """One page of a dataset's attachments; none for a vendor without attachments."""
        cell = self._cell(Kind.DATASET, Verb.READ)
        if cell.files is None:
            return FilePage((), None)
        found: FilePage = cell.files(call_for(self._line, cell), dataset, cursor)
        if found.next is not None and found.next in {"", cursor}:
            raise Failure(Code.UNAVAILABLE, "the listing does not end", vendor="kit.loop")
        return found

    def fetch(self, file: File) -> Iterator[bytes]:
        """An attachment's bytes. Raises UNAVAILABLE when there are fewer or more of them than the vendor said."""
        cell = self._cell(Kind.DATASET, Verb.READ)
        if cell.fetch is None:
            raise Failure(Code.REJECTED, "this vendor offers no attachments", vendor="kit.not_offered")
        size = 0
        for piece in cell.fetch(call_for(self._line, cell), file):
            size += len(piece)
            if file.size is not None and size > file.size:
                break
            yield piece
        if file.size is not None and size != file.size:
            raise Failure(Code.UNAVAILABLE, "the attachment has another size than its listing says", vendor="kit.size")

    def fields(self, dataset: str) -> bytes | None:
        """The vendor's own description of a dataset's fields, as it sends it; None where the vendor's file has none."""
        cell = self._cell(Kind.DATASET, Verb.READ)
        if cell.fields is None:
            return None
        found: bytes = cell.fields(call_for(self._line, cell), dataset)
        return found

    def alive(self) -> bool:
        """Whether this credential still works. False is the vendor's own word that it does not; anything unclear
        raises."""
        cell = self.provider.cell(Kind.API_KEY, Verb.PROBE) or self._cell(Kind.TENANT, Verb.WHOAMI)
        try:
            self._run(cell)
        except Failure as failure:
            if failure.code is Code.EXPIRED:
                return False
            raise
        return True

    def close(self) -> None:
        """Closes the connections. May be called twice."""
        self._line.wire.close()

    def _cell(self, kind: Kind, verb: Verb) -> Cell:
        cell = self.provider.cell(kind, verb)
        if cell is None or cell.run is None:
            raise Failure(Code.REJECTED, f"{kind.value} {verb.value} is not offered", vendor="kit.not_offered")
        return cell

    def _run(self, cell: Cell, *args: object) -> Any:
        assert cell.run is not None, "only cells with code are run"
        return cell.run(call_for(self._line, cell), *args)

    def _exactly(self, cell: Cell, dataset: str, wanted: tuple[str, ...]) -> Page:
        """The rows of these ids. Others among them mean that the vendor ignored what was asked: then a row that is
        not there proves nothing."""
        found: Page = self._run(cell, dataset, None, wanted)
        if not frozenset(wanted).issuperset(row.id for row in found.rows) or found.next is not None:
            raise Failure(Code.REJECTED, "rows that nobody asked for", vendor="kit.malformed")
        return found

    def _judged(self, kind: Kind, found: Resources, wanted: tuple[str, ...] | None) -> Listing:
        """The rows as a Listing; complete only with a proof that is taken after them. A provider that gives a
        complete Listing vouches for it itself."""
        rows = found.resources if isinstance(found, Listing) else tuple(found)
        if wanted is not None:
            asked = frozenset(wanted)
            rows = tuple(row for row in rows if row.id in asked)
        if isinstance(found, Listing):
            return replace(found, resources=rows)
        if not self._sees_everything():
            known = self._identity
            why = "gap.unproved" if known is not None and known[1].attestable else "gap.partial_view"
            return Listing(kind, rows, complete=False, gap=Gap(kind, why))
        return Listing(kind, rows)

    def _sees_everything(self) -> bool:
        known = self._identity
        if known is None or self._line.clock.monotonic() - known[0] > PROOF_LASTS:
            return self._whole(self.whoami())
        return self._whole(known[1])

    def _whole(self, identity: Identity) -> bool:
        """Proved by the vendor, or, where no vendor's word could prove it, attested in writing by the operator."""
        return identity.whole_view or (identity.attestable and self._line.attested)


class Acting(Reading):
    """A connection that can act."""

    def rights(self, acts: Mapping[tuple[Kind, Verb], Sequence[str]]) -> None:
        """Raises Failure where the vendor refuses one of these acts for want of a right (DENIED) or of a living
        credential (EXPIRED). Only cells with a trial tell; whatever else a trial meets, the act itself will tell."""
        for (kind, verb), ids in acts.items():
            cell = self.provider.cell(kind, verb)
            if cell is None or cell.trial is None:
                continue
            try:
                cell.trial(call_for(self._line, cell), tuple(ids))
            except Failure as failure:
                if failure.code in (Code.DENIED, Code.EXPIRED):
                    raise

    def perform(self, batch: Batch) -> list[Result]:
        """Sends one batch, once. One result per item, in order; `unknown` where the answer was lost or does not fit
        the batch. Raises Failure only where nothing happened, ValueError for a batch that no cell takes."""
        cell = self._cell(batch.kind, batch.verb)
        ids = [item.id for item in batch.items]
        if len(ids) > cell.batch or len(set(ids)) != len(ids):
            raise ValueError(f"{batch.kind} {batch.verb} takes at most {cell.batch} different items a call")
        if not ids:
            return []
        try:
            results: list[Result] = self._run(cell, batch)
        except Failure as failure:
            results = _without_answer(ids, failure)
        if [result.id for result in results] != ids:
            results = _without_answer(ids, Failure(Code.AMBIGUOUS, "the answer does not fit the batch"))
        return self._looked(cell, batch, [self._shown(result) for result in results])

    def known(self, order: Order) -> tuple[str, ...] | None:
        """The jobs that there are for an order; see `core.ports.Jobs`, as for what follows."""
        return jobs.known(self._line, self._export(order), order)

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        """Submits a job, once."""
        return jobs.submit(self._line, self._export(order), order, known)

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        """The job of a submission that nobody has an answer to."""
        return jobs.found(self._line, self._export(order), order, known)

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        """A job, once it is over."""
        return jobs.awaited(self._line, self._export(order), id, stopped)

    def masked(self, raw: bytes) -> bytes:
        """Text of rows without our own credential."""
        return without_own(self._line, raw)

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        """The bytes of a part of a job's result."""
        return jobs.collect(self._line, self._export(order), part)

    def _export(self, order: Order) -> Cell:
        return self._cell(order.kind, Verb.EXPORT)

    def _shown(self, result: Result) -> Result:
        return replace(result, summary=self._line.clean(result.summary)) if result.summary else result

    def _looked(self, cell: Cell, batch: Batch, results: list[Result]) -> list[Result]:
        """Refusals that only say "already so", found out by looking: a conflict whose row shows the effect, and a
        missing thing that was to be ended, are done. The refusals stay refusals where looking fails."""
        try:
            results = [self._missing(cell, result) for result in results]
            open_ids = [result.id for result in results if result.code == Code.CONFLICT.value]
            if not open_ids or batch.parent is not None:
                return results
            listing = self.list(batch.kind, open_ids)
        except Failure:
            return results
        rows = {row.id: row for row in listing.resources}
        gone = listing.complete and cell.after is Phase.ABSENT and LIVES_UNSEEN not in cell.attributes
        return [
            _conflict(cell, result, rows.get(result.id), gone) if result.code == Code.CONFLICT.value else result
            for result in results
        ]

    def _missing(self, cell: Cell, result: Result) -> Result:
        if result.code != Code.MISSING.value or cell.after is not Phase.ABSENT or LIVES_UNSEEN in cell.attributes:
            return result
        return replace(result, outcome=Outcome.DONE) if self._sees_everything() else result


def _without_answer(ids: list[str], failure: Failure) -> list[Result]:
    """The results of a call that has none: unknown when it may have happened, failed when the vendor refused it, and
    otherwise raised, since nothing happened."""
    if failure.code is Code.AMBIGUOUS:
        outcome, proof = Outcome.UNKNOWN, Proof.NONE
    elif failure.code in _NOTHING_HAPPENED:
        outcome, proof = Outcome.FAILED, Proof.ACKNOWLEDGED
    else:
        raise failure
    return [Result(each, outcome, failure.code.value, failure.summary, None, failure.request_id, proof) for each in ids]


def _conflict(cell: Cell, result: Result, row: Resource | None, gone: bool) -> Result:
    """What a conflict turned out to be: the effect is there already, or its request is, or the refusal stands."""
    if row is None:
        return replace(result, outcome=Outcome.DONE) if gone else result
    if row.phase is cell.after:
        return replace(result, outcome=Outcome.DONE)
    if row.phase is Phase.PENDING and _same_request(cell.verb, row):
        reference = row.facts.request_id if isinstance(row.facts, SubscriptionFacts) else result.request_id
        return replace(result, outcome=Outcome.REQUESTED, until=row.pending_until, request_id=reference)
    return result


def _same_request(verb: Verb, row: Resource) -> bool:
    """Whether what is pending is what was asked for. Only a contract says which action it is; an account can only be
    closing."""
    if isinstance(row.facts, SubscriptionFacts):
        return row.facts.pending == verb.value
    return row.kind is Kind.ACCOUNT

"""Paper: a session over a folder of exports. It sends nothing to anybody, and can act on nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Count, File, FilePage, Job, Order, Page, Part, Provider, Result
from crmstate.core.survey import Gap, Identity, Listing
from crmstate.core.words import Kind, Verb
from crmstate.providers.paper.folder import Folder

Results = list[Result]


class Paper:
    """See `ports.Session`. Failures: UNAVAILABLE where a file cannot be read or is no table; MISSING where it is gone;
    REJECTED where a table is another one than it was when its reading began."""

    calls = 0

    def __init__(
        self,
        provider: Provider,
        folder: Path,
        tenant: str,
        use: str,
        attested: bool,
        ways: Mapping[str, Mapping[str, str]] | None = None,
        known: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.provider = provider
        self._folder = Folder(folder, ways or {}, known)
        self._tenant = tenant
        self._use = use
        self._attested = attested

    def whoami(self) -> Identity:
        """Nobody: there is nothing to sign in to. Who ends the contract is the manifest's owner."""
        return Identity(
            self._use, self._tenant, may_write=True, whole_view=self._attested, attestable=True, keyless=True
        )

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        """The datasets that lie in the folder; complete only where somebody attests that the export was whole."""
        cell = self.provider.cell(kind, Verb.LIST)
        if cell is None or cell.run is None:
            raise Failure(Code.REJECTED, f"{kind.value} list is not offered", vendor="paper.not_offered")
        rows = tuple(cell.run(self._folder, ids))
        if self._attested:
            return Listing(kind, rows)
        return Listing(kind, rows, complete=False, gap=Gap(kind, "gap.unproved"))

    def count(self, dataset: str) -> Count:
        return self._folder.count(dataset)

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        return self._folder.page(dataset, cursor, ids)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        return self._folder.files(dataset)

    def fetch(self, file: File) -> Iterator[bytes]:
        return self._folder.fetch(file)

    def fields(self, dataset: str) -> bytes | None:
        return None

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self._folder.close()

    def rights(self, acts: Mapping[tuple[Kind, Verb], Sequence[str]]) -> None:
        """Nothing can be refused to people here."""

    def perform(self, batch: Batch) -> Results:
        raise Failure(Code.REJECTED, "a vendor without an API is acted on by people", vendor="paper.not_offered")

    def known(self, order: Order) -> tuple[str, ...] | None:
        return None

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return None

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return None

    def awaited(self, order: Order, id: str) -> Job:
        raise Failure(Code.MISSING, "no job", vendor="paper.not_offered")

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        raise Failure(Code.MISSING, "no job", vendor="paper.not_offered")

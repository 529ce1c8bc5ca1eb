"""Absent: the connection of a run that has no vendor, because the account is gone by design or was not to be asked. It
answers nothing: a step that asks it for something fails, and nothing is concluded from that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Count, File, FilePage, Job, Order, Page, Part, Provider, Result
from crmstate.core.survey import Identity, Listing
from crmstate.core.words import Kind, Verb


class _Reader:
    """A `ReadSession` that reaches nobody."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.calls = 0

    def whoami(self) -> Identity:
        raise Failure(Code.UNAVAILABLE)

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        raise Failure(Code.UNAVAILABLE)

    def count(self, dataset: str) -> Count:
        raise Failure(Code.UNAVAILABLE)

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        raise Failure(Code.UNAVAILABLE)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        raise Failure(Code.UNAVAILABLE)

    def fetch(self, file: File) -> Iterator[bytes]:
        raise Failure(Code.UNAVAILABLE)

    def fields(self, dataset: str) -> bytes | None:
        raise Failure(Code.UNAVAILABLE)

    def alive(self) -> bool:
        raise Failure(Code.UNAVAILABLE)

    def close(self) -> None:
        """There is nothing to close."""


class Absent(_Reader):
    """A `Session` that reaches nobody."""

    def rights(self, acts: Mapping[tuple[Kind, Verb], Sequence[str]]) -> None:
        raise Failure(Code.UNAVAILABLE)

    def perform(self, batch: Batch) -> list[Result]:
        raise Failure(Code.UNAVAILABLE)

    def known(self, order: Order) -> tuple[str, ...] | None:
        raise Failure(Code.UNAVAILABLE)

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        raise Failure(Code.UNAVAILABLE)

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        raise Failure(Code.UNAVAILABLE)

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        raise Failure(Code.UNAVAILABLE)

    def masked(self, raw: bytes) -> bytes:
        raise Failure(Code.UNAVAILABLE)

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        raise Failure(Code.UNAVAILABLE)

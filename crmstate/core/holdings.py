"""Holdings: what an archive says of itself, as plain data for whoever shows it."""

from __future__ import annotations

import msgspec

from crmstate.core.decision import Decision
from crmstate.core.event import Check


class HeldDataset(msgspec.Struct, frozen=True):
    """A dataset in an archive. `bytes` of its files as they lie there; `folder` its folder below `data/`; `content`
    the digest that the state keeps; `sealed_at` ISO 8601 UTC; `attachments_given_up`: by whose decision they were left out."""

    dataset: str
    label: str
    folder: str
    rows: int
    attachments: int
    complete: bool
    bytes: int
    generations: int
    content: str
    sealed_at: str
    by: str
    attachments_given_up: Decision | None = None


class Holdings(msgspec.Struct, frozen=True):
    """An archive. `path` as it was found; `missing`: dataset, status and reason of what it does not hold whole;
    `encrypted_to`: fingerprints of its recipients."""

    path: str
    format: int
    content: str
    root: str
    sealed_at: str
    datasets: tuple[HeldDataset, ...]
    missing: tuple[tuple[str, str, str], ...] = ()
    encrypted_to: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True):
    """What a verification of one dataset looked at, and found equal."""

    dataset: str
    label: str
    content: str
    checks: tuple[Check, ...]

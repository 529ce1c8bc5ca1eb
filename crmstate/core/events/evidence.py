"""Evidence: what proves a step, kept so that it can be checked later without us, and what each check of it looked at."""

from __future__ import annotations

import msgspec

from crmstate.core.words import Proof


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One method of a verification, and what it looked at. `method`: checksums, counts, sample, full, restore_test;
    contacts, amounts, dates, bodies, attachments (by the types of fields); columns (those that are not in the archive);
    views (copies for people; `names`: their forms, each of so many rows); zips (of a backup, read to their ends),
    zip_records (those that the vendor counts in them). `said`: equal; exact, approximate or none for counts, round where
    none is exact and as many rows came as listings are cut off at; sqlite for a restore; derived for copies that were made
    now; present or lacking, read, odd or empty, sized. `rows` looked at, or the vendor's count; `files` and `bytes` read;
    `names`: of the columns that lack; `odd`: of them without what they should have (records without a contact or a text,
    attachments of no bytes), values beside them that cannot be read, or columns that lack."""

    method: str
    said: str
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    odd: int | None = None
    names: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Enough to check later without us. `path` is relative to the archive or the evidence store; `method` says how it
    was got, `checks` what each method of it looked at; `by_jobs`: the rows came by the vendor's export jobs."""

    method: str
    proof: Proof
    at: str
    by: str = ""
    path: str = ""
    sha256: str = ""
    rows: int | None = None
    bytes: int | None = None
    note: str = ""
    checks: tuple[Check, ...] = ()
    by_jobs: bool | None = None

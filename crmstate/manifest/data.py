"""The data section: what is archived, given up in writing, kept elsewhere, and purged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crmstate.manifest.field import AgeRecipient, Day, Email, Interval, Location, Part, Proof, Share, Text
from crmstate.manifest.reference import Reference


class Verify(Part):
    """How the archive is proved."""

    counts: Literal["exact"] = Field("exact", description="exact: as many rows as the vendor says.")
    sample: Share | None = Field(
        None, description="A share of the rows that is compared with the source field by field, such as 1%."
    )
    restore_test: bool = Field(False, description="Whether the archive is restored for proof.")


class Archive(Part):
    """The archive, made and verified before anything is destroyed."""

    to: Location = Field(
        description="Where it lies: a folder beside the manifest (./archive), file:///..., s3://... (later az, gs, sftp)."
    )
    datasets: Literal["all"] | Annotated[list[Text], Field(min_length=1)] = Field(
        "all", description="all, or a list of datasets; never an empty one."
    )
    attachments: bool = Field(True, description="Whether files are archived too.")
    formats: Annotated[list[Literal["jsonl", "csv", "csv-spreadsheet", "xlsx", "parquet"]], Field(min_length=1)] = (
        Field(
            ["jsonl"],
            description="jsonl is always written, because it loses nothing; others are copies for people beside it, made from it: csv "
            "(RFC 4180), csv-spreadsheet (no cell is taken for a formula). xlsx and parquet come in a later version.",
        )
    )
    by: Literal["pages", "jobs"] | None = Field(
        None,
        description="How records are read: page by page, or by the vendor's export jobs, which count against its quota. "
        "Without it, as the vendor's table prefers.",
    )
    backup: Literal["required"] | None = Field(
        None,
        description="required: the vendor's own backup of the whole account is ordered once and kept beside the datasets, as "
        "it comes. It counts against the vendor's quota, and is no proof of any dataset.",
    )
    encrypt_to: Annotated[list[AgeRecipient], Field(min_length=1)] | None = Field(
        None, description="Who can open it: age recipients (age1...) and SSH public keys (ssh-ed25519, ssh-rsa)."
    )
    identity: Reference | None = Field(
        None,
        description="Where the age identity is read from, to read the archive back. Without it a person confirms a restore.",
    )
    verify: Verify | None = Field(None, description="How it is proved.")
    keep_until: Day | None = Field(
        None,
        description="The last day of its retention. When it is over, deleting the archive is an irreversible step.",
    )
    recheck: Interval | None = Field(
        None, description="How often it is read back and checked again, such as `every 90 days`."
    )


class NoArchive(Part):
    """A written, named decision to end without an archive. It needs approval."""

    status: Literal["none"] = Field(description="none: nothing is archived.")
    why: Text = Field(description="Why nothing is kept.")
    by: Email = Field(description="Who decided it.")


class Discarded(Part):
    """A dataset that is given up without an archive, or columns or attachments of one that is archived."""

    dataset: Text = Field(description="The dataset's name or id.")
    fields: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None,
        description="Only these columns of it, which the vendor's export jobs leave out; the rest is archived.",
    )
    attachments: Literal["all"] | None = Field(
        None,
        description="all: only its attachments (files, pictures, photos), which are left out of the archive; its records are archived. "
        "A purge takes them away for good.",
    )
    why: Text = Field(description="Why it is given up.")
    by: Email = Field(description="Who decided it.")


class Elsewhere(Part):
    """Data outside the CRM: mail, file stores, earlier exports."""

    place: Text = Field(description="Where it lies.")
    owner: Email = Field(description="Who sees to it.")
    status: Literal["archived", "deleted", "kept"] = Field(description="What becomes of it.")
    proof: Proof = Field("attested", description="How it is proved.")


class Purge(Part):
    """The records at the vendor are destroyed; exactly those with a verified archive or a written discard."""

    status: Literal["purged", "kept"] = Field(description="purged: destroyed and read back; kept: they stay.")
    bin: Literal["emptied", "kept"] = Field("kept", description="emptied: the recycle bin as well.")
    certificate: Literal["required", "none"] = Field(
        "none", description="required: the vendor's destruction document is demanded and its contents checked."
    )
    holds: list[Text] = Field(
        [], description="Datasets under a legal hold. Leaving one out never lifts a hold that the state has recorded."
    )


class DataEnd(Part):
    """What becomes of the records."""

    archive: Archive | NoArchive | None = Field(None, description="The archive, or the written decision to make none.")
    discard: Annotated[list[Discarded], Field(min_length=1)] | None = Field(
        None, description="Datasets, or parts of them, given up without an archive, each with reason and name."
    )
    elsewhere: Annotated[list[Elsewhere], Field(min_length=1)] | None = Field(
        None, description="Data outside the CRM, each with an owner."
    )
    purge: Purge | None = Field(None, description="Destruction of the records at the vendor.")

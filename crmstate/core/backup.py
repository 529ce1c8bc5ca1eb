"""Backup: the vendor's own copy of the whole account, which lies in the archive beside the datasets and is called by an id
that none of them has."""

from __future__ import annotations

from crmstate.core.address import Address, id_of
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind

BACKUP = "+backup"

ACCOUNT = Resource(Kind.ACCOUNT, BACKUP, facts=DatasetFacts(rows=0))
"""What is archived. Of rows it has none of its own: they are within the vendor's files."""


def is_backup(place: Address) -> bool:
    """Whether an address of an archive is that of the backup."""
    return id_of(place) == BACKUP

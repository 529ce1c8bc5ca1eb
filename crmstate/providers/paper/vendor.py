"""The provider of vendors without an API, and how it is connected: to a folder, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from crmstate.core.provider import Provider
from crmstate.core.words import Kind, Verb

if TYPE_CHECKING:
    from crmstate.providers.paper.session import Paper

SOURCE = "your contract with the vendor, and what its people write to you"


def connect(
    folder: Path,
    tenant: str,
    use: str,
    attested: bool,
    ways: Mapping[str, Mapping[str, str]] | None = None,
    known: Callable[[], Collection[str]] = tuple,
) -> Paper:
    """A session over the folder of exports. `attested`: somebody vouches in writing that it holds everything; `ways`: how
    its tables are read, as the manifest declares it (`table.Way`), by dataset; `known`: the datasets whose archive has begun."""
    from crmstate.providers.paper.session import Paper

    return Paper(provider, folder, tenant, use, attested, ways or {}, known)


provider = Provider(
    name="paper",
    title="A vendor without an API",
    credential=(),
    env=(),
    hosts=(),
    tenant="your customer number at the vendor, as the contract names it",
    removal={Kind.USER: Verb.DELETE, Kind.API_KEY: Verb.REVOKE, Kind.INTEGRATION: Verb.DELETE},
    source=SOURCE,
    connect=connect,
)

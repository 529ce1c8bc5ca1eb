"""load(): a vendor's provider, with the texts that its file brings along put among the catalogues' words."""

from __future__ import annotations

from crmstate.core.provider import Provider


def load(name: str) -> Provider:
    """The provider of this name. Raises Problem (CRM-V015)."""
    from crmstate import providers
    from crmstate.views import catalogue

    found = providers.load(name)
    catalogue.bring(found.words)
    return found

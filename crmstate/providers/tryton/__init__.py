"""Tryton 8.0, by its JSON-RPC door, as it was measured on a real server; the texts about what people do are from its
documentation.

How the vendor's words become phases: an active user, trigger, module -> present, an inactive one -> inactive; a key
that is requested or validated -> present (a requested one can still be let in), cancelled -> absent: it is listed, and
dead. Root (user 0) is nobody's account and is left out. A dataset is a model with rows that people wrote (`data.py`).
"""

from crmstate.providers.tryton import access, contract, data, purge, view
from crmstate.providers.tryton.vendor import classify, provider

__all__ = ["access", "classify", "contract", "data", "provider", "purge", "view"]

"""The sandbox CRM, from its vendor documentation, docs/reference/sandbox-api.md; nothing here was taken from the
simulator.

How the vendor's words become phases: active, enabled, open, customised -> present; inactive, disabled, paused, free
-> inactive; cancelled, closed and not customised -> absent; a row with `pending`, and a closing account -> pending. A
**revoked** key is absent: it is still listed, but dead, and never comes back. A word that the page does not know is
`unknown`, never absent.
"""

from crmstate.providers.sandbox import acts, contract, data, jobs, listings
from crmstate.providers.sandbox.vendor import classify, provider

__all__ = ["acts", "classify", "contract", "data", "jobs", "listings", "provider"]

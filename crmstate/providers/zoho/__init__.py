"""Zoho CRM, API v8, from the vendor's own descriptions in two editions and its documentation; nothing here was tried on a
real org.

How the vendor's words become phases: a user whose status reads `active` is present, `disabled` (which is written as
`inactive`) is inactive, `deleted` is absent; any other word is unknown. A module stays present when it is empty: what a
purge ends is its records, which go to the recycle bin first.

What no API of Zoho does is left to people: keys and apps, the subscription, and the account (`byhand`).
"""

from crmstate.providers.zoho import access, backup, bins, byhand, data, identity, jobs, listings, people
from crmstate.providers.zoho.errors import classify
from crmstate.providers.zoho.vendor import provider

__all__ = [
    "access",
    "backup",
    "bins",
    "byhand",
    "classify",
    "data",
    "identity",
    "jobs",
    "listings",
    "people",
    "provider",
]

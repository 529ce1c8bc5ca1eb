"""A vendor without an API: everything is done by people, who write to the vendor, telephone, and click.

What the vendor's own export gave lies in a folder (`provider.exports`), where people put it; from there it is archived,
verified and topped up like any other vendor's data. Whether it is everything, and how many rows the vendor shows, people
say; no listing here proves either.
"""

from crmstate.providers.paper import byhand, contract, data
from crmstate.providers.paper.vendor import provider

__all__ = ["byhand", "contract", "data", "provider"]

"""Jiandaoyun (简道云), from the vendor's own manual at hc.jiandaoyun.com/open; what the manual does not say is not here.

POST only, and no counts: apps and forms are paged by how many to skip, rows by the last id. A key sees only the apps in
its own scope and cannot tell that there are others, so nothing here claims a whole view: a person attests it.

How the vendor's words become phases: members who joined (1) and who were invited and have not joined yet (0) are
present; members who left (-1, 离职) are absent, since more than leaving the vendor does not do by API. Any other
word is unknown.
"""

from crmstate.providers.jiandaoyun import byhand, data, listings, people
from crmstate.providers.jiandaoyun.vendor import classify, provider

__all__ = ["byhand", "classify", "data", "listings", "people", "provider"]

"""FXiaoke (纷享销客, ShareCRM), from the vendor's manual as two public transcriptions have it; what neither says is not here.

POST only, errors by `errorCode` in answers that say 200, five calls a second of each interface, and a quota of calls a day
that is bought in packs. A user sees what the CRM's sharing rules show, so nothing here claims a whole view: a person attests it.

How the vendor's words become phases: people who are stopped (`isStop`, 停用) are inactive, all others present; the API deletes
nobody. A row that was made invalid (作废) lies in a recycle bin that no call lists; a purge makes rows invalid and deletes them.
"""

from crmstate.providers.fxiaoke import byhand, data, listings, people, purge
from crmstate.providers.fxiaoke.vendor import classify, provider

__all__ = ["byhand", "classify", "data", "listings", "people", "provider", "purge"]

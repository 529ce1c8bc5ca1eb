"""Odoo 19, by its JSON-2 door, as it was measured on a real server of one's own (Community); the texts about what people
do are from its documentation.

How the vendor's words become phases: an active user, automation -> present, an archived one -> inactive; a key that is
listed -> present (a revoked one is gone). User 1 runs the server's own tasks and cannot sign in: nobody's account, and
left out. A dataset is a model with rows that no module brought along (`models.py`).
"""

from crmstate.providers.odoo import access, contract, data, files, listings, models, purge, view
from crmstate.providers.odoo.vendor import classify, provider

__all__ = [
    "access",
    "classify",
    "contract",
    "data",
    "files",
    "listings",
    "models",
    "provider",
    "purge",
    "view",
]

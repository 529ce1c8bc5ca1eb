"""How much Zoho CRM takes at once, and how often."""

from __future__ import annotations

from crmstate.core.provider import Limits

PAGE = 200
"""Rows in a page."""
IDS = 50
"""Ids in one call: what fits the 1,024 characters that the description allows, at 19 digits each."""
RESULT = "GET /crm/bulk/v8/read/*/result"
"""What a bulk read made: ten a minute may be fetched."""

LIMITS = Limits(page=PAGE, files_by_row=True, per_window={RESULT: (10, 60.0)})

"""Where it is written what we know of Zoho CRM, and when that was read."""

from __future__ import annotations

DOCS = "https://www.zoho.com/crm/developer/docs/api/v8/"
OAUTH = f"{DOCS}oauth-overview.html"
SPEC = "https://github.com/zoho/crm-oas"
"""The vendor's OpenAPI, v8.0: the edition of 2026, and that of 2025 for what only it has."""
SPEC_2025 = f"{SPEC}/tree/45dff2cc9c69403c85b8a3642e7056528dc668d5"
CHECKED = "2026-11-22"
"""When the descriptions were checked; the vendor itself was never asked."""

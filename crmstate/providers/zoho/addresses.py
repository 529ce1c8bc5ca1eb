"""Where Zoho CRM answers: its paths, its data centres and their accounts servers."""

from __future__ import annotations

from urllib.parse import urlsplit

API = "/crm/v8"
ORG, USERS, MODULES, FIELDS = (f"{API}/{each}" for each in ("org", "users", "settings/modules", "settings/fields"))
TOKEN = "/oauth/v2/token"

CENTRES = {
    "com": "com",
    "eu": "eu",
    "in": "in",
    "com.au": "com.au",
    "com.cn": "com.cn",
    "jp": "jp",
    "ca": "zohocloud.ca",
    "sa": "sa",
}
"""The data centres: the end of the API's host, and that of the accounts server where one logs in."""


def accounts(end: str) -> str:
    """The domain of a data centre that is not the API's."""
    place = CENTRES[end]
    return place if place.startswith("zohocloud") else f"zoho.{place}"


def login_at(url: str) -> str:
    """Where one logs in: the accounts server of the data centre; at a host that is not Zoho's, the host itself."""
    host = urlsplit(url).hostname or ""
    end = host.partition(".zohoapis.")[2]
    if end not in CENTRES:
        return url
    return f"https://accounts.{accounts(end)}"

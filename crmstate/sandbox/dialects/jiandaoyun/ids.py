"""The vendor's ids: 24 hexadecimal digits (`hexids`)."""

from __future__ import annotations

from ...hexids import PLAIN, is_other, is_plain, place, read, written

__all__ = ["PLAIN", "is_other", "is_plain", "place", "read", "written"]

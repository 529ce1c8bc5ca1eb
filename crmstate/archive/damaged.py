"""Damaged: what is raised where a vendor's file is not whole, or is not what it should be."""

from __future__ import annotations


class Damaged(ValueError):
    """The file is not whole, or is not what it should be."""

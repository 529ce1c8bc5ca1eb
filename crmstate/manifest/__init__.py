"""Manifest: text -> Desired. It reads the writer's file, says everything that is wrong with it, and trusts none of it.

Nothing heavy is imported before it is used: `from crmstate import manifest` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmstate.manifest.credentials import read_credential as read_credential
    from crmstate.manifest.load import Loaded as Loaded
    from crmstate.manifest.load import check as check
    from crmstate.manifest.load import load as load
    from crmstate.manifest.load import parse as parse
    from crmstate.manifest.operator import Operator as Operator
    from crmstate.manifest.operator import load_operator as load_operator
    from crmstate.manifest.schema import manifest_schema as manifest_schema
    from crmstate.manifest.schema import manifest_schema_text as manifest_schema_text
    from crmstate.manifest.starter import starter as starter
    from crmstate.manifest.trust import refusals as refusals
    from crmstate.manifest.trust import require_trust as require_trust

_HOMES = {
    "Loaded": "load",
    "load": "load",
    "parse": "load",
    "check": "load",
    "manifest_schema": "schema",
    "manifest_schema_text": "schema",
    "Operator": "operator",
    "load_operator": "operator",
    "refusals": "trust",
    "require_trust": "trust",
    "read_credential": "credentials",
    "starter": "starter",
}
__all__ = sorted(_HOMES)  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"crmstate.manifest.{_HOMES[name]}"), name)

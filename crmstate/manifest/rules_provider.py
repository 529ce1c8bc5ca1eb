"""Rules of the provider section."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.manifest import codes
from crmstate.manifest.leak import stands_for_itself
from crmstate.manifest.suggest import near
from crmstate.manifest.tree import Mapping, Tree


def provider_known(tree: Tree, known: Collection[str] | None) -> Iterator[Diagnostic]:
    """The provider exists, where the caller knows which do."""
    name = tree.text("provider", "name")
    if known is None or name is None or name in known:
        return
    span = tree.span("provider", "name")
    suggestion = near(name, known)
    if suggestion:
        yield diagnostic(codes.UNKNOWN_PROVIDER_NEAR, span=span, name=name[:60], suggestion=suggestion)
    else:
        yield diagnostic(codes.UNKNOWN_PROVIDER, span=span, name=name[:60], known=", ".join(sorted(known)))


def provider_complete(tree: Tree) -> Iterator[Diagnostic]:
    """An embedded vendor needs nothing else; a real one needs its tenant and credentials, or the folder of exports that
    stands in their place."""
    provider = tree.mapping("provider")
    if provider is None:
        return
    if "embedded" in provider.items:
        if "url" in provider.items:
            yield diagnostic(codes.EMBEDDED_AND_URL, span=tree.key_span("provider", "url"))
    else:
        for key in ("tenant", "credentials"):
            if key not in provider.items and not (key == "credentials" and "exports" in provider.items):
                yield diagnostic(codes.PROVIDER_INCOMPLETE, span=tree.key_span("provider"), key=key)
    if "tables" in provider.items and "exports" not in provider.items:
        yield diagnostic(codes.TABLES_OF_NOTHING, span=tree.key_span("provider", "tables"))
    yield from _names_that_are_values(tree)


def _names_that_are_values(tree: Tree) -> Iterator[Diagnostic]:
    """`{env: 4f9a8b...}`: a reference that holds the secret itself."""
    for path, node in tree.walk():
        if not isinstance(node, Mapping) or len(path) != 4 or path[:2] != ("provider", "credentials"):
            continue
        for key in ("env", "keyring"):
            value = tree.text(*path, key)
            if value and stands_for_itself(key, value):
                yield diagnostic(codes.SECRET_IN_CLEAR, span=tree.span(*path, key), shape="random")

"""Load: a manifest's file -> what it means, or all its problems at once. It reads that one file and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import ValidationError

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.goal import Desired
from crmstate.core.words import Exit, Severity
from crmstate.manifest import codes, source
from crmstate.manifest.meaning import Surroundings, weigh
from crmstate.manifest.model import Manifest
from crmstate.manifest.repair import repaired
from crmstate.manifest.resolve import resolve
from crmstate.manifest.structure import examine
from crmstate.manifest.tree import Tree, plain


@dataclass(frozen=True, slots=True)
class Loaded:
    """A manifest that was found right. `diagnostics` are warnings; `digest` ignores comments."""

    path: FilePath
    tree: Tree
    model: Manifest
    desired: Desired
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 of the parsed manifest in canonical form."""
        return self.desired.digest

    @property
    def folder(self) -> FilePath:
        """Where the manifest lies; its relative paths start here."""
        return self.path.parent


def load(path: FilePath, known_providers: Collection[str] | None = None) -> Loaded:
    """Reads and checks a manifest. Raises Problem (exit 65) with everything that is wrong with it."""
    return understand(source.read(path), path, known_providers)


def parse(raw: bytes, path: FilePath, known_providers: Collection[str] | None = None) -> Loaded:
    """The same for bytes that are at hand; `path` is where they would lie."""
    return understand(source.parse(raw, str(path)), path, known_providers)


def check(path: FilePath, known_providers: Collection[str] | None = None) -> list[Diagnostic]:
    """Every finding about a manifest, warnings included; empty where it is right."""
    try:
        return list(load(path, known_providers).diagnostics)
    except Problem as problem:
        return list(problem.diagnostics)


def understand(tree: Tree, path: FilePath, known_providers: Collection[str] | None = None) -> Loaded:
    """What a tree means. Structure and meaning are both examined before anything is refused."""
    structure = examine(tree)
    guessed = repaired(tree, structure.repairs)
    found = in_order([*structure.diagnostics, *weigh(guessed, Surroundings(path.parent, known_providers))])
    if any(each.severity is Severity.ERROR for each in found):
        raise Problem(Exit.INVALID, *found)
    model = _model(tree)
    return Loaded(path, tree, model, resolve(model, tree, path.parent), tuple(found))


def in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    """By line and column, each finding once."""
    unique: dict[tuple[int, int, str, str], Diagnostic] = {}
    for each in found:
        line, column = (each.span.line, each.span.column) if each.span else (0, 0)
        unique.setdefault((line, column, each.code, str(each.params)), each)
    return [unique[key] for key in sorted(unique)]


def _model(tree: Tree) -> Manifest:
    """The model of a tree that structure found right. What the model alone refuses is a diagnostic too."""
    try:
        return Manifest.model_validate(plain(tree.root))
    except ValidationError as error:
        found = [
            diagnostic(codes.REJECTED, span=tree.span(*_known(tree, each["loc"])), kind=each["type"])
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Problem(Exit.INVALID, *in_order(found)) from None


def _known(tree: Tree, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The longest part of a model's place that exists in the file (unions add words of their own)."""
    path: tuple[int | str, ...] = ()
    for part in place:
        if tree.at(*path, part) is not None:
            path = (*path, part)
    return path

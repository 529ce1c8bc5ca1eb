"""Rules of the end state: what may not be declared together, because it could not be carried out or taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from urllib.parse import unquote

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.words import Severity
from crmstate.manifest import codes
from crmstate.manifest.tree import Mapping, Node, Scalar, Tree
from crmstate.manifest.written import read_date

STATE_FOLDER = ".crmstate"
_ENDS = {
    "users": ("removed", "deactivated", "deleted"),
    "sessions": ("ended",),
    "api_keys": ("revoked",),
    "integrations": ("removed",),
    "account": ("deleted",),
}
_LISTS = ("users", "sessions", "api_keys", "integrations", "settings")


def status(tree: Tree, key: str) -> str | None:
    """The status of a section of the end state."""
    return tree.text("end_state", key, "status")


def purging(tree: Tree) -> bool:
    """Whether records are to be destroyed."""
    return tree.text("end_state", "data", "purge", "status") == "purged"


def freeze_required(tree: Tree) -> Iterator[Diagnostic]:
    """Once access or data is to go, somebody has written when."""
    if tree.at("cutover", "freeze") is not None:
        return
    for key, words in _ENDS.items():
        if status(tree, key) in words:
            yield diagnostic(codes.NO_FREEZE, span=tree.key_span("end_state", key), because=f"end_state.{key}")
            return
    if purging(tree):
        yield diagnostic(
            codes.NO_FREEZE, span=tree.key_span("end_state", "data", "purge"), because="end_state.data.purge"
        )


def purge_secured(tree: Tree) -> Iterator[Diagnostic]:
    """Nothing is destroyed without an archive, or a written decision."""
    data = tree.mapping("end_state", "data")
    if purging(tree) and data is not None and not {"archive", "discard"} & set(data.items):
        yield diagnostic(codes.PURGE_UNSECURED, span=tree.key_span("end_state", "data", "purge"))


def account_after_subscription(tree: Tree) -> Iterator[Diagnostic]:
    """An account cannot go while its subscription stays."""
    if status(tree, "account") != "deleted":
        return
    span = tree.span("end_state", "account", "status")
    if status(tree, "subscription") in ("active", "paused", "downgraded"):
        other = tree.span("end_state", "subscription", "status")
        yield diagnostic(codes.SUBSCRIPTION_KEPT, span=span, status=status(tree, "subscription"), other_line=other.line)
    elif tree.mapping("end_state") and tree.at("end_state", "subscription") is None:
        yield diagnostic(codes.SUBSCRIPTION_UNMANAGED, Severity.WARNING, span=span)


def somebody_left(tree: Tree) -> Iterator[Diagnostic]:
    """Who deletes the account, if everybody is gone? Somebody is kept, or `keep: []` says that nobody is needed."""
    users = tree.mapping("end_state", "users")
    if users is None or status(tree, "users") not in _ENDS["users"] or status(tree, "account") != "deleted":
        return
    if not {"keep", "only"} & set(users.items):
        other = tree.key_span("end_state", "account")
        yield diagnostic(codes.NOBODY_LEFT, span=tree.key_span("end_state", "users"), other_line=other.line)


def term_known(tree: Tree) -> Iterator[Diagnostic]:
    """The end of a term is a date only where the term is declared."""
    if tree.text("end_state", "subscription", "effective") != "end_of_term":
        return
    term = tree.mapping("contract", "term")
    if term is None or not ("ends_on" in term.items or {"start", "length"} <= set(term.items)):
        yield diagnostic(codes.NO_TERM, span=tree.span("end_state", "subscription", "effective"))


def pause_forwards(tree: Tree) -> Iterator[Diagnostic]:
    """A pause does not end before it begins: its last day may be its first."""
    start = read_date(tree.text("end_state", "subscription", "from") or "")
    until = read_date(tree.text("end_state", "subscription", "until") or "")
    if start and until and until < start:
        yield diagnostic(
            codes.PAUSE_BACKWARDS,
            span=tree.span("end_state", "subscription", "until"),
            start=start.isoformat(),
            until=until.isoformat(),
        )


def archive_apart(tree: Tree, folder: FilePath) -> Iterator[Diagnostic]:
    """The archive outlives the state, so it does not lie inside it."""
    place = tree.text("end_state", "data", "archive", "to")
    path = local_path(place, folder) if place else None
    if path and any(part.lower() == STATE_FOLDER for part in path.parts):
        yield diagnostic(
            codes.ARCHIVE_IN_STATE, span=tree.span("end_state", "data", "archive", "to"), folder=STATE_FOLDER
        )


def formats_made(tree: Tree) -> Iterator[Diagnostic]:
    """The copies that are asked for are of a form that can be made, and somebody here can read what they are made of."""
    archive = ("end_state", "data", "archive")
    for index, item in enumerate(tree.items(*archive, "formats")):
        form = item.text if isinstance(item, Scalar) else None
        span = tree.span(*archive, "formats", index)
        if form in _LATER:
            yield diagnostic(codes.FORMAT_LATER, span=span, form=form)
        elif form in _COPIES and tree.at(*archive, "encrypt_to") is not None and tree.at(*archive, "identity") is None:
            yield diagnostic(codes.FORMAT_UNREADABLE, span=span, form=form)


_LATER = ("xlsx", "parquet")
_COPIES = ("csv", "csv-spreadsheet")


def local_path(place: str, folder: FilePath) -> FilePath | None:
    """The path of a location on this machine, `..` taken out; None for a remote one."""
    if "\0" in place or "%00" in place:
        return None
    if place.startswith("file://"):
        place = unquote(place.removeprefix("file://").removeprefix("localhost"))
    elif "://" in place:
        return None
    parts: list[str] = []
    whole = folder.absolute() / place
    for part in whole.parts[1:]:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return FilePath(whole.anchor, *parts)


def kept_or_named(tree: Tree) -> Iterator[Diagnostic]:
    """Nobody both stays and goes; nobody is named twice."""
    for section in _LISTS:
        kept = _names(tree, section, "keep")
        for who, node in _names(tree, section, "only").items():
            if who in kept:
                span = tree.locate(node.place)
                yield diagnostic(codes.KEPT_AND_NAMED, span=span, who=who[:60], other_line=kept[who].place.line)
        for key in ("keep", "only"):
            yield from listed_once(
                tree, [_name(item) for item in tree.items("end_state", section, key)], "end_state", section, key
            )


def listed_once(tree: Tree, names: list[str | None], *path: str | int) -> Iterator[Diagnostic]:
    """Nothing stands in a list twice."""
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        span = tree.span(*path, index)
        if name in seen:
            yield diagnostic(codes.LISTED_TWICE, span=span, value=name[:60], first=seen[name])
        seen.setdefault(name, span.line)


def _names(tree: Tree, section: str, key: str) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for item in tree.items("end_state", section, key):
        name = _name(item)
        if name is not None:
            found.setdefault(name, item)
    return found


def _name(item: Node) -> str | None:
    """Who is meant, in one form whichever way it is written; addresses without regard to case."""
    if isinstance(item, Scalar):
        return item.text.lower() if "@" in item.text else item.text
    if isinstance(item, Mapping):
        for key in ("email", "id", "name"):
            value = item.items.get(key)
            if isinstance(value, Scalar):
                return value.text.lower() if key == "email" else value.text
    return None


def records_transferred(tree: Tree) -> Iterator[Diagnostic]:
    """Whoever gets the records is not among those who go."""
    target = (tree.text("end_state", "users", "transfer_records_to") or "").lower()
    if not target or status(tree, "users") == "active":
        return
    span = tree.span("end_state", "users", "transfer_records_to")
    only = {name.lower() for name in _names(tree, "users", "only")}
    if target in only:
        yield diagnostic(codes.TRANSFER_TO_LEAVER, span=span, who=target[:60])
    elif not only and target not in {name.lower() for name in _names(tree, "users", "keep")}:
        yield diagnostic(codes.TRANSFER_NOT_KEPT, Severity.WARNING, span=span, who=target[:60])


def datasets_agree(tree: Tree) -> Iterator[Diagnostic]:
    """A dataset is archived, or given up, or held: one of them."""
    data = ("end_state", "data")
    archived = _lines(tree, *data, "archive", "datasets")
    held = _lines(tree, *data, "purge", "holds")
    places = [(*data, "discard", index) for index in range(len(tree.items(*data, "discard")))]
    parts = [(bool(tree.items(*each, "fields")), tree.at(*each, "attachments") is not None) for each in places]
    names = [tree.text(*each, "dataset") for each in places]
    discarded = [None if any(part) else name for name, part in zip(names, parts, strict=True)]
    for index, name in enumerate(discarded):
        span = tree.span(*data, "discard", index, "dataset")
        if name is None:
            continue
        if name in archived:
            yield diagnostic(codes.ARCHIVED_AND_DISCARDED, span=span, dataset=name[:60], other_line=archived[name])
        if name in held:
            yield diagnostic(codes.HELD_AND_DISCARDED, span=span, dataset=name[:60], other_line=held[name])
    yield from listed_once(tree, discarded, *data, "discard")
    bare = [name if attachments else None for name, (_, attachments) in zip(names, parts, strict=True)]
    yield from listed_once(tree, bare, *data, "discard")
    for path in ((*data, "archive", "datasets"), (*data, "purge", "holds")):
        texts = [item.text if isinstance(item, Scalar) else None for item in tree.items(*path)]
        yield from listed_once(tree, texts, *path)


def _lines(tree: Tree, *path: str | int) -> dict[str | None, int]:
    return {item.text: item.place.line for item in tree.items(*path) if isinstance(item, Scalar)}


RULES = (
    freeze_required,
    purge_secured,
    account_after_subscription,
    somebody_left,
    term_known,
    pause_forwards,
    kept_or_named,
    records_transferred,
    datasets_agree,
    formats_made,
)

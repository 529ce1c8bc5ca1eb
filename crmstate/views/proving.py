"""What people hand in, and what it is worth: the vendor's destruction document with what is missing in it, and the new
system's records beside those of the archive."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.core.certificate import Purged
from crmstate.core.diagnostic import Diagnostic
from crmstate.core.event import Compared, Examined
from crmstate.core.plan import FORMAT_VERSION
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import finding
from crmstate.views.escape import cell
from crmstate.views.wire import encode

_SAID = ("tenant", "datasets", "backups", "sub_processors", "day", "signatory")


def certificate_shown(
    found: Examined, faults: Sequence[Diagnostic], ours: Sequence[Purged], words: Catalogue, format: str = "text"
) -> str:
    """What the document says, field by field; then everything that is missing or differs."""
    if format == "json":
        value = {
            "complete": not faults,
            "said": found.said,
            "document": found.document,
            "transcript": found.transcript,
            "purged": list(ours),
            "faults": [finding(each, words) for each in faults],
        }
        return encode({"format_version": FORMAT_VERSION, **value}).decode() + "\n"
    safe = words.escaping(cell) if format == "markdown" else words
    rows = [[safe.word("certificate_field", name), _said(found, name, safe)] for name in _SAID]
    head = [safe.text_of("certificate.field"), safe.text_of("certificate.said")]
    made = tables.markdown(head, rows) if format == "markdown" else tables.columns(head, rows)
    verdict = safe.text_of("certificate.complete" if not faults else "certificate.incomplete", n=len(faults))
    title = safe.text_of("certificate.head", file=found.document.note, digest=found.document.sha256[:12], who=found.by)
    mark = "- " if format == "markdown" else "  "
    wrong = [line for each in faults for line in _fault(each, mark, safe)]
    return "\n".join([title, "", *made, "", verdict, *wrong]) + "\n"


def _fault(found: Diagnostic, mark: str, words: Catalogue) -> list[str]:
    """What is wrong, and what to do, where more can be done than to ask for another document."""
    hint = words.hint(found)
    line = f"{mark}{found.code}{words.text_of('join.colon')}{words.summary(found)}"
    return [line, f"{' ' * len(mark)}→ {hint}"] if hint else [line]


def _said(found: Examined, name: str, words: Catalogue) -> str:
    said, nothing = found.said, words.text_of("certificate.silent")
    if name == "datasets":
        each = [f"{key} {count if count is not None else '?'}" for key, count in said.datasets.items()]
        return words.safe(", ".join(each)) if each else nothing
    if name == "backups":
        if said.backups is None:
            return nothing
        return words.word("backups", said.backups) + (f" {said.expiry}" if said.expiry else "")
    if name == "sub_processors":
        if said.sub_processors is None:
            return nothing
        return words.safe(", ".join(said.sub_processors)) if said.sub_processors else words.text_of("certificate.none")
    value = getattr(said, name)
    return words.safe(value) if value else nothing


def migration_shown(found: Sequence[tuple[Compared, Sequence[str]]], words: Catalogue, format: str = "text") -> str:
    """One row a dataset and a field that was compared; each comparison comes with what is wrong in it."""
    if format == "json":
        each = [{"compared": one, "equal": not wrong, "differs": list(wrong)} for one, wrong in found]
        return encode({"format_version": FORMAT_VERSION, "datasets": each}).decode() + "\n"
    safe = words.escaping(cell) if format == "markdown" else words
    if not found:
        return safe.text_of("migration.nothing") + "\n"
    rows = []
    for one, wrong in found:
        rows.append(_row(one.dataset, "", one.ours, one.theirs, "counts" in wrong, safe))
        rows += [_row("", each.field, each.ours, each.theirs, each.field in wrong, safe) for each in one.fields]
    head = [safe.text_of(f"migration.{name}") for name in ("dataset", "field", "ours", "theirs", "result")]
    made = tables.markdown(head, rows) if format == "markdown" else tables.columns(head, rows)
    lacking = [safe.text_of("migration.no_fields", dataset=one.dataset) for one, wrong in found if "fields" in wrong]
    return "\n".join([*made, *lacking]) + "\n"


def _row(dataset: str, field: str, ours: int, theirs: int, differs: bool, words: Catalogue) -> list[str]:
    said = words.text_of("migration.differs" if differs else "migration.equal")
    name = words.safe(dataset) if dataset else ""
    return [name, words.safe(field) if field else "", f"{ours:,}", f"{theirs:,}", said]

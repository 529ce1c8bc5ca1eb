"""Imported: what a vendor account shows -> the manifest that leaves all of it as it is, kind by kind, for somebody to change.

It holds references to credentials, ids and counts; never a secret, and of people only what the manifest may name. Where a fact
came from stands beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crmstate.core.survey import DatasetFacts, ModuleFacts, Resource, SubscriptionFacts, Survey
from crmstate.core.words import Kind, Phase

LISTS = {
    Kind.USER: ("users", "removed"),
    Kind.SESSION: ("sessions", "ended"),
    Kind.API_KEY: ("api_keys", "revoked"),
    Kind.INTEGRATION: ("integrations", "removed"),
    Kind.SETTING: ("settings", "reset"),
}
"""Sections of lists, with the word for their end."""
EXPECTED = {Kind.USER: "users", Kind.API_KEY: "api_keys", Kind.INTEGRATION: "integrations", Kind.DATASET: "datasets"}
NOTICE = timedelta(days=90)
MODELINE = "# yaml-language-server: $schema=schemas/manifest.schema.json"
LONGEST = 120


@dataclass(frozen=True)
class Source:
    """Where it was looked: the provider's section of the manifest, and how the rest of it is called."""

    provider: Mapping[str, Any]
    name: str
    owner: str
    title: str
    masked: bool = False
    left_out: Collection[Kind] = field(default_factory=frozenset)
    """Kinds that are on their way somewhere, so that `active` would change them."""


def head(source: Source) -> str:
    """The manifest that says where to look, and nothing else yet."""
    return "\n".join([*_head(source), "end_state:", "  users: {status: active}", ""])


def imported(source: Source, found: Survey) -> str:
    """The manifest of everything that was observed; empty where nothing was that a manifest could leave as it is."""
    day = found.taken_at[:10]
    ends = _subscription(source, found)
    for kind, (name, end) in LISTS.items():
        ends += _list(source, found, kind, name, end)
    ends += [*_modules(source, found), *_account(source, found), *_datasets(found, day), *_unseen(found)]
    if all(line.lstrip().startswith("#") for line in ends):
        return ""
    lines = [
        MODELINE,
        f"# Written by `crmstate import` from what {_note(source.title)} showed of tenant {_note(found.tenant)} on {found.taken_at}.",
        "# Planning it shows nothing to do but to wait for the freeze. An end is written by hand:",
        "# change one `status` to the word behind it, then `crmstate plan`.",
        *_head(source, found.tenant),
        "",
        *_expected(found, day),
        "cutover:",
        "  # nothing that takes access or data away starts before it; the day is a guess, 90 days from the import",
        f"  freeze: {_freeze(found.taken_at)}",
        "",
        "end_state:",
        *ends,
    ]
    if source.masked:
        lines += ["", "privacy: {mask_people: true}"]
    return "\n".join(lines) + "\n"


def _head(source: Source, tenant: str = "") -> list[str]:
    section = dict(source.provider)
    known = {"tenant": tenant} if tenant and "tenant" not in section else {}
    return [
        "apiVersion: crmstate/v1",
        "kind: Decommission",
        f"name: {_text(source.name)}",
        'reason: {code: other, text: "Write the true reason here; vendors are told it where they ask."}',
        f"owner: {_text(source.owner)}",
        "provider:",
        *(f"  {key}: {_text(value)}" for key, value in {**section, **known}.items()),
    ]


def _expected(found: Survey, day: str) -> list[str]:
    """Counts that another tenant would not have, of what was listed whole."""
    counts = {name: len(found.of(kind)) for kind, name in EXPECTED.items() if kind in found.complete}
    if not counts:
        return []
    lines = [f"expect:  # counted on {day}; another count is refused, so take a line out where it moves every day"]
    return [*lines, *(f"  {name}: {count}" for name, count in counts.items()), ""]


def _subscription(source: Source, found: Survey) -> list[str]:
    lines: list[str] = []
    for each in found.of(Kind.SUBSCRIPTION):
        facts = each.facts if isinstance(each.facts, SubscriptionFacts) else SubscriptionFacts()
        said = [facts.plan, f"status {facts.status}"]
        said += [f"term until {facts.term_end}"] if facts.term_end else []
        said += ["renews"] if facts.renews else ["does not renew"] if facts.renews is False else []
        said += [f"{facts.pending} is pending, effective {facts.effective or '?'}"] if facts.pending else []
        said += [f"{facts.amount} {facts.currency or ''} per {facts.per or '?'}"] if facts.amount else []
        lines.append(f"  # the vendor shows: {_note(', '.join(word for word in said if word))}")
        running = each.phase is Phase.PRESENT and facts.status == "active" and facts.pending is None
        if running and Kind.SUBSCRIPTION not in source.left_out and len(found.of(Kind.SUBSCRIPTION)) == 1:
            lines.append(
                "  subscription: {status: active}  # or {status: cancelled, effective: end_of_term}, which needs `contract`"
            )
        else:
            lines.append("  # subscription: left out, since `active` would change it")
    return lines


def _list(source: Source, found: Survey, kind: Kind, name: str, end: str) -> list[str]:
    rows = found.of(kind)
    if not rows and kind not in found.complete:
        return []
    counts = Counter(row.phase.value for row in rows)
    said = ", ".join(f"{n} {phase}" for phase, n in sorted(counts.items())) or "none"
    whole = "" if kind in found.complete else "; not shown whole"
    note = f"{end} to end them; the vendor shows {said}{whole}"
    if kind in source.left_out:
        return [f"  # {name}: left out, since `active` would change something: {said}{whole}"]
    lines = [f"  {name}:  # {note}", "    status: active"]
    kept = [row for row in rows if row.phase is not Phase.PRESENT]
    if kept:
        lines.append("    keep:")
    for row in kept:
        label = "" if (kind is Kind.USER and source.masked) or row.label in ("", row.id) else f"  # {_note(row.label)}"
        lines += [f"      - id: {_text(row.id)}{label}", f"        why: {row.phase.value} when it was imported"]
    return lines


def _modules(source: Source, found: Survey) -> list[str]:
    rows = [row for row in found.of(Kind.MODULE) if row.phase in (Phase.PRESENT, Phase.INACTIVE)]
    if not rows or Kind.MODULE in source.left_out:
        return []
    lines = ["  modules:  # disabled to switch one off; data_effect as the vendor says it"]
    for row in rows:
        effect = row.facts.data_effect if isinstance(row.facts, ModuleFacts) else "unknown"
        status = "active" if row.phase is Phase.PRESENT else "disabled"
        lines += [f"    {_text(row.id)}:{_named(row)}", f"      status: {status}", f"      data_effect: {effect}"]
    return lines


def _account(source: Source, found: Survey) -> list[str]:
    rows = found.of(Kind.ACCOUNT)
    if len(rows) != 1:
        return []
    if rows[0].phase is Phase.PRESENT and Kind.ACCOUNT not in source.left_out:
        return ["  account: {status: active}  # deleted to close it"]
    return [f"  # account: left out, since the vendor shows it as {rows[0].phase.value}"]


def _datasets(found: Survey, day: str) -> list[str]:
    rows = found.of(Kind.DATASET)
    if not rows:
        return []
    lines = [f"  # data: {len(rows)} datasets on {day}; nothing is archived or purged unless it is written, such as",
             "  #   data: {archive: {to: archive/, datasets: all, attachments: true}}"]  # fmt: skip
    for row in rows:
        facts = row.facts if isinstance(row.facts, DatasetFacts) else DatasetFacts()
        count = "rows not counted" if facts.rows is None else f"{'' if facts.exact else 'about '}{facts.rows} rows"
        more = "" if facts.exportable else ", not exportable: needs `discard`"
        lines.append(f"  #   {_note(row.id)}{_titled(row)}: {count}{more}")
    return lines


def _unseen(found: Survey) -> list[str]:
    return [f"  # not shown whole: {gap.kind.value} ({_note(gap.why)})" for gap in found.gaps]


def _named(row: Resource) -> str:
    return f"  # {_note(row.label)}" if row.label not in ("", row.id) else ""


def _titled(row: Resource) -> str:
    return f" ({_note(row.label)})" if row.label not in ("", row.id) else ""


def _freeze(taken_at: str) -> str:
    return (datetime.fromisoformat(taken_at) + NOTICE).strftime("%Y-%m-%dT18:00Z")


def _text(value: Any) -> str:
    """A value that is read back as itself, whatever the vendor called it."""
    return json.dumps(value, ensure_ascii=False)


def _note(text: str) -> str:
    """Other people's text in a comment: one line, nothing that is no letter or sign."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(clean.split())[:LONGEST]


def reference(said: Sequence[str], fields: Sequence[str], prefix: str) -> dict[str, dict[str, str]]:
    """The references of a credential's fields: `FIELD=NAME` for a variable, `FIELD=file:PATH` for a file; the rest by our own names.
    Raises ValueError for what is neither."""
    chosen: dict[str, dict[str, str]] = {}
    for each in said:
        name, equals, place = each.partition("=")
        if not equals or name not in fields or not place:
            raise ValueError(each)
        chosen[name] = {"file": place[5:]} if place.startswith("file:") else {"env": place.removeprefix("env:")}
    return {name: chosen.get(name, {"env": f"{prefix}READ_{name.upper()}"}) for name in fields}

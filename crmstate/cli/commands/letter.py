"""crmstate letter: writes a letter to the vendor from what manifest and record say. It sends nothing, asks the vendor
nothing and records nothing: what nobody wrote is listed, never made up."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmstate.cli.compose import House
from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, ColorOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Diagnostic, diagnostic, problem
from crmstate.core.secret import Secret
from crmstate.core.words import Exit, Severity
from crmstate.engine.observe import stamp

if TYPE_CHECKING:
    from crmstate.people.facts import Occasion
    from crmstate.people.writing import Written


NOTICES = ("non-renewal", "cancellation")
"""The letters that the contract's clause on notice is about."""
LAYOUT = "layout"
"""What all letters of a language share: a template, and no letter."""


class LetterFormat(str, Enum):  # noqa: UP042  typer shows the values of str enums
    """What a letter can be written as."""

    text = "text"
    markdown = "markdown"
    eml = "eml"
    json = "json"


def letter(
    kind: Annotated[str | None, typer.Argument(help="Which letter: --list shows them.", show_default=False)] = None,
    manifest: ManifestArgument = HERE,
    format: Annotated[
        LetterFormat, typer.Option("--format", help="text, markdown, eml (a draft for a mail program) or json.")
    ] = LetterFormat.text,
    out: Annotated[Path | None, typer.Option("--out", help="Write it into this new file.")] = None,
    templates: Annotated[
        Path | None, typer.Option("--templates", help="A folder of your own templates, inside the manifest's folder.")
    ] = None,
    list: Annotated[bool, typer.Option("--list", help="Show which letters there are.")] = False,
    source: Annotated[
        bool, typer.Option("--source", help="Print the template that comes along, to start from.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="As if it were written at this time.")
    ] = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Write a letter to the vendor: notice, cancellation, switching, deletion, certificate, settlement.

    Exit 9: facts are missing; the letter is a draft that lists them."""
    from crmstate.people.letters import LETTERS

    screen = Screen("json" if format is LetterFormat.json else "text", lang, quiet, no_color)
    if list or kind is None:
        _show_kinds(screen)
        return int(Exit.OK if list else Exit.USAGE)
    if kind not in (*LETTERS, *((LAYOUT,) if source else ())):
        raise problem(Exit.USAGE, "CRM-L001", name=kind[:60], known=", ".join(LETTERS))
    if source:
        from crmstate.people.writing import source as template

        screen.out(template(kind, screen.catalogue.lang))
        return 0
    house = open_house(manifest, screen, as_of)
    _learn(house)
    occasion = _occasion(house)
    written = _write(kind, house, occasion, screen, templates)
    found = _findings(kind, format, occasion, screen)
    payload = _rendered(written, format, house, found, screen)
    if out is not None:
        _save(out, payload, house)
    if format is LetterFormat.json:
        screen.out(payload.decode()) if out is None else None
    else:
        screen.show(found)
    _tell(written, payload, out, screen, format)
    return int(Exit.WAITING if written.missing else Exit.OK)


def _show_kinds(screen: Screen) -> None:
    from crmstate.people.letters import LETTERS

    if screen.json:
        from crmstate.views.wire import encode

        rows = [
            {"letter": each, "what": screen.catalogue.word("letter_kind", each), "laws": kind.laws}
            for each, kind in LETTERS.items()
        ]
        screen.out(encode({"format_version": "1.0", "letters": rows}).decode())
        return
    width = max(len(each) for each in LETTERS)
    screen.out("".join(f"{each.ljust(width)}  {screen.catalogue.word('letter_kind', each)}\n" for each in LETTERS))


def _learn(house: House) -> None:
    """No secret that a manifest refers to by the environment is ever written, wherever else it was written by mistake.
    Nothing else is read for that: a letter needs no credentials."""
    from crmstate.manifest.trust import references

    for path, _ in references(house.loaded.tree):
        name = house.loaded.tree.text(*path, "env")
        if name and house.environ.get(name):
            house.scrubber.learn(Secret(house.environ[name]))


def _occasion(house: House) -> Occasion:
    """What the letter is written from. Its day is the customer's, by this machine's clock or --as-of: the vendor is not
    asked."""
    from crmstate.people.claims import refund
    from crmstate.people.dates import dates
    from crmstate.people.facts import Occasion, zone_of

    now, state = _now(house), house.state()
    today = now.astimezone(zone_of(house.desired)).date()
    title = house.provider.title if house.provider.credential else ""  # else it stands for any vendor
    desired, at = house.desired, stamp(now)
    return Occasion(desired, state, title, today, dates(desired, state, at), refund(desired, state, at))


def _now(house: House) -> datetime:
    return house.as_of or house.real.now()


def _write(kind: str, house: House, occasion: Occasion, screen: Screen, templates: Path | None) -> Written:
    from crmstate.people.facts import facts
    from crmstate.people.writing import write

    words, scrub = screen.catalogue, house.scrubber.scrub
    made = write(
        kind,
        words.lang,
        facts(occasion, words.lang),
        words.plain,
        lambda field: words.text_of("letter.gap", what=_named(field, screen)),
        _folder(templates, house) if templates is not None else None,
    )
    return replace(made, markdown=scrub(made.markdown), subject=scrub(made.subject))


def _named(field: str, screen: Screen) -> str:
    return screen.catalogue.word("letter_fact", field)


def _folder(templates: Path, house: House) -> Path:
    """The user's own templates: inside the manifest's folder, or where the operator allows."""
    import json

    from crmstate.manifest import codes
    from crmstate.manifest.operator import VARIABLE
    from crmstate.manifest.trust import file_allowed

    if not templates.is_dir():
        raise problem(Exit.USAGE, "CRM-C002", path=templates)
    if not file_allowed(str(templates.absolute()), house.folder, house.operator):
        allow = f"allow_files = {json.dumps([str(templates.resolve())])}"
        where = house.operator.source or f"${VARIABLE}"
        raise problem(Exit.REFUSED, codes.FILE_REFUSED, path=templates, allow=allow, operator=where)
    return templates


def _findings(kind: str, format: LetterFormat, occasion: Occasion, screen: Screen) -> list[Diagnostic]:
    """What whoever sends the letter should know first."""
    from crmstate.people.datasets import unproved
    from crmstate.people.letters import LETTERS

    desired, found = occasion.desired, []
    laws, contract = LETTERS[kind].laws, desired.contract
    span = contract.span if contract else None
    if laws and not (contract and set(laws) & set(contract.regimes)):
        found.append(diagnostic("CRM-L008", Severity.WARNING, span, laws=", ".join(laws)))
    goal, dates = desired.subscription, occasion.dates
    if kind in NOTICES and goal is not None and goal.status != "cancelled":
        found.append(diagnostic("CRM-L014", Severity.WARNING, goal.span, status=goal.status))
    if kind in NOTICES and dates.passed is not None and dates.missed:
        end = dates.term_end.isoformat() if dates.term_end else "?"
        found.append(diagnostic("CRM-L009", Severity.WARNING, span, day=dates.passed.isoformat(), end=end))
    elif kind in NOTICES and dates.passed is not None and dates.doubtful and dates.notice_deadline is not None:
        found.append(diagnostic("CRM-L018", Severity.WARNING, span, passed=dates.passed, day=dates.notice_deadline))
    elif kind in NOTICES and dates.notice_deadline is None and dates.undated:
        why = "".join(screen.catalogue.text(each) for each in dates.undated[-1:])
        found.append(diagnostic("CRM-L012", Severity.WARNING, span, why=why))
    form = contract.notice.form if contract and contract.notice else None
    if format is LetterFormat.eml and kind in NOTICES and form in ("written", "portal"):
        found.append(diagnostic("CRM-L013", Severity.WARNING, span, form=form))
    if kind in ("deletion", "switch-erase") and unproved(desired, occasion.state):
        found.append(diagnostic("CRM-L010", Severity.WARNING))
    return found


def _rendered(written: Written, format: LetterFormat, house: House, found: list[Diagnostic], screen: Screen) -> bytes:
    """The letter in the format that was asked for."""
    from crmstate.people.prose import plain

    markdown = _with_gaps(written, screen)
    text = plain(markdown, written.lang)
    if format is LetterFormat.markdown:
        return markdown.encode()
    if format is LetterFormat.text:
        return text.encode()
    contract = house.desired.contract
    from crmstate.people.draft import addressee, draft

    notice = contract.notice if contract else None
    to = addressee(notice.to if notice else None, notice.span if notice else None)
    if format is LetterFormat.eml:
        subject = written.subject
        if written.missing:
            subject = screen.catalogue.text_of("letter.draft_subject") + subject
        return draft(subject, text, house.desired.owner, to, _now(house))
    return _as_json(written, text, to, found, screen)


def _with_gaps(written: Written, screen: Screen) -> str:
    """The letter, and before it what it lacks."""
    from crmstate.people.facts import FIELDS
    from crmstate.people.prose import drafted, escaped

    if not written.missing:
        return written.markdown
    words = screen.catalogue
    rows = [
        escaped(
            words.text_of("letter.missing_at", what=_named(field, screen), where=FIELDS[field])
            if FIELDS.get(field)
            else words.text_of("letter.missing", what=_named(field, screen))
        )
        for field in written.missing
    ]
    return drafted(written.markdown, words.text_of("letter.draft", n=len(rows)), rows)


def _as_json(written: Written, text: str, to: str | None, found: list[Diagnostic], screen: Screen) -> bytes:
    from crmstate.people.facts import FIELDS
    from crmstate.views.diagnostics import finding
    from crmstate.views.wire import encode

    value: dict[str, Any] = {
        "format_version": "1.0",
        "letter": written.kind,
        "lang": written.lang,
        "complete": not written.missing,
        "subject": written.subject,
        "to": to,
        "text": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "missing": [
            {"field": field, "where": FIELDS.get(field, ""), "what": _named(field, screen)} for field in written.missing
        ],
        "facts": [
            {"field": each.field, "value": screen.catalogue.plain(each), "from": each.origin} for each in written.used
        ],
        "template": {"path": str(written.template), "sha256": written.template_sha256},
        "diagnostics": [finding(each, screen.catalogue) for each in found],
        "advice": screen.catalogue.text_of("letter.advice"),
    }
    return encode(value) + b"\n"


def _save(path: Path, payload: bytes, house: House) -> None:
    """A new file, whole; nothing is written over."""
    from crmstate.store.files import Disk, is_folder_or_link
    from crmstate.store.home import refuse_inside

    if path.exists() or path.is_symlink():
        raise problem(Exit.ERROR, "CRM-C012", path=path)
    if not is_folder_or_link(path.parent):
        raise problem(Exit.ERROR, "CRM-C021", path=path.parent, why=os.strerror(errno.ENOENT))
    refuse_inside(path)
    try:
        Disk(house.effects).create(path, payload)
    except FileExistsError:
        raise problem(Exit.ERROR, "CRM-C012", path=path) from None


def _tell(written: Written, payload: bytes, out: Path | None, screen: Screen, format: LetterFormat) -> None:
    if out is None and format is not LetterFormat.json:
        screen.out(payload.decode())
    if out is not None:
        screen.ask("letter.written", path=out, sha256=hashlib.sha256(payload).hexdigest())
    if format is LetterFormat.eml and b"\nTo: " not in payload.partition(b"\r\n\r\n")[0]:
        screen.say("letter.no_to")
    if written.missing and format is not LetterFormat.json:
        names = screen.catalogue.text_of("join.semicolon").join(_named(field, screen) for field in written.missing)
        screen.show([diagnostic("CRM-L011", Severity.WARNING, n=len(written.missing), names=names)])
    if format is not LetterFormat.json:
        if written.kind.startswith("switch-"):
            screen.say("letter.switching")
        screen.say("letter.advice")

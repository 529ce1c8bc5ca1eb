"""crmstate settle: invoices, overcharge and refund at the end of a contract, each with its document, summed by currency."""

from __future__ import annotations

import hashlib
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.opening import open_house, opened
from crmstate.cli.options import HERE, ByOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.recording import Paper, recording, refuse, start
from crmstate.cli.screen import Screen
from crmstate.core import settling
from crmstate.core.diagnostic import problem
from crmstate.core.event import Claimed, Evidence, Struck
from crmstate.core.words import Exit, Proof
from crmstate.engine.observe import stamp

app = typer.Typer(help="Settle invoices, overcharge and refund in writing.", no_args_is_help=True)
NOTE = 500


class Kind(str, Enum):  # noqa: UP042  typer shows the values of str enums
    """What a line is."""

    invoice = "invoice"
    overcharge = "overcharge"
    refund = "refund"
    credit = "credit"
    payment = "payment"
    agreed = "agreed"


@app.command()
def add(
    manifest: ManifestArgument = HERE,
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help="A claim: invoice (the vendor's), overcharge or refund (ours). Or what answers one: credit, payment, or "
            "agreed (what both sides wrote down for it).",
        ),
    ] = ...,  # type: ignore[assignment]
    amount: Annotated[str, typer.Option("--amount", help="Such as 1200.00.")] = ...,  # type: ignore[assignment]
    currency: Annotated[str, typer.Option("--currency", help="Three letters, such as EUR.")] = ...,  # type: ignore[assignment]
    document: Annotated[Path, typer.Option("--document", help="The paper that says so.")] = ...,  # type: ignore[assignment]
    to: Annotated[int | None, typer.Option("--for", help="The number of the claim that this answers.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="The document's day.")] = None,
    note: Annotated[str, typer.Option("--note", help="In a sentence.")] = "",
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Record a claim, or what answers one."""
    from crmstate.cli.clock import moment

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    if len(note) > NOTE:
        raise problem(Exit.USAGE, "CRM-C001", text=f"--note: at most {NOTE} characters")
    day = moment(on).date().isoformat() if on is not None else None
    paper = Paper(document)
    with recording(house, by) as (store, at, name):
        number = max((each.number for each in store.state.claims), default=0) + 1
        proof = Evidence("file", Proof.ATTESTED, at, sha256=hashlib.sha256(paper.data).hexdigest())
        draft = Claimed(at, number, kind.value, amount, currency, name, proof, to, note, day)
        refuse(settling.refused(store.state, draft))
        start(store, house)
        kept = paper.keep(store, house, Proof.ATTESTED, at, name)
        store.append([Claimed(at, number, kind.value, amount, currency, name, kept, to, note, day)])
        sums = ", ".join(str(each) for each in settling.balances(settling.lines(store.state)))
    screen.say("settle.recorded", number=number, kind=kind.value, currency=currency, amount=amount, balance=sums)
    return 0


@app.command()
def strike(
    number: Annotated[int, typer.Argument(help="The number of the line.")],
    manifest: ManifestArgument = HERE,
    why: Annotated[str, typer.Option("--why", "--note", help="What was wrong with it.")] = ...,  # type: ignore[assignment]
    by: ByOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Take back a line that was entered by mistake; it stays in the journal."""
    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen)
    with house.store() as store:
        refuse(settling.unstrikable(store.state, number))
        store.append([Struck(stamp(house.clock.now()), number, by or house.by, why[:NOTE])])
    screen.say("settle.struck", number=number)
    return 0


@app.command("list")
def list_(manifest: ManifestArgument = HERE, format: FormatOption = Format.text, lang: LangOption = None) -> int:
    """Every claim and what is open, by currency."""
    from crmstate.views.settling import settle_list

    screen = Screen(format.value, lang)
    _, state = opened(manifest, screen)
    found = settling.lines(state)
    screen.out(settle_list(found, settling.balances(found), screen.catalogue, screen.format, screen.mask))
    return 0


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The number of the claim.")],
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    lang: LangOption = None,
) -> int:
    """One claim with every document of it."""
    from crmstate.views.settling import settle_show

    screen = Screen(format.value, lang)
    _, state = opened(manifest, screen)
    found = settling.lines(state)
    line = next((each for each in found if each.claim.number == number), None)
    if line is None:
        known = ", ".join(str(each.claim.number) for each in found) or "-"
        raise problem(Exit.USAGE, "CRM-F005", number=number, known=known)
    screen.out(settle_show(line, screen.catalogue, screen.format, screen.mask))
    return 0

"""crmstate confirm: records what a person did or a vendor answered, with files that prove it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.clock import moment
from crmstate.cli.compose import House
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, ByOption, LangOption, ManifestArgument, OfflineOption, QuietOption
from crmstate.cli.screen import Screen
from crmstate.cli.survey import begin, planned
from crmstate.core.address import Address, id_of, kind_of, parse
from crmstate.core.address import address as address_of
from crmstate.core.contacts import ASKED
from crmstate.core.contract import Calendar, ContractGoal
from crmstate.core.deadline import ends, today
from crmstate.core.diagnostic import diagnostic, problem
from crmstate.core.event import Confirmed, Evidence
from crmstate.core.plan import Plan
from crmstate.core.planning.hands import OPENED, RESULTS
from crmstate.core.planning.retention import WHOLE
from crmstate.core.record import State
from crmstate.core.words import Contacting, Exit, Kind, Outcome, Proof, Severity, Verb
from crmstate.engine import withheld
from crmstate.engine.confirm import confirm as confirmed
from crmstate.engine.confirm import earlier_word, retract, take_back
from crmstate.engine.observe import stamp

LONG = timedelta(days=366)
"""A waiver that holds for longer is perhaps a mistyped year."""
OPENING = address_of(Kind.ARCHIVE, OPENED)
"""That somebody with a key has opened an encrypted archive."""


def contents(state: State) -> dict[str, str]:
    """The digest on record of each dataset that is archived."""
    found: dict[str, tuple[str, str]] = {}
    for entry in state.entries.values():
        taken = entry.verb in (Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA) and entry.outcome is Outcome.DONE
        if taken and entry.evidence and entry.evidence[0].sha256:
            last = (entry.at, entry.evidence[0].sha256)
            found[id_of(entry.address)] = max(found.get(id_of(entry.address), last), last)
    return {dataset: digest for dataset, (_, digest) in found.items()}


def confirm(
    address: Annotated[str, typer.Argument(help="What is confirmed, as the plan names it: human_step/training.")],
    manifest: ManifestArgument = HERE,
    by: ByOption = None,
    proof: Annotated[
        Proof | None,
        typer.Option("--proof", help="attested, acknowledged or certified; acknowledged where a --contact is named."),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What was done, in a sentence.")] = "",
    evidence: Annotated[
        list[Path] | None, typer.Option("--evidence", help="A file that proves it; may be repeated.")
    ] = None,
    contact: Annotated[
        str, typer.Option("--contact", metavar="ID", help="The entry of the contact log in which the vendor says so.")
    ] = "",
    waive: Annotated[bool, typer.Option("--waive", help="Go on without it: needs --note and --expires.")] = False,
    expires: Annotated[str | None, typer.Option("--expires", help="When a waiver ends.")] = None,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="What the vendor was asked for was taken back: needs --note.")
    ] = False,
    out_of_order: Annotated[
        str | None,
        typer.Option(
            "--out-of-order", metavar="WHY", help="It is gone for good although what comes before is not done."
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="DAY", help="When it was done: 2026-12-04, or a time with its zone; now if left out."
        ),
    ] = None,
    retracted: Annotated[
        str | None, typer.Option("--retract", metavar="WHY", help="What was confirmed here last was a slip.")
    ] = None,
    offline: OfflineOption = False,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Record a human step or a vendor's answer."""
    from crmstate.archive.proof import shows_all
    from crmstate.store.evidence import look
    from crmstate.store.evidence import store as keep

    screen = Screen(lang=lang, quiet=quiet)
    try:
        place = parse(address)
    except ValueError:
        raise problem(Exit.USAGE, "CRM-C006", text=address, near="human_step/..., subscription/...") from None
    _refuse_together(
        (withdrawn, "--withdrawn: not with --waive, --proof or --expires", (waive, proof, expires)),
        (on is not None, "--on: not with --waive, --withdrawn or --retract", (waive, withdrawn, retracted is not None)),
        (retracted is not None, "--retract WHY: not with what confirms something", (withdrawn, waive, proof, evidence, contact, note)),
    )  # fmt: skip
    house = open_house(manifest, screen)
    if retracted is not None:
        return _retracted(house, screen, place, by, retracted)
    if withdrawn:
        return _withdrawn(house, screen, place, by, note, evidence or (), contact)
    ends = stamp(moment(expires)) if expires is not None else None
    with house.store() as store:
        masked(house, store.state, screen, {"by": by or ""})
        made = planned(house, store.state, offline=offline, by_word=True)
        at, name = stamp(house.clock.now()), by or house.by
        was = earlier_word(place, made, store.state)
        level = (
            Proof.WAIVED
            if waive
            else proof or (was.proof if was is not None and not contact else _level(store.state, contact))
        )
        when = done_at(on, house.desired.contract, at) if on is not None else ""
        say = partial(
            confirmed, place, made, store.state, at=at, by=name, proof=level, note=note, expires=ends, contact=contact,
            provider=house.provider, desired=house.desired, out_of_order=out_of_order, on=when,
        )  # fmt: skip
        say(evidence=tuple(Evidence("file", level, at, name) for _ in evidence or ()))
        found = look(evidence or ())
        names = [each.path.name for each in found]
        withheld.require(place, level, house.desired, store.state, [each.sha256 for each in found], at, names)
        if place == WHOLE and not waive:
            house.refuse_standing()
        if place == OPENING and not waive:
            for path in evidence or ():
                shows_all(path, contents(store.state))
        begin(store, house, made.tenant)
        files = tuple(keep(each, store.home, house.effects, proof=level, at=at, by=name) for each in found)
        event, before = say(evidence=files), was.at if was is not None else ""
        store.append([event])
    if waive and expires is not None and moment(expires) - house.clock.now() > LONG:
        screen.show([diagnostic("CRM-C171", Severity.WARNING, address=place, at=expires)])
    _say(screen, event, before, made)
    if out_of_order is not None and not event.out_of_order:
        screen.say("confirm.in_order", address=place)
    return 0


def _refuse_together(*rules: tuple[bool, str, tuple[object, ...]]) -> None:
    """Refuses what cannot be meant together: an option that is given, what it is not with, and what that is."""
    for given, text, others in rules:
        if given and any(other is not None and other is not False and other != [] and other != "" for other in others):
            raise problem(Exit.USAGE, "CRM-C001", text=text)


def _say(screen: Screen, event: Confirmed, before: str, made: Plan) -> None:
    """What is on record now, and what is still waited for. `before`: since when it stood, where this corrects it."""
    place = event.step.address
    said = {"address": place, "by": event.by, "proof": screen.catalogue.word("proof", event.proof.value)}
    if before:
        screen.say("confirm.corrected", at=event.on, before=before, **said)
    else:
        screen.say("confirm.recorded.on" if event.on else "confirm.recorded", at=event.on, **said)
    if event.step.verb in ASKED and kind_of(place) in RESULTS:
        result = next((each for each in made.steps if each.address == place and each.verb is Verb.PROBE), None)
        until = result.not_before if result is not None else None
        screen.say("confirm.request.until" if until else "confirm.request", address=place, at=until or "")
    if event.out_of_order:
        screen.say("confirm.out_of_order", address=place, n=len(event.ahead_of))


def done_at(text: str, contract: ContractGoal | None, now: str) -> str:
    """When something was done, as somebody writes it. A day is one wherever it matters: the moment is its last one at our place,
    at the vendor's and in UTC alike, so that it comes after whatever was done on that day, and in time only where the whole day
    is. Raises Problem."""
    found = moment(text)
    if any(mark in text for mark in "Tt :"):
        return stamp(found)
    calendar = contract.calendar if contract is not None else Calendar()
    zones = {calendar.zone, calendar.vendor_zone, "UTC"}
    day = found.date()
    last = min(datetime.fromisoformat(ends(day, zone)) for zone in zones) - timedelta(seconds=1)
    begun = any(day <= today(now, zone) for zone in zones)
    return min(stamp(last), now) if begun else stamp(last)


def _retracted(house: House, screen: Screen, place: Address, by: str | None, why: str) -> int:
    """A slip of somebody's: what was on record before it stands again. Both stay in the journal."""
    with house.store() as store:
        masked(house, store.state, screen, {"by": by or ""})
        name = by or house.by
        store.append([retract(place, store.state, at=stamp(house.clock.now()), by=name, note=why)])
    screen.say("confirm.retracted", address=place, by=name)
    return 0


def _level(state: State, contact: str) -> Proof:
    """What a contact proves: the vendor's acknowledgement, or that somebody asked."""
    found = state.contacts.get(contact)
    if not contact or (found is not None and found.kind is Contacting.REQUEST):
        return Proof.ATTESTED
    return Proof.ACKNOWLEDGED


def _withdrawn(
    house: House, screen: Screen, place: Address, by: str | None, note: str, evidence: Sequence[Path], contact: str
) -> int:
    """What the vendor was asked for, and somebody took back. Nothing is looked at for that, at no vendor."""
    from crmstate.store.evidence import look
    from crmstate.store.evidence import store as keep

    with house.store() as store:
        masked(house, store.state, screen, {"by": by or ""})
        at, name = stamp(house.clock.now()), by or house.by
        say = partial(take_back, place, store.state, at=at, by=name, note=note, contact=contact)
        say()
        found = look(evidence)
        files = tuple(keep(each, store.home, house.effects, proof=Proof.ATTESTED, at=at, by=name) for each in found)
        store.append([say(evidence=files)])
    screen.say("confirm.withdrawn", address=place, by=name)
    return 0

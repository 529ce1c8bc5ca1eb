"""Life: where a subscription stands, from the vendor's word, the record and the contract; nothing is decided here.

Of every fact it is said who says so. What the vendor shows goes before the record, the record before the contract, and what
nobody says is unknown. A request is not a result: a contract has ended when the vendor shows it or a document proves it, and
neither because somebody asked for it nor because its day has come. Whether it renews and until when there is access are two
facts, and never one.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from crmstate.core.address import Address, address
from crmstate.core.contacts import standing
from crmstate.core.course import ENDING, Asked, Course, asked_of, day_of, ending_of, place_of, shown, subscription_of
from crmstate.core.goal import Desired
from crmstate.core.message import Message, message
from crmstate.core.milestones import GIVEN
from crmstate.core.record import Entry, State
from crmstate.core.survey import AccountFacts, DatasetFacts, Resource, SubscriptionFacts, Survey
from crmstate.core.words import PROOFS, Contacting, Kind, Outcome, Phase, Proof, Verb


class Stand(StrEnum):
    """How far a subscription has come, in order."""

    ACTIVE = "active"
    NOTICE_DUE = "notice_due"
    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    NOTICE_RUNNING = "notice_running"
    ENDED = "ended"
    TRANSITION = "transition"
    RETRIEVAL = "retrieval"
    PURGE_PENDING = "purge_pending"
    PURGED = "purged"
    CERTIFIED = "certified"
    CLOSED = "closed"


class Beside(StrEnum):
    """What holds beside how far it has come."""

    PAUSED = "paused"
    RENEWED_BY_DEFAULT = "renewed_by_default"
    DISPUTED = "disputed"
    HELD = "held"
    RESTRICTED = "restricted"
    STUCK = "stuck"
    ACCOUNT_CLOSED = "account_closed"


class Aside(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that holds beside the state. `since`, `until`: ISO days or times; `waiting_for`: whom a stuck one waits
    for."""

    what: Beside
    why: Message
    since: str | None = None
    until: str | None = None
    waiting_for: str | None = None


class Life(msgspec.Struct, frozen=True):
    """The whole. `state` None where nobody says anything of a contract. `renews` and `access_until` are None where that is
    unknown; their `why` says who knows it, or why nobody does. `term_end` and `bound_until`: the last days of the running
    term, and of the one that a notice given now would still end; `notice_by`, `decide_by`: its last day of notice and of the
    decision; `ends`: the last day of what the manifest ends."""

    state: Stand | None
    why: Message
    renews: bool | None
    renews_why: Message
    access_until: str | None
    access_why: Message
    proof: Proof = Proof.NONE
    asides: tuple[Aside, ...] = ()
    address: Address | None = None
    term_end: str | None = None
    bound_until: str | None = None
    notice_by: str | None = None
    decide_by: str | None = None
    ends: str | None = None
    term_why: tuple[Message, ...] = ()

    def beside(self, what: Beside) -> Aside | None:
        """What holds beside it, or None."""
        return next((each for each in self.asides if each.what is what), None)


def life(desired: Desired, observed: Survey | None, state: State, days: Course, provider: str = "") -> Life | None:
    """Where the subscription stands on `days.today`. None where neither manifest, vendor nor record speak of one.
    `observed` None: the vendor was not asked."""
    row = subscription_of(observed)
    facts = shown(observed)
    place = row.address if row is not None else place_of(state)
    asked = asked_of(state, place)
    if facts is None and asked is None and desired.contract is None and desired.subscription is None:
        return None
    seen = _Seen(
        desired, observed, state, days, facts, row, asked, ending_of(state, place), ended(state, place), place, provider
    )
    stand, why, proof = _stand(seen)
    renews, renews_why = _renews(seen, stand)
    until, until_why = _access(seen, stand, renews)
    return Life(
        stand, why, renews, renews_why, until, until_why, proof, tuple(_asides(seen, stand)), place,
        days.term_end, days.bound, days.notice_by, days.decide_by, days.last, days.why,
    )  # fmt: skip


class _Seen(msgspec.Struct, frozen=True):
    """Everything that a life is derived from."""

    desired: Desired
    survey: Survey | None
    state: State
    days: Course
    facts: SubscriptionFacts | None
    row: Resource | None
    asked: Asked | None
    ending: Asked | None
    result: Entry | None
    place: Address
    provider: str

    @property
    def wanted(self) -> bool:
        """Whether the manifest ends what is paid for."""
        return self.desired.subscription is not None and self.desired.subscription.status in ENDING


def ended(state: State, place: Address) -> Entry | None:
    """The record of the end itself, which only somebody who looked, or a document, gives; of an earlier end that was taken
    back since it says nothing, nor does the proof of a pause."""
    entry = state.latest(place, Verb.PROBE)
    if entry is None or entry.outcome is not Outcome.DONE:
        return None
    asked = asked_of(state, place)
    return None if asked is None or asked.verb is Verb.PAUSE or asked.at > entry.at else entry


def _stand(seen: _Seen) -> tuple[Stand | None, Message, Proof]:
    """How far it has come, who says so, and how well that is proved."""
    account = _account(seen)
    if account is not None and not _runs_on(seen):
        return Stand.CLOSED, message("life.closed"), account
    over = _over(seen)
    if over is not None:
        return _after(seen, *over)
    facts, asked = seen.facts, seen.ending
    if facts is not None and facts.pending in ("cancel", "downgrade"):
        day = day_of(facts.effective)
        if day is None:
            return Stand.ACKNOWLEDGED, message("life.acknowledged.vendor"), Proof.OBSERVED
        return Stand.NOTICE_RUNNING, message("life.notice_running.vendor", day=day), Proof.OBSERVED
    if asked is not None and (asked.verb is Verb.REQUEST or facts is None or not facts.renews):
        return _requested(seen, asked)
    if seen.wanted and seen.days.notice_by is not None:
        return Stand.NOTICE_DUE, message("life.notice_due", day=seen.days.notice_by), Proof.NONE
    if facts is not None:
        known = facts.status if facts.status in ("active", "paused", "free", "restricted") else "other"
        return Stand.ACTIVE, message(f"life.vendor.{known}", status=facts.status), Proof.OBSERVED
    if seen.desired.contract is not None and seen.days.over:
        return None, message("life.unknown.over", day=seen.days.term_end or "?"), Proof.NONE
    if seen.desired.contract is not None and seen.desired.contract.term is not None:
        return Stand.ACTIVE, message("life.contract.active"), Proof.NONE
    return None, message("life.unknown"), Proof.NONE


def _requested(seen: _Seen, asked: Asked) -> tuple[Stand, Message, Proof]:
    """A request on record: a person's word for it is no word of the vendor's."""
    entry = asked.entry
    if not asked.known:
        code = "life.given" if asked.verb is Verb.REQUEST else "life.requested"
        return Stand.REQUESTED, message(code, at=asked.at), asked.proof
    day = day_of(entry.until) or seen.days.last
    if day is None:
        return Stand.ACKNOWLEDGED, message("life.acknowledged", at=asked.known_since), asked.proof
    return Stand.NOTICE_RUNNING, message("life.notice_running", at=asked.known_since, day=day), asked.proof


def _runs_on(seen: _Seen) -> bool:
    """Whether the contract goes on without its account: nobody has proved its end, and its last day is not over."""
    contract, days = seen.desired.contract, seen.days
    if contract is None or contract.term is None or seen.facts is not None or _over(seen) is not None or days.over:
        return False
    return days.last is None or days.last >= days.today


def _account(seen: _Seen) -> Proof | None:
    """How well it is proved that the account is closed."""
    rows = [row for row in seen.survey.resources if row.kind is Kind.ACCOUNT] if seen.survey is not None else []
    if rows and all(row.phase is Phase.ABSENT for row in rows):
        return Proof.OBSERVED
    if any(isinstance(row.facts, AccountFacts) and row.phase is not Phase.ABSENT for row in rows):
        return None
    found = [
        entry
        for entry in seen.state.entries.values()
        if entry.address.startswith(f"{Kind.ACCOUNT.value}/") and entry.outcome is Outcome.DONE
    ]
    results = [entry for entry in found if entry.verb is Verb.PROBE]
    closed = results or [entry for entry in found if entry.verb is Verb.CLOSE and entry.proof is Proof.OBSERVED]
    return closed[-1].proof if closed else None


def _over(seen: _Seen) -> tuple[Message, Proof] | None:
    """That the contract has ended: seen, or proved."""
    facts = seen.facts
    if facts is not None:
        if facts.status == "cancelled":
            return message("life.ended.vendor"), Proof.OBSERVED
        if facts.status == "free" and seen.wanted:
            return message("life.vendor.free"), Proof.OBSERVED
        return None
    if seen.result is not None:
        at, last = seen.result.told or seen.result.at, seen.days.last
        if not _smaller(seen) and last is not None and last < (day_of(at) or ""):
            return message("life.ended.on", at=at, day=last), seen.result.proof
        return message("life.downgraded" if _smaller(seen) else "life.ended", at=at), seen.result.proof
    return None


def _smaller(seen: _Seen) -> bool:
    """Whether it is a smaller edition that was proved: what was paid for has ended, and nothing else."""
    return seen.asked is not None and seen.asked.verb is Verb.DOWNGRADE


def _window(seen: _Seen) -> tuple[Stand, Message] | None:
    """The times that a law or the contract gives for moving out: first the transition, then the retrieval."""
    days = seen.days
    if days.transition is not None and days.today <= days.transition:
        return Stand.TRANSITION, message("life.transition", day=days.transition)
    if days.retrieval is not None and days.today <= days.retrieval:
        return Stand.RETRIEVAL, message("life.retrieval", day=days.retrieval)
    return None


def _after(seen: _Seen, why: Message, proof: Proof) -> tuple[Stand, Message, Proof]:
    """Past the contract's end: what becomes of the data that the vendor still has."""
    certificate = seen.state.latest(address(Kind.CERTIFICATE, "destruction"), Verb.CONFIRM)
    if certificate is not None and certificate.outcome is Outcome.DONE:
        return Stand.CERTIFIED, message("life.certified", at=certificate.at), certificate.proof
    if seen.desired.purge is not None:
        gone = _gone(seen, bin=seen.desired.purge.bin)
        if gone is not None:
            return Stand.PURGED, message("life.purged"), gone
    window = _window(seen)
    if window is not None:
        return (*window, proof)
    if seen.desired.purge is not None:
        return Stand.PURGE_PENDING, message("life.purge_pending"), proof
    return Stand.ENDED, why, proof


def _gone(seen: _Seen, *, bin: bool) -> Proof | None:
    """How well it is proved that everything is gone which the manifest destroys; None where something is left."""
    verbs = {Verb.PURGE, Verb.EMPTY} if bin else {Verb.PURGE}
    found = [entry for entry in seen.state.entries.values() if entry.verb in verbs]
    rows = [row.facts for row in seen.survey.resources if row.phase is not Phase.ABSENT] if seen.survey else []
    if any(isinstance(facts, DatasetFacts) and facts.rows != 0 for facts in rows):
        return None
    if {entry.verb for entry in found} != verbs or any(entry.outcome is not Outcome.DONE for entry in found):
        return None
    return max((entry.proof for entry in found), key=PROOFS.index)


def _renews(seen: _Seen, stand: Stand | None) -> tuple[bool | None, Message]:
    """Whether another term follows by itself."""
    facts, asked, days = seen.facts, seen.ending, seen.days
    if stand is not None and list(Stand).index(stand) >= list(Stand).index(Stand.ENDED):
        return False, message("life.renews.ended")
    if facts is not None and facts.renews is not None:
        return facts.renews, message("life.renews.vendor")
    if asked is not None:
        if asked.known:
            return False, message("life.renews.acknowledged", at=asked.known_since)
        if days.follows is not False:
            return None, message("life.renews.asked", at=asked.at)
    if days.follows is None:
        return None, message("life.renews.unknown")
    if not days.follows:
        return False, message("life.renews.contract_no")
    if days.missed and days.bound is not None:
        return True, message("life.renews.missed", day=days.bound)
    return True, message("life.renews.contract", day=days.term_end or "?")


def _access(seen: _Seen, stand: Stand | None, renews: bool | None) -> tuple[str | None, Message]:
    """The last day of access, as far as anybody says one."""
    facts, asked, days = seen.facts, seen.ending, seen.days
    if stand is Stand.CLOSED or _account(seen) is not None:
        return None, message("life.access.closed")
    last = None if facts is None else day_of(facts.access_until)
    if last is None and facts is not None and facts.pending == "cancel":
        last = day_of(facts.effective)
    if last is not None:
        return last, message("life.access.vendor")
    if asked is not None and asked.verb is not Verb.DOWNGRADE and asked.known:
        until = day_of(asked.entry.until) or days.last
        if until is not None:
            return until, message("life.access.acknowledged", at=asked.known_since)
    if seen.result is not None and facts is None:
        return None, message("life.access.smaller" if _smaller(seen) else "life.access.over")
    if renews is False and days.term_end is not None and asked is None:
        return days.term_end, message("life.access.term")
    if renews:
        return None, message("life.access.renews")
    return None, message("life.access.unknown")


def _asides(seen: _Seen, stand: Stand | None) -> list[Aside]:
    found = [*_paused(seen), *_renewed(seen, stand), *_disputed(seen)]
    holds = {**dict.fromkeys(seen.desired.holds), **seen.state.holds}
    if holds:
        first = min((hold.at for hold in seen.state.holds.values()), default=None)
        found.append(Aside(Beside.HELD, message("life.held", n=len(holds)), since=first))
    if stand is not Stand.CLOSED and _account(seen) is not None:
        found.append(Aside(Beside.ACCOUNT_CLOSED, message("life.account_closed")))
    if seen.facts is not None and seen.facts.status == "restricted":
        found.append(Aside(Beside.RESTRICTED, message("life.restricted")))
    return [*found, *_kept(seen, stand), *_stuck(seen, stand)]


def _kept(seen: _Seen, stand: Stand | None) -> list[Aside]:
    """What the vendor only stores after the end, by the last document of its own that was read: backups."""
    said = seen.state.examined[-1].said if seen.state.examined else None
    if said is None or stand is None or list(Stand).index(stand) < list(Stand).index(Stand.ENDED):
        return []
    if said.backups not in ("expire", "kept") or (said.expiry is not None and said.expiry < seen.days.today):
        return []
    since = day_of(seen.state.examined[-1].at)
    return [Aside(Beside.RESTRICTED, message("life.restricted.backups"), since, said.expiry)]


def _paused(seen: _Seen) -> list[Aside]:
    facts, asked = seen.facts, seen.asked
    if facts is not None:
        if facts.status != "paused":
            return []
        until = day_of(facts.paused_until) or _goal_until(seen)
        return [Aside(Beside.PAUSED, message("life.paused.vendor"), until=until)]
    if asked is None or asked.verb is not Verb.PAUSE or asked.entry.outcome is not Outcome.DONE:
        return []
    if (_goal_until(seen) or seen.days.today) < seen.days.today:
        return []
    return [Aside(Beside.PAUSED, message("life.paused", at=asked.entry.at), asked.entry.at, _goal_until(seen))]


def _goal_until(seen: _Seen) -> str | None:
    goal = seen.desired.subscription
    return goal.until if goal is not None and goal.status == "paused" else None


def _renewed(seen: _Seen, stand: Stand | None) -> list[Aside]:
    """A renewal that has happened, or that nothing can stop any more."""
    days = seen.days
    early = (Stand.ACTIVE, Stand.NOTICE_DUE, Stand.REQUESTED)
    if stand not in early or not days.number or days.term_end is None or (seen.facts and seen.facts.renews is False):
        return []
    why = message("life.renewed", n=days.number, day=days.term_end)
    return [Aside(Beside.RENEWED_BY_DEFAULT, why, until=days.term_end)]


def _disputed(seen: _Seen) -> list[Aside]:
    """A complaint in the contact log about the contract that the vendor has not answered since."""
    places = {each.entry.address for each in (seen.asked, seen.ending) if each is not None} | {seen.place, GIVEN}
    about = [each for each in standing(seen.state.contacts) if places & set(each.steps)]
    settled = (Contacting.COMPLAINT, Contacting.ACKNOWLEDGEMENT)
    last = next((each for each in reversed(about) if each.kind in settled), None)
    if last is None or last.kind is not Contacting.COMPLAINT:
        return []
    return [Aside(Beside.DISPUTED, message("life.disputed", id=last.id), last.when, waiting_for=seen.provider or None)]


def _stuck(seen: _Seen, stand: Stand | None) -> list[Aside]:
    """What was asked for and has not come although its day has: never before a day that somebody wrote or promised."""
    asked, days = seen.ending, seen.days
    who = seen.provider or None
    if asked is not None and asked.entry.outcome is Outcome.UNKNOWN:
        return [Aside(Beside.STUCK, message("life.stuck.unknown", at=asked.entry.at), asked.entry.at, waiting_for=who)]
    shows_none = seen.facts is not None and seen.facts.renews and not seen.facts.pending
    if asked is not None and asked.verb is not Verb.REQUEST and shows_none:
        return [Aside(Beside.STUCK, message("life.stuck.not_shown", at=asked.at), asked.at, waiting_for=who)]
    if stand is Stand.NOTICE_RUNNING:
        day = day_of(seen.facts.effective) if seen.facts is not None else None
        day = day or (day_of(asked.entry.until) if asked is not None else None) or days.last
        if day is not None and day < days.today:
            return [Aside(Beside.STUCK, message("life.stuck.not_ended", day=day), day, waiting_for=who)]
    if stand is Stand.REQUESTED and asked is not None and days.notice_by is not None and days.notice_by < days.today:
        why = message("life.stuck.unanswered", day=days.notice_by)
        return [Aside(Beside.STUCK, why, asked.at, waiting_for=who)]
    return []

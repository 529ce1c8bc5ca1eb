"""Draft: where the parts of a plan are collected, and the one rule by which a resource, a verb and the record become a
step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from crmstate.core import accepted
from crmstate.core.address import Address
from crmstate.core.course import course, place_of, shown, subscription_of
from crmstate.core.diagnostic import Diagnostic, Span, diagnostic
from crmstate.core.goal import Desired, Selector
from crmstate.core.message import Message, message
from crmstate.core.order import Stage
from crmstate.core.plan import Blocked, Expect, Step
from crmstate.core.provider import Args, Cell, Provider
from crmstate.core.record import Entry, State, step_id
from crmstate.core.survey import Resource, Survey, UserFacts
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb


class Turn(NamedTuple):
    """Which time it is that something is done. `entry`: what is on record of this time; `waits`: until when nothing is sent,
    because a listing may run behind."""

    occurrence: int
    entry: Entry | None
    why: Message
    waits: str | None = None


class Draft:
    """Collects steps, blockers and diagnostics while the parts of a plan are derived."""

    def __init__(
        self,
        desired: Desired,
        survey: Survey,
        state: State,
        provider: Provider,
        lock: tuple[str, ...] | None = None,
    ) -> None:
        self.lock = lock
        self.views: Mapping[str, int] | None = None
        row = subscription_of(survey)
        self.place = row.address if row is not None else place_of(state)
        """What the record calls the subscription."""
        self.dated = accepted.believed(state, row, survey.taken_at)
        """The record as dates go by it."""
        self.days = course(desired, shown(survey), self.dated, survey.taken_at, self.place)
        self.desired = desired
        self.survey = survey
        self.state = state
        self.provider = provider
        self.steps: list[Step] = []
        self.blocked: list[Blocked] = []
        self.diagnostics: list[Diagnostic] = []
        self.edges: list[tuple[str, str]] = []
        self.attributes: set[str] = set()
        self.unchanged: dict[str, int] = {}
        self.removals = 0
        self.by_kind: dict[Kind, list[Resource]] = {kind: [] for kind in Kind}
        for resource in survey.resources:
            self.by_kind[resource.kind].append(resource)
        self.own_keys = {each.key for each in survey.identities if each.key}
        self.own_users = {each.user for each in survey.identities if each.user}
        mails = {each.email.casefold() for each in survey.identities if each.email}
        self.own_users |= {
            row.id
            for row in self.by_kind[Kind.USER]
            if isinstance(row.facts, UserFacts) and row.facts.email.casefold() in mails
        }

    def report(
        self,
        code: str,
        severity: Severity = Severity.ERROR,
        span: Span | None = None,
        address: Address | None = None,
        **params: object,
    ) -> None:
        """Adds a diagnostic."""
        self.diagnostics.append(diagnostic(code, severity, span, address, **params))

    def keep(self, kind: Kind) -> None:
        """Counts a resource that already is as the manifest wants it."""
        self.unchanged[kind.value] = self.unchanged.get(kind.value, 0) + 1

    def block(
        self,
        place: Address,
        verb: Verb,
        stage: str,
        why: Message,
        *,
        owner: str | None = None,
        due: str | None = None,
        label: str = "",
        span: Span | None = None,
    ) -> None:
        """Adds something that cannot be planned now; whatever comes after `stage` waits for it."""
        owner = owner or self.desired.owner or None
        self.blocked.append(Blocked(place, verb, stage, why, owner, due, label, span))

    def label(self, resource: Resource) -> str:
        """What people call it, or nothing where the manifest masks people."""
        if self.desired.mask_people and isinstance(resource.facts, UserFacts):
            return ""
        return resource.label

    def act(
        self,
        resource: Resource,
        verb: Verb,
        stage: Stage,
        why: Message,
        *,
        span: Span | None = None,
        args: Args | None = None,
        after: Phase | None = None,
        undo: Undo | None = None,
        rows: int | None = None,
        needs: Sequence[str] = (),
        removal: bool = False,
        hand: bool = False,
    ) -> Step | None:
        """Plans `verb` on an observed resource, unless it is already so, waits for its completion, or cannot be
        done. `hand`: a person does it in another system, whatever this vendor's API can do."""
        cell = self._offered(resource, verb, stage, span)
        if cell is None:
            return None
        goal = after if after is not None else cell.after
        if satisfied(resource.phase, goal):
            self.keep(resource.kind)
            return None
        mode = Mode.MANUAL if hand or cell.how is not How.API else Mode.AUTO
        final = (undo or cell.undo) is Undo.NEVER and cell.how is How.API
        turn = self._turn(resource, cell, mode, final, why, span)
        entry, why = turn.entry, turn.why
        asked = entry is not None and entry.outcome is Outcome.REQUESTED and mode is Mode.AUTO
        if turn.waits is not None:
            mode = Mode.WAIT
        elif (resource.phase is Phase.PENDING and goal is not Phase.PRESENT) or asked:
            until = resource.pending_until or (entry.until if entry else "") or "unknown"
            mode, why = Mode.WAIT, message("why.accepted", until=until)
        elif resource.phase is Phase.UNKNOWN:
            self._refuse(resource, verb, stage, message("blocked.unknown_phase"), span)
            return None
        elif entry is not None and (unsure(entry, cell) or entry.outcome in (Outcome.UNKNOWN, Outcome.INTENDED)):
            if not cell.shows_effect and final:
                self._refuse(resource, verb, stage, message("blocked.unknown", since=entry.at), span)
                return None
            why = message("why.not_seen", at=entry.at)
        return self._add(
            resource,
            cell,
            stage,
            why,
            mode,
            max(turn.occurrence, 1),
            goal,
            undo,
            args,
            rows,
            tuple(needs),
            span,
            removal,
            turn.waits,
        )

    def _offered(self, resource: Resource, verb: Verb, stage: Stage, span: Span | None) -> Cell | None:
        """How the vendor does it; None, and blocked, where it does not."""
        cell = self.provider.cell(resource.kind, verb)
        if cell is not None and cell.how is not How.NONE:
            return cell
        reason = cell.why if cell is not None and cell.why else "blocked.not_offered"
        self._refuse(resource, verb, stage, message("blocked.not_offered", reason=reason), span)
        return None

    def _refuse(self, resource: Resource, verb: Verb, stage: Stage, why: Message, span: Span | None) -> None:
        self.block(resource.address, verb, stage.value, why, label=self.label(resource), span=span)

    def _turn(self, resource: Resource, cell: Cell, mode: Mode, final: bool, why: Message, span: Span | None) -> Turn:
        """Whether this is the act on record, or the next one: what was done and shows again, and what was taken back, is
        another act."""
        place, verb = resource.address, cell.verb
        occurrence = self.state.occurrence(place, verb) if self.state.entries else 0
        entry = self.state.entry(place, verb, occurrence) if occurrence else None
        if entry is None:
            return Turn(occurrence, None, why)
        if accepted.by_word(entry) and resource.phase in (Phase.PRESENT, Phase.INACTIVE):
            return Turn(occurrence + 1, None, message("why.taken_back", at=entry.at))
        if mode is Mode.AUTO and accepted.gone(entry, resource.phase, self.survey.taken_at):
            occurrence, known, waits = self._withdrawn(resource, entry, occurrence, final, span)
            said = message("why.withdrawn" if waits is None else "why.perhaps_withdrawn", until=waits or "")
            return Turn(occurrence, known, said, waits)
        if entry.outcome is Outcome.DONE and not unsure(entry, cell) and not expired(entry, self.survey.taken_at):
            word = mode is Mode.MANUAL and entry.proof is not Proof.OBSERVED
            return Turn(occurrence + 1, None, message("why.not_shown" if word else "why.came_back", at=entry.at))
        return Turn(occurrence, entry, why)

    def _withdrawn(
        self, resource: Resource, entry: Entry, occurrence: int, final: bool, span: Span | None
    ) -> tuple[int, Entry | None, str | None]:
        """What the vendor had accepted and shows no more is asked for anew, as an act of its own, which nobody has approved yet.
        What cannot be taken back waits until it is certain that the listing does not run behind: until then."""
        facts = {"at": entry.at, "until": entry.until or "unknown", "verb": entry.verb.value}
        if accepted.certain(entry, self.survey.taken_at, final=final):
            self.report("CRM-P093", Severity.WARNING, span, resource.address, **facts)
            return occurrence + 1, None, None
        later = accepted.lags_until(entry)
        self.report("CRM-P094", Severity.WARNING, span, resource.address, later=later, **facts)
        if entry.outcome is Outcome.DONE:  # done as accepted: what comes after it waits for the next one
            return occurrence + 1, None, later
        return occurrence, entry, later

    def _add(
        self,
        resource: Resource,
        cell: Cell,
        stage: Stage,
        why: Message,
        mode: Mode,
        occurrence: int,
        goal: Phase,
        undo: Undo | None,
        args: Args | None,
        rows: int | None,
        needs: tuple[str, ...],
        span: Span | None,
        removal: bool,
        waits: str | None,
    ) -> Step:
        place = resource.address
        if removal and mode is Mode.AUTO:
            self.removals += 1
        step = Step(
            id=step_id(place, cell.verb, occurrence),
            address=place,
            kind=resource.kind,
            verb=cell.verb,
            mode=mode,
            undo=undo or cell.undo,
            stage=stage.value,
            why=why,
            before=resource.phase,
            after=goal,
            label=self.label(resource),
            occurrence=occurrence,
            needs=needs,
            expects=Expect(resource.phase, resource.fingerprint) if mode is Mode.AUTO else None,
            args=args,
            rows=rows,
            not_before=waits or resource.pending_until if mode is Mode.WAIT else None,
            owner=self.desired.owner if mode is Mode.MANUAL else None,
            proof=Proof.ATTESTED if mode is Mode.MANUAL else None,
            runbook=(cell.runbook or cell.elsewhere) if mode is Mode.MANUAL else None,
            calls=cell.calls,
            span=span,
        )
        self.steps.append(step)
        return step

    def ours(
        self,
        place: Address,
        kind: Kind,
        verb: Verb,
        stage: str,
        why: Message,
        *,
        mode: Mode = Mode.AUTO,
        occurrence: int = 1,
        **fields: object,
    ) -> Step:
        """Plans an act of our own (archive, verify, wait, human step), which no vendor cell describes."""
        facts: dict[str, object] = {"undo": Undo.FREE, "before": Phase.PRESENT, "after": Phase.ABSENT, **fields}
        step = Step(
            id=step_id(place, verb, occurrence),
            address=place,
            kind=kind,
            verb=verb,
            mode=mode,
            stage=stage,
            why=why,
            occurrence=occurrence,
            **facts,  # type: ignore[arg-type]
        )
        self.steps.append(step)
        return step

    def held(self) -> bool:
        """Whether any dataset is under a legal hold, written now or recorded before, listed or not: leaving one out
        lifts nothing."""
        written = self.desired.holds or (self.desired.purge.holds if self.desired.purge is not None else ())
        return bool(self.state.holds) or bool(written)

    def recorded(self, place: Address, verb: Verb) -> Entry | None:
        """The last entry of (address, verb), where it is done and has not expired."""
        entry = self.state.latest(place, verb)
        if entry is None or entry.outcome is not Outcome.DONE or expired(entry, self.survey.taken_at):
            return None
        return entry

    def incomplete(self, kind: Kind, verb: Verb, stage: Stage, span: Span | None) -> bool:
        """Blocks what comes after `stage` where the listing of a kind is not proved complete; what was seen is planned
        all the same."""
        if kind in self.survey.complete:
            return False
        gap = next((each for each in self.survey.gaps if each.kind is kind), None)
        why = message(
            "blocked.incomplete",
            kind=kind.value,
            gap=gap.why if gap else "gap.unknown",
            detail=gap.detail if gap else "",
        )
        self.block(Address(f"{kind.value}/*"), verb, stage.value, why, span=span)
        return True


def unsure(entry: Entry, cell: Cell) -> bool:
    """Whether an act is done by its answer alone: nobody saw it, and the vendor would not show it."""
    return not cell.shows_effect and entry.outcome is Outcome.DONE and entry.proof is not Proof.OBSERVED


def satisfied(phase: Phase, goal: Phase) -> bool:
    """Whether a resource in `phase` is as far as `goal` asks: gone is more than inactive."""
    if phase is goal:
        return True
    return phase is Phase.ABSENT and goal in (Phase.INACTIVE, Phase.PENDING)


def expired(entry: Entry, now: str) -> bool:
    """Whether a waiver has run out."""
    return entry.expires is not None and bool(now) and entry.expires < now


def match(
    selectors: Iterable[Selector], resources: Sequence[Resource], *, single: bool = False
) -> tuple[set[str], list[Selector]]:
    """The remote ids that selectors name, and the selectors that name nothing. Emails compare without case. `single`:
    a selector that fits several resources names none of them."""
    by_id = {each.id for each in resources}
    by_email: dict[str, set[str]] = {}
    by_name: dict[str, set[str]] = {}
    for each in resources:
        by_name.setdefault(each.label, set()).add(each.id)
        if isinstance(each.facts, UserFacts) and each.facts.email:
            by_email.setdefault(each.facts.email.casefold(), set()).add(each.id)
    found: set[str] = set()
    lost: list[Selector] = []
    for selector in selectors:
        hits: set[str] = set()
        if selector.id is not None and selector.id in by_id:
            hits = {selector.id}
        elif selector.email is not None:
            hits = by_email.get(selector.email.casefold(), set())
        elif selector.name is not None:
            hits = by_name.get(selector.name, set())
        if hits and not (single and len(hits) > 1):
            found |= hits
        else:
            lost.append(selector)
    return found, lost

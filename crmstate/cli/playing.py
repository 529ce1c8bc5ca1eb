"""Playing: a rehearsal's plan from its first step to its last. crmstate does its part by the very code that will do it for
real; people do theirs at once; the vendor's time passes as fast as it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from crmstate.cli.clock import moment
from crmstate.cli.commands.apply import Wish, applied
from crmstate.cli.rehearsal import Rehearsal
from crmstate.cli.screen import Screen
from crmstate.cli.survey import begin, planned
from crmstate.core.address import id_of, kind_of
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.diagnostic import Diagnostic, Problem
from crmstate.core.event import Approved, Evidence
from crmstate.core.plan import Blocked, Plan, Step
from crmstate.core.rehearsed import By, Proved, Scene
from crmstate.core.words import Exit, Mode, Outcome, Proof, Undo
from crmstate.engine.confirm import confirm
from crmstate.engine.observe import stamp

ROUNDS = 400
"""More than any plan needs: a guard against one that never ends."""
DAYS = timedelta(days=3 * 366)
NOTE = "rehearsed"
TRIES = 3
_DONE = (Result.DONE, Result.ALREADY_DONE)


class Mute(Screen):
    """Says nothing: what is rehearsed is told once it is over."""

    def out(self, text: str) -> None:
        """Nothing."""

    def ask(self, code: str, **params: object) -> None:
        """Nothing."""

    def show(self, found: Sequence[Diagnostic]) -> None:
        """Nothing."""


@dataclass
class Play:
    """What has happened so far. `plan`: the last one."""

    on: Rehearsal
    scenes: list[Scene] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    plan: Plan | None = None
    approvals: int = 0
    finished: bool = False
    _closing: Closing | None = None
    _told: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    _patience: int = 1
    """Days to wait for what has no date: twice as many each time that nothing came of it."""

    def go(self) -> None:
        """Plays until nothing is left to do, or nothing moves any more."""
        last = self.on.clock.now() + DAYS
        for _ in range(ROUNDS):
            if self.on.clock.now() > last or not self._round():
                break
        self._rest()

    def evidence(self) -> list[Proved]:
        """What the record could show afterwards."""
        entries = self.on.house.state().entries.values()
        return [
            Proved(entry.address, each.method, each.proof, each.rows)
            for entry in sorted(entries, key=lambda entry: entry.at)
            if entry.outcome is Outcome.DONE
            for each in entry.evidence
        ]

    def left(self) -> tuple[Blocked, ...]:
        """The steps that the last plan still had, where it did not come to its end."""
        if self.finished or self.plan is None:
            return ()
        return tuple(
            Blocked(each.address, each.verb, each.stage, each.why, each.owner, each.deadline, each.label, each.span)
            for each in self.plan.steps
        )

    def _round(self) -> bool:
        """Plans and applies; then people, then time. Whether anything happened."""
        house, mute = self.on.house, Mute("json", scrubber=self.on.house.scrubber)
        try:
            self.plan = planned(house, house.state())
            if not self.plan.steps:
                self.finished = not self.plan.blocked
                return False
            self._approve(self.plan)
            self._closing = None
            applied(house, mute, Wish(self.plan.plan_id, True, ended=self._ended), None)
        except Problem as problem:
            if problem.exit is Exit.INTERRUPTED:
                raise
            self.found = list(problem.diagnostics)
            return False
        closing: Closing | None = self._closing
        if closing is None:  # what was left the vendor bore out as it said farewell
            self.plan = planned(house, house.state())
            self.finished = not (self.plan.steps or self.plan.blocked)
            return False
        if closing.exit is Exit.INTERRUPTED:
            raise KeyboardInterrupt
        moved = self._tell(closing)
        waiting = [line for line in closing.lines if line.result is Result.WAITING]
        mine = [line.step for line in waiting if line.step.mode is Mode.MANUAL and line.step.id not in self._told]
        mine = [step for step in mine if step.not_before is None or moment(step.not_before) <= self.on.clock.now()]
        people = [step for step in mine if self._tries(step) < TRIES]
        for step in people:
            moved = self._person(step) or moved
        if moved:
            self._patience = 1
            return True
        return self._wait(waiting) or self._stuck(closing)

    def _tries(self, step: Step) -> int:
        """How often people did this already: the plan may ask again for what they say is done and the vendor does not show."""
        return sum((each.address, each.verb) == (step.address, step.verb) for each in self.scenes)

    def _ended(self, closing: Closing) -> None:
        self._closing = closing

    def _approve(self, made: Plan) -> None:
        """As many people as the manifest asks for say yes."""
        house = self.on.house
        with house.store() as store:
            begin(store, house, made.tenant)
            have = {each.by for each in store.state.approvals if each.digest == made.approval}
            for number in range(len(have), made.approvals_needed):
                self.approvals += 1
                at, who = stamp(house.clock.now()), f"rehearsal {number + 1}"
                store.append([Approved(at, made.approval, made.plan_id, who, NOTE)])

    def _tell(self, closing: Closing) -> bool:
        """The steps that this run did."""
        state = self.on.house.state()
        asked = {id for id, entry in state.entries.items() if entry.outcome is Outcome.REQUESTED}
        new = [line for line in closing.lines if line.step.id not in self._told]
        for line in new:
            if line.step.id in asked - self._asked and line.step.mode is not Mode.MANUAL:
                self._scene(line.step, By.ASKED)
        self._asked |= asked
        self._told -= asked
        did = [line for line in new if line.result in _DONE and line.step.id not in asked]
        for line in did:
            entry = state.entries.get(line.step.id)
            waited = line.step.mode is Mode.WAIT or line.step.id in self._asked
            by = By.TIME if waited else By.CRMSTATE
            self._scene(line.step, by, entry.at if entry else None, entry.proof if entry else None)
        return bool(did)

    def _scene(self, step: Step, by: By, at: str | None = None, proof: Proof | None = None) -> None:
        self._told.add(step.id)
        when = at or stamp(self.on.house.clock.now())
        self.scenes.append(
            Scene(
                when, step.address, step.kind, step.verb, step.mode, by, step.label, step.irreversible, step.owner, proof
            )
        )  # fmt: skip

    def _rest(self) -> None:
        """What no run of apply could report any more, since the way to the vendor ended with it: by the record."""
        for id, entry in self.on.house.state().entries.items():
            if id not in self._told and entry.outcome in (Outcome.DONE, Outcome.REQUESTED):
                never = entry.undo is Undo.NEVER
                self.scenes.append(
                    Scene(
                        entry.until or entry.at, entry.address, kind_of(entry.address), entry.verb, Mode.WAIT, By.TIME, entry.label,
                        never, None, entry.proof,
                    )
                )  # fmt: skip
        self.scenes.sort(key=lambda scene: scene.at)

    def _person(self, step: Step) -> bool:
        """Somebody does it, and says so. False where it cannot be said."""
        from crmstate.sandbox import World, did
        from crmstate.store.evidence import keep

        house, on = self.on.house, self.on
        with World.open(on.data) as world:
            seen = did(world, step.kind.value, step.verb.value, on.world_id(step.kind, id_of(step.address)), on.spared)
        need = step.proof if step.proof is not None else Proof.ATTESTED
        try:
            with house.store() as store:
                made = planned(house, store.state)
                at = stamp(house.clock.now())
                kept: tuple[Evidence, ...] = ()
                if step.files:
                    paper = on.data.with_name("rehearsed.txt")
                    paper.write_text(f"{NOTE}: {step.address}\n", encoding="utf-8")
                    kept = (keep(paper, store.home, house.effects, proof=need, at=at, by=NOTE),)
                store.append(
                    [
                        confirm(
                            step.address,
                            made,
                            store.state,
                            at=at,
                            by=NOTE,
                            proof=need,
                            note=NOTE,
                            evidence=kept,
                            provider=house.provider,
                        )
                    ]
                )
        except Problem as problem:
            self.found = list(problem.diagnostics)
            return False
        self._scene(step, By.PERSON if seen else By.WORD, proof=need)
        return True

    def _wait(self, waiting: Sequence[Line]) -> bool:
        """Lets the vendor's time pass to the next date; some days where there is none. False where nothing is waited
        for but people."""
        from crmstate.sandbox import advance

        for_time = [line for line in waiting if line.step.mode is not Mode.MANUAL or line.step.not_before]
        if not for_time:
            return False
        now = self.on.clock.now()
        dates = [date for line in for_time for date in (line.until, line.step.not_before) if date]
        later = [when for when in (moment(date) for date in dates) if when > now]
        to = min(later, default=now + timedelta(days=self._patience)) + timedelta(seconds=1)
        self._patience *= 2
        self.on.clock.advance(to)
        advance(self.on.data, to.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return True

    def _stuck(self, closing: Closing) -> bool:
        """What stands in the way of the rest."""
        self.found = [line.found for line in closing.lines if line.found is not None] + list(closing.diagnostics)
        return False

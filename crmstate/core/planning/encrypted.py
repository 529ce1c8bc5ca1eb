"""Who can open an archive, and that somebody has."""

from __future__ import annotations

import msgspec

from crmstate.core.address import address
from crmstate.core.goal import ArchiveGoal
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.delta import needs_delta
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import OPENED
from crmstate.core.recipient import fingerprint
from crmstate.core.words import Kind, Mode, Outcome, Phase, Proof, Severity, Verb

_RELIES = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA, Verb.PURGE, Verb.CLOSE})


def keys(draft: Draft, goal: ArchiveGoal) -> tuple[str, ...]:
    """The fingerprints of those who can open the archive: of what lies there already, else as the manifest says."""
    return tuple(map(fingerprint, goal.encrypt_to)) if draft.lock is None else draft.lock


def encryption(draft: Draft) -> None:
    """Reports an archive that is encrypted to others than the manifest says: what is in it stays open to those, whatever
    is written now. Only its end asks for no key."""
    goal = draft.desired.archive
    if not isinstance(goal, ArchiveGoal) or draft.lock is None:
        return
    there, wanted = draft.lock, tuple(map(fingerprint, goal.encrypt_to))
    if there == wanted:
        return
    severity = Severity.ERROR if any(step.verb in _RELIES for step in draft.steps) else Severity.WARNING
    if there and wanted:
        names = [", ".join(each) for each in (there, wanted)]
        draft.report("CRM-A083", severity, goal.span, file=goal.to, there=names[0], wanted=names[1])
        return
    marks = {True: "age", False: "-"}
    draft.report("CRM-A084", severity, goal.span, file=goal.to, there=marks[bool(there)], wanted=marks[bool(wanted)])


def opened_by_hand(draft: Draft, goal: ArchiveGoal) -> None:
    """An archive that is encrypted and that nobody here can open is proved by a person who can: once, after the last
    that was added to it, and before anything is purged."""
    place = address(Kind.ARCHIVE, OPENED)
    planned = tuple(
        step.id
        for step in draft.steps
        if step.kind is Kind.ARCHIVE
        and (step.verb in (Verb.ARCHIVE, Verb.DELTA) or (step.verb is Verb.VERIFY and step.occurrence == 1))
    )
    taken = [
        entry.at
        for entry in draft.state.entries.values()
        if entry.verb in (Verb.ARCHIVE, Verb.DELTA) and entry.outcome is Outcome.DONE
    ]
    if not planned and not taken:
        return
    done = draft.recorded(place, Verb.CONFIRM)
    if done is not None and not planned and done.at >= max(taken, default=""):
        draft.keep(Kind.ARCHIVE)
        return
    step = draft.ours(
        place, Kind.ARCHIVE, Verb.CONFIRM, (Stage.DELTA if needs_delta(draft) else Stage.VERIFY).value,
        message("why.open_by_hand", recipients=", ".join(keys(draft, goal))),
        mode=Mode.MANUAL, occurrence=max(1, draft.state.occurrence(place, Verb.CONFIRM)) + (done is not None),
        needs=planned, owner=draft.desired.owner, proof=Proof.ATTESTED, files=True, runbook="runbook.open_archive",
        before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
    )  # fmt: skip
    for number, each in enumerate(draft.steps):
        if each.kind is Kind.DATASET and each.verb is Verb.PURGE:
            draft.steps[number] = msgspec.structs.replace(each, needs=(*each.needs, step.id))

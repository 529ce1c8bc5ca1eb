"""The vendor's own backup of the whole account."""

from __future__ import annotations

from crmstate.core.address import address
from crmstate.core.backup import BACKUP
from crmstate.core.goal import ArchiveGoal
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.encrypted import keys
from crmstate.core.planning.estimate import backing_up
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Verb


def backup(draft: Draft, goal: ArchiveGoal) -> None:
    """Plans the vendor's own backup of the whole account: by its API as a job, by a person where only people can order one.
    It is taken before anything is destroyed, once, and never stands in for the archive of a dataset."""
    cell, place = draft.provider.cell(Kind.ACCOUNT, Verb.EXPORT), address(Kind.ARCHIVE, BACKUP)
    how = cell.how if cell is not None else How.NONE
    if goal.unsupported or cell is None or how is How.NONE:
        why = message("blocked.no_backup")
        if goal.unsupported:
            why = message("blocked.archive_option", options=", ".join(goal.unsupported))
        draft.block(place, Verb.ARCHIVE, Stage.ARCHIVE.value, why, span=goal.span)
        return
    if how is How.MANUAL:
        if draft.recorded(place, Verb.CONFIRM) is not None:
            draft.keep(Kind.ARCHIVE)
            return
        draft.ours(
            place, Kind.ARCHIVE, Verb.CONFIRM, Stage.ARCHIVE.value, message("why.backup_by_hand"),
            mode=Mode.MANUAL, occurrence=max(1, draft.state.occurrence(place, Verb.CONFIRM)),
            owner=draft.desired.owner, proof=Proof.ATTESTED, files=True, runbook=cell.runbook,
            before=Phase.ABSENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip
        return
    needs: tuple[str, ...] = ()
    if draft.recorded(place, Verb.ARCHIVE) is None:
        why = message("why.backup", to=goal.to)
        if to := keys(draft, goal):
            why = message("why.backup.locked", to=goal.to, recipients=", ".join(to))
        step = draft.ours(
            place, Kind.ARCHIVE, Verb.ARCHIVE, Stage.ARCHIVE.value, why,
            calls=backing_up(draft.provider), jobs=1, before=Phase.ABSENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip
        needs = (step.id,)
    else:
        draft.keep(Kind.ARCHIVE)
    verified = draft.state.entry(place, Verb.VERIFY)
    if needs or verified is None or verified.outcome is not Outcome.DONE:
        draft.ours(
            place, Kind.ARCHIVE, Verb.VERIFY, Stage.VERIFY.value, message("why.verify_backup"),
            needs=needs, before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip

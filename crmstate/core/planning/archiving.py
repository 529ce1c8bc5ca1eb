"""What lacks of a dataset's archive: taken, verified, and topped up after the freeze."""

from __future__ import annotations

import msgspec

from crmstate.core.goal import ArchiveGoal
from crmstate.core.message import Message, message
from crmstate.core.order import Stage
from crmstate.core.planning.dataset import archive_of, destroying, facts_of, files_lost, uncovered
from crmstate.core.planning.delta import by_jobs, delta, needs_delta
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.encrypted import keys
from crmstate.core.planning.estimate import archiving, delta_jobs_of, jobs_of, verifying
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Outcome, Phase, Severity, Verb


def archive(draft: Draft, goal: ArchiveGoal, row: Resource) -> tuple[str, ...]:
    """Plans what lacks of a dataset's archive; the ids of the steps."""
    place, facts = archive_of(row), facts_of(row)
    first = len(draft.steps)
    if goal.unsupported:
        why = message("blocked.archive_option", options=", ".join(goal.unsupported))
        draft.block(place, Verb.ARCHIVE, Stage.ARCHIVE.value, why, label=row.label, span=goal.span)
        return ()
    if not facts.exportable:
        if not destroying(draft):
            draft.report("CRM-P021", Severity.WARNING, goal.span, row.address, dataset=row.label or row.id)
        uncovered(draft, row, "blocked.not_exportable")
        return ()
    if facts.guessed:
        params = {"dataset": row.label or row.id, "encoding": facts.encoding or "?"}
        draft.report("CRM-P063", Severity.WARNING, goal.span, row.address, **params)
    goal = _but_for_files(draft, goal, row)
    needs: tuple[str, ...] = ()
    if draft.recorded(place, Verb.ARCHIVE) is None:
        jobs = jobs_of(draft.provider, goal, facts)
        step = draft.ours(
            place, Kind.ARCHIVE, Verb.ARCHIVE, Stage.ARCHIVE.value, _why(draft, goal, jobs),
            label=row.label, rows=facts.rows, calls=archiving(draft.provider, goal, facts), jobs=jobs,
            before=Phase.ABSENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip
        needs = (step.id,)
    else:
        draft.keep(Kind.ARCHIVE)
    verified = draft.state.entry(place, Verb.VERIFY)  # later ones are re-checks, which retention plans
    if needs or verified is None or verified.outcome is not Outcome.DONE:
        jobs = jobs_of(draft.provider, goal, facts)
        jobs = jobs if needs else delta_jobs_of(draft.provider, goal, facts, by_jobs(draft, row))
        draft.ours(
            place, Kind.ARCHIVE, Verb.VERIFY, Stage.VERIFY.value, _why_verify(goal, jobs), jobs=jobs,
            label=row.label, needs=needs, calls=verifying(draft.provider, goal, facts), before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip
    if needs_delta(draft):
        delta(draft, goal, row, facts)
    if len(draft.steps) > first:
        _faults(draft, goal, row, facts)
    _cut_off(draft, goal, row)
    return tuple(step.id for step in draft.steps[first:])


def _faults(draft: Draft, goal: ArchiveGoal, row: Resource, facts: DatasetFacts) -> None:
    """Reports, while something is still to be archived, what is wrong with what is to be archived, and that nothing says
    whether it is all."""
    draft.diagnostics += [each for each in facts.faults if each not in draft.diagnostics]
    if facts.uncounted and goal.counts == "exact":
        draft.report("CRM-P059", Severity.WARNING, goal.span, row.address, dataset=row.label or row.id)


def _but_for_files(draft: Draft, goal: ArchiveGoal, row: Resource) -> ArchiveGoal:
    """The goal for a dataset whose attachments somebody gave up by name: what is lost is reported as long as it is there."""
    lost = files_lost(draft, row)
    if lost is None or lost.decision is None:
        return goal
    purged = draft.state.latest(row.address, Verb.PURGE)
    if purged is None or purged.outcome is not Outcome.DONE:
        weight = Severity.WARNING if destroying(draft) else Severity.NOTE
        params = {"dataset": row.label or row.id, "who": lost.decision.by, "text": lost.decision.why}
        written = (
            each.span for each in draft.desired.discard if each.dataset in (row.id, row.label) and each.attachments
        )
        draft.report("CRM-P064", weight, next(written, goal.span), row.address, **params)
    return msgspec.structs.replace(goal, attachments=False)


def _cut_off(draft: Draft, goal: ArchiveGoal, row: Resource) -> None:
    """Reports an archive with just as many rows as listings are cut off at, where no exact count shows that there are no
    more."""
    proved = draft.state.proved(row.id)
    checks = [check for each in proved.evidence for check in each.checks] if proved is not None else []
    if proved is not None and any((check.method, check.said) == ("counts", "round") for check in checks):
        draft.report(
            "CRM-P062", Severity.WARNING, goal.span, row.address, dataset=row.label or row.id, rows=proved.rows or 0
        )


def _why(draft: Draft, goal: ArchiveGoal, jobs: int) -> Message:
    """Whoever reviews a plan sees to whom the data will be open, and how many of the vendor's jobs it takes."""
    if not (to := keys(draft, goal)):
        return message("why.archive.jobs", to=goal.to, jobs=jobs) if jobs else message("why.archive", to=goal.to)
    if jobs:
        return message("why.archive.locked.jobs", to=goal.to, recipients=", ".join(to), jobs=jobs)
    return message("why.archive.locked", to=goal.to, recipients=", ".join(to))


def _why_verify(goal: ArchiveGoal, jobs: int) -> Message:
    """A verification that meets other rows at the vendor reads the dataset again, by as many jobs; and it makes the copies
    for people."""
    forms = ", ".join(goal.views)
    if jobs:
        return (
            message("why.verify.jobs.views", jobs=jobs, forms=forms) if forms else message("why.verify.jobs", jobs=jobs)
        )
    return message("why.verify.views", forms=forms) if forms else message("why.verify")

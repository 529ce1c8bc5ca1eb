"""The data: archived, verified, topped up after the freeze, purged, the bin emptied, the vendor's certificate asked
for."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address, address, id_of
from crmstate.core.backup import BACKUP
from crmstate.core.certificate import examined
from crmstate.core.diagnostic import Span
from crmstate.core.goal import ArchiveGoal, NoArchive, PurgeGoal
from crmstate.core.lacking import given_up as given_up_parts
from crmstate.core.lacking import lacking
from crmstate.core.message import Message, message
from crmstate.core.order import Stage, cycle
from crmstate.core.planning.draft import Draft, expired
from crmstate.core.planning.estimate import archiving, backing_up, delta_jobs_of, jobs_of, topping_up, verifying
from crmstate.core.planning.hands import ALL, OPENED, by_hand, unlisted
from crmstate.core.planning.retention import begun, ended
from crmstate.core.recipient import fingerprint
from crmstate.core.record import Entry
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Verb

BEFORE_CLOSING = Stage.CERTIFICATE.value
"""Where a blocker stands that must stop the account's closing: a blocker lets the steps of its own stage start."""


def data(draft: Draft) -> None:
    """Plans what becomes of every dataset."""
    goal, purge = draft.desired.archive, draft.desired.purge
    ending = purge is not None or draft.desired.closing or draft.desired.clearing
    if goal is None and not ending and not draft.desired.discard:
        return
    span = goal.span if goal is not None else None
    if ending or (isinstance(goal, ArchiveGoal) and goal.datasets is None):
        draft.incomplete(Kind.DATASET, Verb.ARCHIVE, Stage.ARCHIVE, span)
    rows = draft.by_kind[Kind.DATASET]
    whole = [(each.dataset, each.span) for each in draft.desired.discard if not each.fields]
    given_up, parts = _named(draft, whole, rows), given_up_parts(draft.desired.discard)
    _named(draft, [(each.dataset, each.span) for each in draft.desired.discard if each.fields], rows)
    held = _held(draft, rows)
    scope = _scope(draft, goal, rows) - given_up
    gone = (ended(draft.state) or begun(draft.state)) is not None
    for row in rows:
        needs: tuple[str, ...] = ()
        if row.id in scope and isinstance(goal, ArchiveGoal):
            if gone and _remains(draft, row):
                _uncovered(draft, row, "blocked.archive_ended")
                continue
            needs = () if gone else _archive(draft, goal, row)
            if names := lacking(draft.state, parts, row.id):
                _uncovered(draft, row, "blocked.columns", fields=", ".join(names))
                continue
        elif not isinstance(goal, NoArchive) and row.id not in given_up:
            _uncovered(draft, row, "blocked.not_archived")
        if purge is not None and row.id not in given_up and (row.id in scope or isinstance(goal, NoArchive)):
            _purge(draft, purge, row, held, needs)
    _referring_first(draft, rows)
    if isinstance(goal, ArchiveGoal) and goal.backup and not gone:
        _backup(draft, goal)
    if isinstance(goal, ArchiveGoal) and keys(draft, goal) and not (goal.identity or goal.unsupported or gone):
        _opened_by_hand(draft, goal)
    if purge is not None and purge.bin and unlisted(draft, Kind.BIN, Verb.EMPTY):
        _bins_by_hand(draft, purge)
    certificate(draft)


def _remains(draft: Draft, row: Resource) -> bool:
    """Whether the vendor has rows, or may have, of a dataset whose archive was ended."""
    rows, purged = _counted(_facts(row)), draft.state.latest(row.address, Verb.PURGE)
    return bool(rows) or (rows is None and (purged is None or purged.outcome is not Outcome.DONE))


def _referring_first(draft: Draft, rows: list[Resource]) -> None:
    """The purge of rows that others cannot do without waits for theirs. Where datasets refer to each other in a circle
    the vendor decides, and the next run goes on with what it refused."""
    purges = {
        id_of(step.address): place
        for place, step in enumerate(draft.steps)
        if step.kind is Kind.DATASET and step.verb is Verb.PURGE
    }
    edges: list[tuple[str, str]] = []
    for row in rows:
        for first in _facts(row).purge_after:
            both = first in purges and row.id in purges and first != row.id
            edges += [(first, row.id)] if both and not cycle([*edges, (first, row.id)]) else []
    for first, second in edges:
        step = draft.steps[purges[second]]
        needs = (*step.needs, draft.steps[purges[first]].id)
        draft.steps[purges[second]] = msgspec.structs.replace(step, needs=needs)


def _named(draft: Draft, names: list[tuple[str, Span | None]], rows: list[Resource]) -> set[str]:
    found: set[str] = set()
    for name, span in names:
        hits = {row.id for row in rows if name in (row.id, row.label)}
        known = draft.state.latest(address(Kind.ARCHIVE, name), Verb.ARCHIVE)
        if not hits and known is None and Kind.DATASET in draft.survey.complete:
            draft.report("CRM-P020", span=span, dataset=name)
        found |= hits
    return found


def _held(draft: Draft, rows: list[Resource]) -> set[str]:
    """Datasets under a legal hold: written now, or recorded before. Leaving one out of the manifest lifts nothing."""
    purge = draft.desired.purge
    written = _named(draft, [(name, purge.span) for name in purge.holds], rows) if purge is not None else set()
    return written | _named(draft, [(name, None) for name in draft.state.holds], rows)


def _scope(draft: Draft, goal: ArchiveGoal | NoArchive | None, rows: list[Resource]) -> set[str]:
    if not isinstance(goal, ArchiveGoal):
        return set()
    if goal.datasets is None:
        return {row.id for row in rows}
    return _named(draft, [(name, goal.span) for name in goal.datasets], rows)


def archive_of(row: Resource) -> Address:
    """The address of a dataset's archive."""
    return address(Kind.ARCHIVE, row.id)


def _uncovered(draft: Draft, row: Resource, code: str, **params: str) -> None:
    """A dataset that is neither archived nor given up in writing stops everything that would destroy it. It stands in
    the stage of the delta, which it lacks: a blocker holds up the stages after its own, not the steps beside it."""
    why = message(code, dataset=row.label or row.id, **params)
    desired = draft.desired
    if desired.purge is not None:
        draft.block(row.address, Verb.PURGE, Stage.DELTA.value, why, label=row.label, span=desired.purge.span)
    elif desired.clearing:
        span = next(module.span for module in desired.modules if module.data_effect == "clears")
        draft.block(row.address, Verb.DISABLE, Stage.DELTA.value, why, label=row.label, span=span)
    elif desired.closing and desired.account is not None:
        draft.block(row.address, Verb.CLOSE, BEFORE_CLOSING, why, label=row.label, span=desired.account.span)


def _facts(row: Resource) -> DatasetFacts:
    return row.facts if isinstance(row.facts, DatasetFacts) else DatasetFacts()


def _counted(facts: DatasetFacts) -> int | None:
    """How many rows there are; None where the vendor does not say, or only guesses."""
    return facts.rows if facts.exact else None


def _archive(draft: Draft, goal: ArchiveGoal, row: Resource) -> tuple[str, ...]:
    """Plans what lacks of a dataset's archive; the ids of the steps."""
    place, facts = archive_of(row), _facts(row)
    first = len(draft.steps)
    if goal.unsupported:
        why = message("blocked.archive_option", options=", ".join(goal.unsupported))
        draft.block(place, Verb.ARCHIVE, Stage.ARCHIVE.value, why, label=row.label, span=goal.span)
        return ()
    if not facts.exportable:
        if draft.desired.purge is None and not draft.desired.closing and not draft.desired.clearing:
            draft.report("CRM-P021", Severity.WARNING, goal.span, row.address, dataset=row.label or row.id)
        _uncovered(draft, row, "blocked.not_exportable")
        return ()
    if facts.guessed:
        params = {"dataset": row.label or row.id, "encoding": facts.encoding or "?"}
        draft.report("CRM-P063", Severity.WARNING, goal.span, row.address, **params)
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
        jobs = jobs if needs else delta_jobs_of(draft.provider, goal, facts, _by_jobs(draft, row))
        draft.ours(
            place, Kind.ARCHIVE, Verb.VERIFY, Stage.VERIFY.value, _why_verify(goal, jobs), jobs=jobs,
            label=row.label, needs=needs, calls=verifying(draft.provider, goal, facts), before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip
    if _needs_delta(draft):
        _delta(draft, goal, row, facts)
    _cut_off(draft, goal, row)
    return tuple(step.id for step in draft.steps[first:])


def _cut_off(draft: Draft, goal: ArchiveGoal, row: Resource) -> None:
    """Reports an archive with just as many rows as listings are cut off at, where no exact count shows that there are no
    more."""
    proved = draft.state.proved(row.id)
    checks = [check for each in proved.evidence for check in each.checks] if proved is not None else []
    if proved is not None and any((check.method, check.said) == ("counts", "round") for check in checks):
        draft.report(
            "CRM-P062", Severity.WARNING, goal.span, row.address, dataset=row.label or row.id, rows=proved.rows or 0
        )


def _backup(draft: Draft, goal: ArchiveGoal) -> None:
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


def keys(draft: Draft, goal: ArchiveGoal) -> tuple[str, ...]:
    """The fingerprints of those who can open the archive: of what lies there already, else as the manifest says."""
    return tuple(map(fingerprint, goal.encrypt_to)) if draft.lock is None else draft.lock


_RELIES = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA, Verb.PURGE, Verb.CLOSE})


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


def _opened_by_hand(draft: Draft, goal: ArchiveGoal) -> None:
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
        place, Kind.ARCHIVE, Verb.CONFIRM, (Stage.DELTA if _needs_delta(draft) else Stage.VERIFY).value,
        message("why.open_by_hand", recipients=", ".join(keys(draft, goal))),
        mode=Mode.MANUAL, occurrence=max(1, draft.state.occurrence(place, Verb.CONFIRM)) + (done is not None),
        needs=planned, owner=draft.desired.owner, proof=Proof.ATTESTED, files=True, runbook="runbook.open_archive",
        before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
    )  # fmt: skip
    for number, each in enumerate(draft.steps):
        if each.kind is Kind.DATASET and each.verb is Verb.PURGE:
            draft.steps[number] = msgspec.structs.replace(each, needs=(*each.needs, step.id))


def _needs_delta(draft: Draft) -> bool:
    """Where access or data is to go, people may have worked until the freeze: a delta follows it."""
    desired = draft.desired
    goals = (desired.users, desired.api_keys, desired.integrations, desired.sessions)
    return (
        desired.purge is not None
        or desired.closing
        or desired.clearing
        or any(each and each.status != "active" for each in goals)
    )


def _delta(draft: Draft, goal: ArchiveGoal, row: Resource, facts: DatasetFacts) -> None:
    place = archive_of(row)
    done = draft.recorded(place, Verb.DELTA)
    purged = draft.state.latest(row.address, Verb.PURGE)
    occurrence = max(1, draft.state.occurrence(place, Verb.DELTA))
    if done is not None:
        stale = _moved(facts, done, draft.state.cleared()) if purged is None else _left_over(facts, purged)
        if not stale:
            draft.keep(Kind.ARCHIVE)
            return
        occurrence += 1
    if (frozen := _frozen_since(draft)) is not None and facts.as_of is not None and facts.as_of < frozen:
        why = message("blocked.export_before_freeze", dataset=row.label or row.id, as_of=facts.as_of, freeze=frozen)
        draft.block(place, Verb.DELTA, Stage.DELTA.value, why, label=row.label, span=goal.span)
        return
    draft.ours(
        place, Kind.ARCHIVE, Verb.DELTA, Stage.DELTA.value, message("why.delta"),
        label=row.label, occurrence=occurrence, calls=topping_up(draft.provider, goal, facts),
        jobs=delta_jobs_of(draft.provider, goal, facts, _by_jobs(draft, row)),
        before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
    )  # fmt: skip


def _frozen_since(draft: Draft) -> str | None:
    """Since when nobody works any more; None where they still may."""
    entry = draft.recorded(address(Kind.FREEZE, "cutover"), Verb.CONFIRM)
    written = draft.desired.freeze
    if entry is None:  # it is still to come: this very run may pass it, and go on to the delta
        return None if written is None else draft.survey.taken_at if written == "now" else written
    return written if written not in (None, "now") else entry.at


def _by_jobs(draft: Draft, row: Resource) -> bool | None:
    """Whether the archive of a dataset is on record as made by jobs."""
    proved = draft.state.proved(row.id)
    return proved.evidence[0].by_jobs if proved is not None else None


def _moved(facts: DatasetFacts, done: Entry, cleared: bool) -> bool:
    """Whether the vendor counts other rows than the delta found; what is not counted cannot tell, and is not read for
    ever."""
    rows = _counted(facts)
    if rows is None or done.rows is None:
        return False
    return rows > done.rows if cleared else rows != done.rows


def _left_over(facts: DatasetFacts, purged: Entry | None) -> bool:
    """After a purge has begun fewer rows are our own doing; only rows that the archive does not hold ask for another
    delta."""
    return (
        bool(_counted(facts))
        and purged is not None
        and (purged.outcome is Outcome.DONE or purged.code == "rows_remain")
    )


_WORDS = frozenset({Proof.ATTESTED, Proof.ACKNOWLEDGED, Proof.NONE})
"""What does not show that rows are gone which nobody can count."""


def _purge(draft: Draft, purge: PurgeGoal, row: Resource, held: set[str], needs: tuple[str, ...]) -> None:
    facts = _facts(row)
    if row.id in held or row.label in held:
        draft.block(
            row.address, Verb.PURGE, Stage.PURGE.value, message("blocked.hold"), label=row.label, span=purge.span
        )
        return
    if not facts.exportable:
        if isinstance(draft.desired.archive, NoArchive):
            _uncovered(draft, row, "blocked.not_exportable")
        return
    purged, rows = draft.state.latest(row.address, Verb.PURGE), _counted(facts)
    finished = purged is not None and purged.outcome is Outcome.DONE
    cell = draft.provider.cell(Kind.DATASET, Verb.PURGE)
    unseen = rows is None and cell is not None and cell.how is How.MANUAL
    if unseen and purged is not None and finished:  # a word that it was asked for is no word that it was done
        finished = purged.proof not in _WORDS and not expired(purged, draft.survey.taken_at)
    if (rows == 0 and (purged is None or finished)) or (rows is None and finished):
        draft.keep(Kind.DATASET)
        _bin(draft, purge, row, facts, needs=())
        return
    goal = draft.desired.archive
    why = message("why.purge.uncounted") if facts.rows is None else message("why.purge", rows=facts.rows)
    if isinstance(goal, NoArchive):
        many = facts.rows if facts.rows is not None else "?"
        why = message("why.purge_unarchived", rows=many, who=goal.by, text=goal.why)
    step = draft.act(
        row, Verb.PURGE, Stage.PURGE, why,
        span=purge.span, rows=rows, needs=needs,
    )  # fmt: skip
    if step is not None and isinstance(goal, NoArchive):
        draft.steps[-1] = step = msgspec.structs.replace(step, proof=Proof.WAIVED)
    elif step is not None and unseen:
        draft.steps[-1] = step = msgspec.structs.replace(step, proof=Proof.CERTIFIED, files=True)
    _bin(draft, purge, row, facts, needs=(step.id,) if step is not None else ())


def _bin(draft: Draft, purge: PurgeGoal, row: Resource, facts: DatasetFacts, needs: tuple[str, ...]) -> None:
    if not purge.bin or unlisted(draft, Kind.BIN, Verb.EMPTY):
        return
    if not needs and (facts.bin_rows == 0 or (facts.bin_rows is None and _emptied(draft, row))):
        return
    bin_row = Resource(Kind.BIN, row.id, row.label, Phase.PRESENT)
    draft.act(bin_row, Verb.EMPTY, Stage.BIN, message("why.bin"), span=purge.span, needs=needs)


def _bins_by_hand(draft: Draft, purge: PurgeGoal) -> None:
    """One step for every bin, where no API shows them: after the purge that filled them, and again after each later
    one."""
    planned = tuple(step.id for step in draft.steps if step.verb is Verb.PURGE)
    purged = [entry.at for entry in draft.state.entries.values() if entry.verb is Verb.PURGE]
    if not planned and not purged:
        return
    emptied = draft.recorded(address(Kind.BIN, ALL), Verb.EMPTY)
    stale = emptied is not None and (bool(planned) or emptied.at < max(purged))
    by_hand(draft, Kind.BIN, Verb.EMPTY, Stage.BIN, message("why.bin"), span=purge.span, needs=planned, stale=stale)


def _emptied(draft: Draft, row: Resource) -> bool:
    """Whether a bin that the vendor does not count was emptied by us after the purge that filled it, or was never
    filled by one."""
    purged = draft.state.latest(row.address, Verb.PURGE)
    emptied = draft.recorded(address(Kind.BIN, row.id), Verb.EMPTY)
    return purged is None or (emptied is not None and emptied.at >= purged.at)


def by_word(draft: Draft) -> None:
    """What a person proves of the archive, when the vendor is not asked."""
    goal = draft.desired.archive
    if not isinstance(goal, ArchiveGoal) or (ended(draft.state) or begun(draft.state)) is not None:
        return
    cell = draft.provider.cell(Kind.ACCOUNT, Verb.EXPORT)
    if goal.backup and cell is not None and cell.how is How.MANUAL:
        _backup(draft, goal)
    if keys(draft, goal) and not (goal.identity or goal.unsupported):
        _opened_by_hand(draft, goal)


def certificate(draft: Draft) -> None:
    """The vendor's document that the data is destroyed, where the manifest asks for it: it may come long after our access
    has ended."""
    purge = draft.desired.purge
    if purge is None or not purge.certificate:
        return
    place = address(Kind.CERTIFICATE, "destruction")
    if draft.recorded(place, Verb.CONFIRM) is not None:
        draft.keep(Kind.CERTIFICATE)
        return
    read = examined(draft.state, draft.survey.taken_at)
    why = message("why.certificate.lacks", n=len(read[1])) if read and read[1] else message("why.certificate")
    draft.ours(
        place, Kind.CERTIFICATE, Verb.CONFIRM, Stage.CERTIFICATE.value, why,
        mode=Mode.MANUAL, owner=draft.desired.owner, proof=Proof.CERTIFIED, files=True, span=purge.span,
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip

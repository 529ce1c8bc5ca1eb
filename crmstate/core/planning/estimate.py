"""Estimate: what a plan costs at the vendor, from counts, page and batch sizes, and the vendor's limits, before anything
is sent.

It counts requests as the engine and the archive send them, and turns them into time by the slowest limit that holds: of
all requests together, of one request, of a day; export jobs take the vendor's own time besides. What the vendor does not
count cannot be in it, and is said to be missing; answers that take their time make it longer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from crmstate.core.backup import is_backup
from crmstate.core.goal import ArchiveGoal
from crmstate.core.plan import Estimate, Step
from crmstate.core.provider import Bulk, Cell, Provider
from crmstate.core.survey import DatasetFacts
from crmstate.core.words import Kind, Mode, Verb

POLLS = 2
"""Looks at a job that is not running for long."""
LOOK = 1
"""A look at a dataset before anything is done with it."""
BY_IDS = 50
"""Rows that a sample asks for in one call (`archive.checks.BATCH`)."""
DAY = 86_400


def jobs_of(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts) -> int:
    """How many export jobs an archive of a dataset is made by; 0 where it is made by pages."""
    cell = provider.cell(Kind.DATASET, Verb.EXPORT)
    if cell is None or cell.bulk is None or goal.by == "pages":
        return 0
    rows, least = facts.rows or 0, cell.bulk.least
    if goal.by is None and (least is None or rows < least):
        return 0
    return _parts(rows, cell.bulk.most) if cell.bulk.most else 1


def delta_jobs_of(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts, by_jobs: bool | None) -> int:
    """How many jobs a delta takes: it goes the way of the archive. `by_jobs`: that way, None where no record says it."""
    cell = provider.cell(Kind.DATASET, Verb.EXPORT)
    if by_jobs is None or cell is None or cell.bulk is None:
        return jobs_of(provider, goal, facts)
    if not by_jobs:
        return 0
    return _parts(facts.rows or 0, cell.bulk.most) if cell.bulk.most else 1


def _by_jobs(provider: Provider, jobs: int, rows: int) -> int:
    """The requests of so many jobs: submitting, which may count as several, polls, the list of jobs, and files."""
    cell = provider.cell(Kind.DATASET, Verb.EXPORT)
    bulk = cell.bulk if cell is not None else None
    if bulk is None:
        return 0
    each = bulk.cost + POLLS + (1 if bulk.listed is not None else 0)
    return jobs * each + _files(bulk, jobs, rows)


def _files(bulk: Bulk, jobs: int, rows: int) -> int:
    return max(jobs, _parts(rows, bulk.parts) if bulk.parts else 0)


def backing_up(provider: Provider) -> int:
    """The requests of a backup of the whole account, as far as they are known before: how many files it has is not."""
    cell = provider.cell(Kind.ACCOUNT, Verb.EXPORT)
    if cell is None or cell.bulk is None:
        return 0
    return cell.bulk.cost + POLLS + (1 if cell.bulk.listed is not None else 0) + 1


def reading(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts) -> int:
    """The requests of one reading of a dataset: its pages or jobs, its attachments' pages and contents, its fields."""
    cell, size = provider.cell(Kind.DATASET, Verb.READ), provider.limits.page
    pages, jobs = _parts(facts.rows or 0, size), jobs_of(provider, goal, facts)
    calls = LOOK + (_by_jobs(provider, jobs, facts.rows or 0) if jobs else pages)
    if cell is not None and cell.fields is not None:
        calls += 1
    if goal.attachments and (cell is None or cell.files is not None):
        if provider.limits.files_by_row:
            calls += pages + (facts.rows or 0)
        else:
            calls += pages if facts.attachments is None else _parts(facts.attachments, size)
    return calls


def archiving(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts) -> int:
    """The requests of a first export."""
    return reading(provider, goal, facts) + (facts.attachments or 0 if goal.attachments else 0)


def verifying(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts) -> int:
    """The requests of a verification: a look, the count, and the rows that are compared with the vendor's."""
    rows = facts.rows or 0
    sample = math.ceil(rows * float((goal.sample or "0").rstrip("%")) / 100)
    if not sample:
        return LOOK + 1
    return LOOK + 1 + _parts(rows if sample >= rows else sample, provider.limits.page if sample >= rows else BY_IDS)


def topping_up(provider: Provider, goal: ArchiveGoal, facts: DatasetFacts) -> int:
    """The requests of a delta, which reads everything again and verifies; attachments that did not change are not
    fetched again."""
    return reading(provider, goal, facts) + verifying(provider, goal, facts) - LOOK


def purging(cell: Cell | None, rows: int) -> int:
    """The requests of a purge: a look, the batches, the count and some ids that must be gone."""
    batch, calls = (cell.batch, cell.calls) if cell is not None else (1, 1)
    return LOOK + -(-rows // batch) * calls + 2


def _parts(things: int, size: int) -> int:
    """Pages of so many things: an empty listing is a page as well."""
    return max(1, -(-things // max(1, size)))


def estimate(steps: Iterable[Step], provider: Provider, counts: Mapping[str, int | None] | None = None) -> Estimate:
    """Requests, seconds and days of quota of a plan. `counts`: the rows that the vendor names, by dataset address."""
    groups: dict[tuple[Kind, Verb], int] = {}
    by_verb: dict[str, int] = {}
    by_name: dict[str, int] = {}
    uncounted: set[str] = set()
    waiting = 0
    export = provider.cell(Kind.DATASET, Verb.EXPORT)

    def add(verb: Verb, calls: int, cell: Cell | None) -> None:
        by_verb[verb.value] = by_verb.get(verb.value, 0) + calls
        name = _name(cell, provider)
        by_name[name] = by_name.get(name, 0) + calls

    for step in steps:
        if step.mode is not Mode.AUTO or step.kind is Kind.NOTICE:
            continue
        if step.verb is Verb.PURGE:
            cell = provider.cell(step.kind, step.verb)
            add(step.verb, purging(cell, step.rows or 0), cell)
            uncounted |= {step.address} if step.rows is None else set()
        elif step.kind is Kind.ARCHIVE:
            if is_backup(step.address):
                whole = provider.cell(Kind.ACCOUNT, Verb.EXPORT)
                add(step.verb, step.calls, whole)
                waiting += step.jobs * (whole.bulk.seconds if whole is not None and whole.bulk is not None else 0)
            elif step.jobs and step.verb is not Verb.VERIFY and export is not None and export.bulk is not None:
                add(step.verb, step.calls, None)
                name = _name(export, provider)  # the slowest of its requests is what fetches a file
                by_name[name] = by_name.get(name, 0) + _files(export.bulk, step.jobs, step.rows or 0)
                waiting += step.jobs * export.bulk.seconds
            else:
                add(step.verb, step.calls, provider.cell(Kind.DATASET, Verb.READ))
            place = f"{Kind.DATASET.value}/{step.address.partition('/')[2]}"
            if step.calls and counts is not None and counts.get(place, 0) is None:
                uncounted.add(place)
        else:
            groups[step.kind, step.verb] = groups.get((step.kind, step.verb), 0) + 1
    for (kind, verb), count in groups.items():
        cell = provider.cell(kind, verb)
        add(verb, -(-count // (cell.batch if cell else 1)) * (2 + (cell.calls if cell else 1)), cell)
    calls = sum(by_verb.values())
    per_day = provider.limits.per_day
    days = -(-calls // per_day) if per_day and calls else 0
    seconds = _seconds(calls, by_name, days, provider) + waiting
    return Estimate(calls, seconds, days, _sorted(by_verb), len(uncounted))


def _sorted(by_verb: dict[str, int]) -> dict[str, int]:
    order = [verb.value for verb in (Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA, Verb.PURGE)]
    found = {verb: by_verb[verb] for verb in order if by_verb.get(verb)}
    rest = sum(by_verb.values()) - sum(found.values())
    return {**found, "other": rest} if rest else found


def _name(cell: Cell | None, provider: Provider) -> str:
    """The request of a cell that has a limit of its own, the slowest where it has several; nothing for none."""
    rates = provider.limits.rates
    return min(
        (name for name in (cell.requests if cell else ()) if name in rates), key=lambda name: rates[name], default=""
    )


def _seconds(calls: int, by_name: Mapping[str, int], days: int, provider: Provider) -> int:
    """The time that the limits ask for: whole days of waiting for a new quota, and the rest at the slowest rate."""
    limits = provider.limits
    rated = [calls / limits.per_second] if limits.per_second else []
    rated += [count / limits.rates[name] for name, count in by_name.items() if name]
    at_rate = max(rated, default=0.0)
    if days > 1 and limits.per_day:
        last = (calls - (days - 1) * limits.per_day) / calls
        return max(math.ceil(at_rate), (days - 1) * DAY + math.ceil(at_rate * last))
    return math.ceil(at_rate)

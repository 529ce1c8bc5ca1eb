"""Continuing an archive beside every plan: `crmstate archive delta`, under the state's lock and on its record."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.cli.compose import House, run_id
from crmstate.core.address import Address, id_of
from crmstate.core.backup import is_backup
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.failure import Failure
from crmstate.core.goal import ArchiveGoal
from crmstate.core.holdings import Verified
from crmstate.core.lacking import left_out
from crmstate.core.planning.retention import archived, begun, ended
from crmstate.core.record import Entry
from crmstate.core.words import Exit
from crmstate.engine.absent import Absent
from crmstate.engine.observe import identify
from crmstate.engine.ours import continued
from crmstate.engine.tasks import Context
from crmstate.providers.kit.explain import check_write, exit_of, explain


def continue_archive(house: House, names: Sequence[str], jobs: bool) -> tuple[str, list[Verified]]:
    """Where the archive lies, and what each dataset's verification looked at. `jobs`: by the credential
    that acts, the vendor's export jobs may be submitted. Raises Problem: CRM-C041 where there is no
    archive to continue, CRM-C042 for a name that it does not have."""
    goal = house.desired.archive
    with house.store() as store:
        held = {place: entry for place, entry in archived(store.state).items() if not is_backup(place)}
        gone = ended(store.state) or begun(store.state)
        if not isinstance(goal, ArchiveGoal) or goal.unsupported or not held or gone is not None:
            raise problem(Exit.REFUSED, "CRM-C041", name=house.desired.name)
        chosen = _chosen(held, names)
        try:
            _, living = identify(house.readers(), house.tenant, store.state)
            writer = house.writer() if jobs else Absent(house.provider)
            if jobs:
                check_write(writer.whoami(), house.provider)
            context = Context(
                run_id(), house.provider, living[0], writer, store, house.archiver(), house.clock,
                left_out=left_out(goal, house.desired.discard),
            )  # fmt: skip
            found = [(place, entry, continued(context, place, entry.label, jobs)) for place, entry in chosen.items()]
        except Failure as failure:
            raise Problem(exit_of(failure), explain(failure, store.state)) from failure
    results = [Verified(id_of(place), entry.label, each.sha256, each.checks) for place, entry, each in found]
    return goal.to, results


def _chosen(held: dict[Address, Entry], names: Sequence[str]) -> dict[Address, Entry]:
    known = {name: place for place, entry in held.items() for name in (entry.label, id_of(place))}
    for name in names:
        if name not in known:
            raise problem(Exit.USAGE, "CRM-C042", name=name, near=", ".join(sorted(map(id_of, held))))
    wanted = {known[name] for name in names} if names else set(held)
    return {place: held[place] for place in sorted(wanted)}

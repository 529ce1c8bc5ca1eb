"""What moved to the replacement: counts and filled fields of the new system beside those of the archive.

A comparison holds for the archive that it was made with: once a later delta has added to that, it is made again.
"""

from __future__ import annotations

from crmstate.core.address import Address, address
from crmstate.core.around import Migrated, ReplacementGoal
from crmstate.core.event import Compared
from crmstate.core.record import State
from crmstate.core.words import Kind, Outcome, Verb

ACCEPTED = address(Kind.MIGRATION, "accepted")
"""That the owner accepts the migration as a whole."""
METHOD = "migration"
"""The method of an evidence that says which archive was compared."""


def place(goal: Migrated) -> Address:
    """The step of one dataset that moves. Never that of the acceptance, whatever a dataset is called."""
    return address(Kind.MIGRATION, f"dataset:{goal.dataset}")


def gaps(goal: Migrated, found: Compared) -> list[str]:
    """What of a comparison is not as it must be: `counts`, or the names of fields; a check of fields that compared none is
    a gap as well."""
    wrong = ["counts"] if found.ours != found.theirs else []
    if "fields" in goal.check:
        wrong += [each.field for each in found.fields if each.ours != each.theirs]
        wrong += [] if found.fields else ["fields"]
    return wrong


def occurrence(state: State, at: Address) -> int:
    """The number of the step that is open at an address, or would be next."""
    last = state.latest(at, Verb.CONFIRM)
    if last is None:
        return 1
    return last.occurrence + (last.outcome is Outcome.DONE)


def stale(state: State, goal: Migrated, dataset: str) -> bool:
    """Whether the archive of a dataset is another than the one that its comparison on record was made with. A person's word
    without a comparison (a waiver) is not stale."""
    done = state.latest(place(goal), Verb.CONFIRM)
    proof = state.proved(dataset)
    made = [each for each in done.evidence if each.method == METHOD] if done is not None else []
    return bool(made and proof is not None and made[0].sha256 != proof.evidence[0].sha256)


def named(goal: ReplacementGoal, text: str) -> Migrated | None:
    """The dataset that moves under this name."""
    return next((each for each in goal.migrate if each.dataset.casefold() == text.casefold()), None)

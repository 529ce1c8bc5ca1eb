"""Whether the archive of a dataset stands, just before something relies on it."""

from __future__ import annotations

from crmstate.core.diagnostic import problem
from crmstate.core.lacking import without_files
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Kind
from crmstate.engine.tasks import Context


def stands(context: Context, dataset: str) -> None:
    """Reads the archive of a dataset back, now: days may lie between its verification and what relies on it, and what was
    on record then may lie damaged, or nowhere; and an earlier version put on no record that attachments are not in it. Raises
    Problem with everything that is wrong."""
    assert context.archiver is not None
    known = context.ledger.state.proved(dataset)
    label = known.label if known is not None else ""
    found = context.archiver.recheck(Resource(Kind.DATASET, dataset, label), context.seal(dataset))
    if without_files(found) and not context.left_out.covers(dataset, label):
        raise problem(Exit.REFUSED, "CRM-E032", dataset=label or dataset)

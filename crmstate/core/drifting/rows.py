"""Of datasets, their bins and their archives: rows that are there again, or others than are in the archive."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core.address import address, id_of, kind_of
from crmstate.core.change import Change, Turn
from crmstate.core.drifting.seen import Seen
from crmstate.core.survey import DatasetFacts
from crmstate.core.words import Kind, Outcome, Phase, Verb


def rows(seen: Seen) -> Iterator[Change]:
    """Of datasets: rows that are there again, or others than are in the archive."""
    for row in seen.observed.of(Kind.DATASET):
        facts, place = row.facts, address(Kind.DATASET, row.id)
        if not isinstance(facts, DatasetFacts):
            continue
        purged, emptied = seen.last.get(place), seen.last.get(address(Kind.BIN, row.id))
        if purged is not None and purged.verb is Verb.PURGE:
            if facts.rows is None:
                seen.unseen.add(Kind.DATASET)
            elif facts.rows and purged.outcome is not Outcome.DONE:
                seen.unshown.add(place)
            else:
                seen.compared.add(place)
            if purged.outcome is Outcome.DONE and facts.attachments:
                yield seen.change(Turn.FILES_BACK, place, str(facts.attachments), entry=purged, recorded="0")
            if purged.outcome is Outcome.DONE and facts.rows:
                yield seen.change(Turn.ROWS_BACK, place, str(facts.rows), entry=purged, recorded="0")
        elif facts.exact and facts.rows is not None and (proof := seen.state.proved(row.id)) is not None:
            count = proof.evidence[0].rows
            seen.compared.add(proof.address)
            if count is not None and count != facts.rows:
                yield seen.change(Turn.MOVED, place, str(facts.rows), entry=proof, recorded=str(count))
        if emptied is None:
            continue
        if facts.bin_rows is None:
            seen.unseen.add(Kind.BIN)
        elif facts.bin_rows and emptied.outcome is not Outcome.DONE:
            seen.unshown.add(emptied.address)
        else:
            seen.compared.add(emptied.address)
        if emptied.outcome is Outcome.DONE and facts.bin_rows:
            yield seen.change(
                Turn.ROWS_BACK, address(Kind.BIN, row.id), str(facts.bin_rows), entry=emptied, recorded="0"
            )


def vanished(seen: Seen) -> Iterator[Change]:
    """Of archived datasets that the vendor does not list any more, although nobody of us purged them."""
    if Kind.DATASET not in seen.observed.complete or seen.state.cleared() or seen.left():
        return
    for place in [each for each in seen.last if kind_of(each) is Kind.ARCHIVE]:
        dataset, proof = address(Kind.DATASET, id_of(place)), seen.state.proved(id_of(place))
        count = proof.evidence[0].rows if proof is not None else None
        if count and dataset not in seen.by_address and dataset not in seen.on_record:
            seen.compared.add(place)
            yield seen.change(Turn.GONE, dataset, Phase.ABSENT.value, entry=proof, recorded=str(count))

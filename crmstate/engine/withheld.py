"""withheld(): what a person's word alone cannot end. A destruction document counts as certified only when it was read field by
field and says everything; a settlement is one when every claim is answered; what moved is shown by a comparison; an evaluation has
what the manifest asks for.

A waiver, with name, reason and end, goes past all of it, and says so for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crmstate.core import certificate, evaluation, migration, settling
from crmstate.core.address import Address, kind_of
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.goal import Desired
from crmstate.core.planning.afterwards import SETTLEMENT
from crmstate.core.record import State
from crmstate.core.words import Exit, Kind, Proof


def require(
    place: Address,
    proof: Proof,
    desired: Desired,
    state: State,
    digests: Collection[str],
    now: str,
    names: Collection[str] = (),
) -> None:
    """Raises Problem (exit 3) with everything that is missing for a confirmation to be recorded. `digests`: of the evidence
    files that are handed in, `names`: what these are called; `now`: ISO 8601 UTC."""
    found = [] if proof is Proof.WAIVED else list(_missing(place, proof, desired, state, digests, now, names))
    if found:
        raise Problem(Exit.REFUSED, *found)


def _missing(
    place: Address,
    proof: Proof,
    desired: Desired,
    state: State,
    digests: Collection[str],
    now: str,
    names: Collection[str],
) -> Iterator[Diagnostic]:
    if kind_of(place) is Kind.CERTIFICATE and proof is Proof.CERTIFIED:
        yield from _certified(place, state, digests, now, names)
    elif place == SETTLEMENT:
        yield from _settled(state)
    elif place == evaluation.PLACE and desired.evaluation is not None:
        lacks = evaluation.missing(evaluation.review(state.remarks), desired.evaluation.measures)
        yield from [diagnostic("CRM-F034", address=place, missing=", ".join(lacks))] if lacks else []
    elif kind_of(place) is Kind.MIGRATION and place != migration.ACCEPTED:
        yield diagnostic("CRM-F025", address=place)


def _certified(
    place: Address, state: State, digests: Collection[str], now: str, names: Collection[str]
) -> Iterator[Diagnostic]:
    last = certificate.examined(state, now)
    if last is None:
        yield diagnostic("CRM-F010", address=place)
        return
    document, faults = last
    if document.document.sha256 not in digests:
        code = "CRM-F041" if document.document.note in names else "CRM-F022"
        yield diagnostic(code, address=place, file=document.document.note)
    yield from faults


def _settled(state: State) -> Iterator[Diagnostic]:
    for line in settling.left(settling.lines(state)):
        sum = f"{line.claim.currency} {settling.money(line.due if not line.answered else line.open)}"
        code = "CRM-F024" if line.answered else "CRM-F023"
        yield diagnostic(code, address=SETTLEMENT, number=line.claim.number, kind=line.claim.kind, sum=sum)

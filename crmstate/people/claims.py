"""Claims: what a settlement may ask to have back, as `core.cost` works it out from the contract. What was paid in advance is
not known here: a letter claims it under that condition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crmstate.core.cost import cost
from crmstate.core.course import course
from crmstate.core.goal import Desired
from crmstate.core.record import State
from crmstate.core.settling import lines


@dataclass(frozen=True)
class Refund:
    """`amount` of `currency`: the share of `days` out of `of`, of a period that is paid until `end`."""

    amount: str
    currency: str
    days: int
    of: int
    end: date


def refund(desired: Desired, state: State, as_of: str) -> Refund | None:
    """What is to come back for the time after the end; None where there is none, or it cannot be known."""
    found = cost(desired.contract, desired.subscription, None, course(desired, None, state, as_of), claims=lines(state))
    for line in found.lines if found is not None else ():
        if line.what == "refund" and line.how.code == "cost.refund":
            said = line.how.params
            currency, _, amount = str(said["sum"]).partition(" ")
            end = date.fromisoformat(str(said["end"]))
            return Refund(amount.replace(",", ""), currency, int(said["n"]), int(said["of"]), end)
    return None

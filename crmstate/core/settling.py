"""The settlement at the end of a contract: what each side claims, what answers it, and what is left by currency.

Sums are exact, and two currencies are never added. A claim is answered by money or a credit note that covers it, or by what
both sides agreed in writing; what was agreed and not paid is still open: a promise is not a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.event import Claimed, Struck
from crmstate.core.money import digits, fits
from crmstate.core.record import State

OWED = ("invoice",)
"""What the vendor claims of us."""
DUE = ("overcharge", "refund")
"""What we claim of the vendor."""
CLAIMS = (*OWED, *DUE)
PAID = ("credit", "payment")
AGREED = "agreed"
KINDS = (*CLAIMS, *PAID, AGREED)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?", re.ASCII)
_EAST = 14
"""The zone farthest east, in hours before UTC."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def amount(text: str) -> Decimal | None:
    """A sum of money as people write it here: digits, and a point before at most four decimals. None for anything else."""
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def currency(text: str) -> bool:
    """Whether it looks like a currency: three capital letters (ISO 4217)."""
    return _CURRENCY.fullmatch(text) is not None


def decimals(value: Decimal, text: str, currency: str) -> Diagnostic | None:
    """That a sum has more decimals than its currency, or None."""
    n = digits(currency)
    whole = text.replace(".", "") + ("." + "0" * n if n else "")
    return None if fits(value, currency) else diagnostic("CRM-F037", text=text, currency=currency, n=n, whole=whole)


def money(value: Decimal) -> str:
    """A sum with at least two decimals, and no more than it needs."""
    text = f"{value:.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


class Line(msgspec.Struct, frozen=True):
    """One claim with what answers it, in the order of entry; `agreed`: the last agreement about it."""

    claim: Claimed
    paid: tuple[Claimed, ...] = ()
    agreed: Claimed | None = None

    @property
    def due(self) -> Decimal:
        """What it comes to: as agreed, else as claimed."""
        return Decimal((self.agreed or self.claim).amount)

    @property
    def covered(self) -> Decimal:
        return sum((Decimal(each.amount) for each in self.paid), Decimal(0))

    @property
    def open(self) -> Decimal:
        """What is left to be paid or credited."""
        return self.due - self.covered

    @property
    def answered(self) -> bool:
        """Whether something in writing answers it."""
        return self.agreed is not None or not self.open


class Balance(msgspec.Struct, frozen=True):
    """What is open in one currency: what we owe, what is owed to us."""

    currency: str
    we_owe: Decimal
    owed_to_us: Decimal

    @property
    def net(self) -> Decimal:
        """What we have to pay in the end; negative: what we are to get."""
        return self.we_owe - self.owed_to_us

    def __str__(self) -> str:
        return f"{self.currency} {money(self.net)}"


def lines(state: State) -> list[Line]:
    """Every claim on record that was not struck out, with its answers."""
    gone = {each.number for each in state.struck}
    left = [each for each in state.claims if each.number not in gone]
    found = []
    for claim in left:
        if claim.kind not in CLAIMS:
            continue
        mine = [each for each in left if each.answers == claim.number]
        agreed = [each for each in mine if each.kind == AGREED]
        paid = tuple(each for each in mine if each.kind in PAID)
        found.append(Line(claim, paid, agreed[-1] if agreed else None))
    return found


def balances(found: Iterable[Line]) -> list[Balance]:
    """What is open, by currency, in the order of their names."""
    owed: dict[str, list[Decimal]] = {}
    for line in found:
        sums = owed.setdefault(line.claim.currency, [Decimal(0), Decimal(0)])
        sums[line.claim.kind in DUE] += line.open
    return [Balance(name, *sums) for name, sums in sorted(owed.items())]


def left(found: Iterable[Line]) -> list[Line]:
    """The claims that stand in the way of a settlement: unanswered, or agreed and not paid."""
    return [line for line in found if not line.answered or line.open]


def refused(state: State, new: Claimed) -> Diagnostic | None:
    """Why a line may not be added, or None."""
    value = amount(new.amount)
    if value is None or (not value and new.kind != AGREED):
        return diagnostic("CRM-F001", text=new.amount)
    if not currency(new.currency):
        return diagnostic("CRM-F002", text=new.currency)
    if (wrong := decimals(value, new.amount, new.currency)) is not None:
        return wrong
    if new.day is not None and new.day > _latest(new.at):
        return diagnostic("CRM-F038", day=new.day)
    if (same := _same(state, new)) is not None:
        return diagnostic("CRM-F039", number=same.number, kind=new.kind, sum=f"{new.currency} {money(value)}")
    if new.kind in CLAIMS:
        return None if new.answers is None else diagnostic("CRM-F003", kind=new.kind)
    if new.answers is None:
        return diagnostic("CRM-F004", kind=new.kind)
    line = next((each for each in lines(state) if each.claim.number == new.answers), None)
    if line is None:
        known = ", ".join(str(each.claim.number) for each in lines(state)) or "-"
        return diagnostic("CRM-F005", number=new.answers, known=known)
    if line.claim.currency != new.currency:
        return diagnostic("CRM-F006", number=new.answers, claimed=line.claim.currency, given=new.currency)
    if new.kind == AGREED:
        if value < line.covered:
            return diagnostic("CRM-F007", number=new.answers, given=new.amount, most=money(line.covered))
        return None
    if value > line.open:
        return diagnostic("CRM-F008", number=new.answers, given=new.amount, open=money(line.open))
    return None


def _latest(at: str) -> str:
    """The latest day that it is anywhere on earth at a moment, ISO 8601 UTC."""
    return (datetime.fromisoformat(at) + timedelta(hours=_EAST)).date().isoformat()


def _same(state: State, new: Claimed) -> Claimed | None:
    """A line on record that says the same by the same document: entered once more, it would count twice."""
    gone = {each.number for each in state.struck}
    return next((each for each in state.claims if each.number not in gone and _what(each) == _what(new)), None)


def _what(line: Claimed) -> tuple[object, ...]:
    value = amount(line.amount)
    return line.kind, value, line.currency, line.answers, line.note, line.document.sha256 or line.number


def unstrikable(state: State, number: int) -> Diagnostic | None:
    """Why a line may not be struck out, or None: it is not there any more, or others answer it."""
    gone = {each.number for each in state.struck}
    there = [each for each in state.claims if each.number not in gone]
    if all(each.number != number for each in there):
        return diagnostic("CRM-F005", number=number, known=", ".join(str(each.number) for each in there) or "-")
    answers = [str(each.number) for each in there if each.answers == number]
    if answers:
        return diagnostic("CRM-F009", number=number, answers=", ".join(answers))
    after = msgspec.structs.replace(state, struck=(*state.struck, Struck("", number, "", "")))
    over = next((each for each in lines(after) if each.open < 0), None)
    if over is not None:
        return diagnostic("CRM-F009", number=number, answers=", ".join(str(each.number) for each in over.paid))
    return None

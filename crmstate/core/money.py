"""Money: exact sums of one currency, and the one place where they are rounded.

Sums are fractions until the last step; then each is rounded once, half up, to the smallest unit of its currency (ISO
4217), and what is added up are the rounded sums, so that a reader who adds the lines gets the total. Amounts of two
currencies are never added.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from fractions import Fraction

import msgspec

_NONE = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_DIGITS = 60
"""More than any sum of a contract has."""


class Money(msgspec.Struct, frozen=True, order=True):
    """A rounded sum: `amount` as decimal text with the currency's digits (`14400.00`), `currency` three letters."""

    amount: str
    currency: str

    def __str__(self) -> str:
        return f"{self.currency} {Decimal(self.amount):,}"

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)


def digits(currency: str) -> int:
    """How many digits the smallest unit of a currency has behind the point."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def fits(amount: Decimal, currency: str) -> bool:
    """Whether a sum has no more decimals than its currency: `1.320` is no sum of euros, but was perhaps meant as thousands."""
    exponent = amount.as_tuple().exponent
    return not isinstance(exponent, int) or -exponent <= digits(currency)


def exact(text: str | None) -> Fraction | None:
    """What a decimal number as text says, exactly; None where it is none, or below nought."""
    try:
        found = Decimal(text or "")
    except InvalidOperation:
        return None
    return Fraction(found) if found.is_finite() and found >= 0 else None


def money(sum: Fraction, currency: str) -> Money:
    """A sum, rounded once."""
    with localcontext() as context:
        context.prec = _DIGITS
        unit = Decimal(1).scaleb(-digits(currency))
        scaled = sum * 10 ** digits(currency)
        whole = Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator))
        return Money(str((whole * unit).quantize(unit, ROUND_HALF_UP)), currency)


def added(sums: list[Money]) -> tuple[Money, ...]:
    """One sum for each currency, in the order of their names."""
    totals: dict[str, Fraction] = {}
    for each in sums:
        totals[each.currency] = totals.get(each.currency, Fraction(0)) + Fraction(each.value)
    return tuple(money(totals[currency], currency) for currency in sorted(totals))

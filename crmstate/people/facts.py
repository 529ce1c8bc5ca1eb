"""Facts: what a letter may say, each with where it comes from: the manifest, the record, the calendar. Nothing is made
up: what nobody wrote is a `Gap`, which a letter shows as a gap and lists.

The fields are a closed list: a template that asks for another one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crmstate.core.address import kind_of
from crmstate.core.contract import Calendar, Clause, ContractGoal
from crmstate.core.goal import Desired
from crmstate.core.milestones import GIVEN, taken_back
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Outcome, Proof, Verb
from crmstate.people import spoken
from crmstate.people.claims import Refund
from crmstate.people.datasets import Dataset, datasets, listed
from crmstate.people.dates import Dates

FIELDS = {
    "letter.date": "",
    "customer.name": "contract.parties.customer",
    "customer.address": "contract.parties.customer_address",
    "customer.email": "owner",
    "vendor.name": "contract.parties.vendor",
    "vendor.address": "contract.parties.vendor_address",
    "product.name": "contract.parties.product",
    "account.id": "provider.tenant",
    "contract.number": "contract.parties.number",
    "term.start": "contract.term.start",
    "term.end": "contract.term",
    "term.wanted": "contract.term",
    "notice.period": "contract.notice.period",
    "notice.deadline": "contract.notice",
    "notice.in_time": "contract.notice",
    "notice.missed": "contract.notice",
    "notice.quote": "contract.clauses",
    "notice.source": "contract.clauses",
    "ending.when": "end_state.subscription.effective",
    "ending.day": "end_state.subscription.effective",
    "ending.over": "end_state.subscription.effective",
    "ending.requested": "",
    "ending.acknowledged": "",
    "reason.text": "reason.text",
    "price.sum": "contract.price",
    "fee.sum": "contract.early_termination_fee",
    "fee.quote": "contract.clauses",
    "fee.source": "contract.clauses",
    "refund.sum": "contract.price",
    "refund.days": "contract.price",
    "refund.of": "contract.price",
    "refund.end": "contract.price",
    "destination.name": "replacement.system",
    "law.regimes": "contract.regimes",
    "law.gdpr": "contract.regimes",
    "law.uk_gdpr": "contract.regimes",
    "law.ccpa": "contract.regimes",
    "law.pipl": "contract.regimes",
    "law.data_act": "contract.regimes",
    "data.all": "end_state.data.archive.datasets",
    "data.kept": "",
    "data.returned": "end_state.data.archive.datasets",
    "data.discarded": "end_state.data.discard",
    "data.held": "end_state.data.purge.holds",
    "data.purged": "",
    "deletion.quote": "contract.clauses",
    "deletion.source": "contract.clauses",
    "settlement.owner": "settlement.owner",
    "settlement.due": "settlement.due",
}
"""Every field with where a person writes it; empty where the record or the clock says it."""
LISTS = {f"data.{name}" for name in ("all", "kept", "returned", "discarded", "held", "purged")}
"""Fields that are lists; each item has a name, rows and a day."""
ITEM = ("name", "rows", "day")
_BESIDE = "files"
"""What is called so at a vendor without an API are the files beside its tables: the vendor knows no such dataset."""
_SHOWN = frozenset({Proof.OBSERVED, Proof.CERTIFIED, Proof.ACKNOWLEDGED})
_TOPICS = {
    "notice": (
        "notice",
        "renewal",
        "non_renewal",
        "termination",
        "cancellation",
        "通知",
        "续约",
        "续签",
        "终止",
        "解除",
    ),
    "deletion": ("deletion", "data_return", "data_deletion", "return", "erasure", "删除", "数据删除", "数据返还"),
    "fee": ("refund", "退款", "退费"),
}
"""Which topics of a clause a letter quotes it for; the first topic that a clause has wins."""


class Fact(str):
    """A text that a letter may say, which remembers its field and its origin."""

    __slots__ = ("_field", "_origin")
    _field: str
    _origin: str

    def __new__(cls, text: str, field: str, origin: str) -> Fact:
        made = super().__new__(cls, text)
        made._field, made._origin = field, origin
        return made

    @property
    def field(self) -> str:
        return self._field

    @property
    def origin(self) -> str:
        """A path of the manifest (`contract.parties.vendor`), an address of the record (`record: archive/contacts`),
        `provider`, or `clock`."""
        return self._origin


class Gap:
    """A fact that nobody wrote. False in a template; whatever is made of it, saying it leaves a mark in the letter.
    `_say` gives the mark, and remembers that it was given: whoever writes the letter sets it."""

    __slots__ = ("_field", "_say")

    def __init__(self, field: str) -> None:
        self._field = field
        self._say: Callable[[str], str] = lambda field: f"[{field}]"

    def __str__(self) -> str:
        return self._say(self._field)

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Gap:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: object, **kwargs: object) -> Gap:
        return self


@dataclass(frozen=True)
class Occasion:
    """What a letter is written from. `product`: the vendor's own name for what is bought, empty where
    the provider is none in particular; `today`: the day of the letter."""

    desired: Desired
    state: State
    product: str
    today: date
    dates: Dates
    refund: Refund | None = None


Group = dict[str, Any]


def facts(occasion: Occasion, lang: str) -> dict[str, Group]:
    """Every field of `FIELDS` by group and name: a Fact, a Gap, a tuple of items, or for what is so or not
    (`law.gdpr`, `notice.missed`), a bool."""
    found: dict[str, Any] = {field: Gap(field) for field in FIELDS}
    found |= {each.field: each for each in _texts(occasion, lang)}
    found |= _lists(occasion, lang)
    found |= _flags(occasion)
    tree: dict[str, Group] = {}
    for field, value in found.items():
        group, _, name = field.partition(".")
        tree.setdefault(group, {})[name] = value
    return tree


def _texts(occasion: Occasion, lang: str) -> Iterator[Fact]:
    desired, contract = occasion.desired, occasion.desired.contract or ContractGoal()
    parties, notice = contract.parties, contract.notice
    written = {
        "customer.name": parties.customer,
        "customer.address": parties.customer_address,
        "customer.email": desired.owner,
        "vendor.name": parties.vendor,
        "vendor.address": parties.vendor_address,
        "contract.number": parties.number,
        "product.name": parties.product,
        "account.id": desired.tenant,
        "reason.text": desired.reason,
        "destination.name": desired.replacement.system if desired.replacement else None,
        "settlement.owner": desired.settlement.owner if desired.settlement else None,
        "law.regimes": ", ".join(contract.regimes),
    }
    yield from (Fact(text, field, FIELDS[field]) for field, text in written.items() if text and text.strip())
    if parties.vendor_address is None and notice and notice.form == "written" and notice.to and "@" not in notice.to:
        yield Fact(notice.to, "vendor.address", "contract.notice.to")  # where a letter on paper must go
    if not desired.tenant and occasion.state.tenant:
        yield Fact(occasion.state.tenant, "account.id", "record")
    yield Fact(spoken.plain_day(occasion.today, lang), "letter.date", "clock")
    if not parties.product and occasion.product:
        yield Fact(spoken.product(occasion.product, lang), "product.name", "provider.name")
    yield from _contract(contract, lang)
    yield from _days(occasion, lang)
    yield from _ending(occasion, lang)
    if due := occasion.refund:
        said = {"sum": spoken.money(due.amount, due.currency, lang), "days": f"{due.days:,}", "of": f"{due.of:,}"}
        said["end"] = spoken.day(due.end, lang)
        yield from (Fact(text, f"refund.{name}", "contract.price") for name, text in said.items())


def _contract(contract: ContractGoal, lang: str) -> Iterator[Fact]:
    if contract.notice:
        yield Fact(spoken.period(contract.notice.period, lang), "notice.period", "contract.notice.period")
    if contract.price:
        sum = spoken.price(contract.price.amount, contract.price.currency, contract.price.per, lang)
        yield Fact(sum, "price.sum", "contract.price")
    if fee := contract.early_termination_fee:
        yield Fact(spoken.money(fee.amount, fee.currency, lang), "fee.sum", "contract.early_termination_fee")
    for group, topics in _TOPICS.items():
        found = min(
            (
                (topics.index(_topic(each)), number)
                for number, each in enumerate(contract.clauses)
                if _topic(each) in topics
            ),
            default=None,
        )
        if found is not None:
            clause, origin = contract.clauses[found[1]], f"contract.clauses[{found[1]}]"
            yield Fact(clause.quote, f"{group}.quote", f"{origin}.quote")
            yield Fact(clause.source, f"{group}.source", f"{origin}.source")


def _topic(clause: Clause) -> str:
    return clause.topic.strip().lower().replace("-", "_").replace(" ", "_")


def _days(occasion: Occasion, lang: str) -> Iterator[Fact]:
    contract, dates = occasion.desired.contract or ContractGoal(), occasion.dates
    start = contract.term.start if contract.term else None
    known = {
        "term.start": date.fromisoformat(start) if start else None,
        "term.end": dates.term_end,
        "term.wanted": dates.wanted,
        "notice.deadline": dates.notice_deadline,
        "settlement.due": dates.settlement,
    }
    yield from (Fact(spoken.day(when, lang), field, FIELDS[field]) for field, when in known.items() if when)


def _ending(occasion: Occasion, lang: str) -> Iterator[Fact]:
    goal = occasion.desired.subscription
    effective = goal.effective if goal is not None and goal.status in ("cancelled", "downgraded") else None
    if effective:
        yield Fact("date" if effective[:1].isdigit() else effective, "ending.when", FIELDS["ending.when"])
        if last := occasion.dates.ending:
            yield Fact(spoken.day(last, lang), "ending.day", FIELDS["ending.day"])


def _cancelled(state: State) -> Iterator[Entry]:
    """The notices and cancellations on record that were given or asked for."""
    for entry in state.entries.values():
        cancels = entry.verb in (Verb.CANCEL, Verb.RENEW_OFF) and kind_of(entry.address) is Kind.SUBSCRIPTION
        notice = entry.address == GIVEN and entry.verb is Verb.REQUEST
        if (cancels or notice) and entry.outcome in (Outcome.REQUESTED, Outcome.DONE) and not taken_back(state, entry):
            yield entry


def _local(at: str, occasion: Occasion) -> date:
    """The day of a recorded time, as the customer's calendar shows it."""
    found = datetime.fromisoformat(at)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(zone_of(occasion.desired)).date()


def zone_of(desired: Desired) -> ZoneInfo:
    """The customer's zone; UTC where nobody wrote one."""
    calendar = desired.contract.calendar if desired.contract else Calendar()
    return ZoneInfo(calendar.zone or "UTC")


def _flags(occasion: Occasion) -> dict[str, Any]:
    contract, dates = occasion.desired.contract or ContractGoal(), occasion.dates
    laws = {f"law.{name.replace('-', '_')}": name in contract.regimes for name in ("gdpr", "uk-gdpr", "ccpa", "pipl")}
    laws["law.data_act"] = "eu-data-act" in contract.regimes
    in_time = dates.notice_deadline is not None and occasion.today <= dates.notice_deadline
    asked = list(_cancelled(occasion.state))
    return {
        **laws,
        "notice.in_time": in_time,
        "notice.missed": dates.missed,
        "ending.over": dates.over,
        "ending.requested": bool(asked),
        "ending.acknowledged": any(each.proof in _SHOWN for each in asked),
    }


def _lists(occasion: Occasion, lang: str) -> dict[str, Any]:
    """The lists of datasets. An empty one is a Gap, which is false, and shows as one where a letter prints it."""
    known = datasets(occasion.desired, occasion.state)
    lists = {
        "data.all": [_item(each, each.kept, occasion, lang) for each in known if listed(occasion.desired, known)],
        "data.kept": [_item(each, each.kept, occasion, lang) for each in known if each.kept and not each.held],
        "data.returned": [_item(each, None, occasion, lang) for each in known if each.owed],
        "data.discarded": [_item(each, None, occasion, lang) for each in known if each.given_up and not each.held],
        "data.held": [_item(each, None, occasion, lang) for each in known if each.held],
        "data.purged": [_item(each, each.purged, occasion, lang) for each in known if each.purged],
    }
    return {field: _items(field, rows) for field, rows in lists.items() if rows}


def _item(dataset: Dataset, entry: Entry | None, occasion: Occasion, lang: str) -> tuple[str, str, str, str]:
    """Name, rows, day and origin; no rows and no day where the record has none."""
    beside = dataset.id == _BESIDE and not occasion.product
    if entry is None:
        return spoken.files(None, lang) if beside else dataset.label, "", "", dataset.origin
    rows = entry.evidence[0].rows if entry.evidence and entry.rows is None else entry.rows
    day = spoken.day(_local(entry.at, occasion), lang)
    if beside:
        return spoken.files(rows, lang), "", day, f"record: {entry.address}"
    return dataset.label, "" if rows is None else f"{rows:,}", day, f"record: {entry.address}"


def _items(field: str, rows: list[tuple[str, str, str, str]]) -> tuple[dict[str, Fact], ...]:
    return tuple(
        {name: Fact(text, f"{field}[{number}].{name}", origin) for name, text in zip(ITEM, texts, strict=True)}
        for number, (*texts, origin) in enumerate(rows)
    )

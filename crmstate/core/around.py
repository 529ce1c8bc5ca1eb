"""Goals of what happens around the technical end: who is told, what is settled, what comes after, looking back."""

from __future__ import annotations

import msgspec

from crmstate.core.contract import Period, When
from crmstate.core.diagnostic import Span


class NoticeGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told. `number`: its place among the manifest's notices, from 0; `id`: its name, which stays when others are
    added; `to`: staff, partners or customers; `told`
    False: a written decision that they are not, `why`. `channel`: mail or webhook. Recipients: `file` (a path, relative to
    the manifest), or `dataset` and `field` of it. A webhook's address is a secret and is not here: `webhook` says that
    one is written; `robot`: whose chat it is, None where its host tells; `keyword`: what every message must begin with.
    `lenient`: what is wrong in a file of recipients is left out.
    `opt_out`: a file of those who want no mail. `send`: None where nobody wrote when."""

    number: int
    to: str
    told: bool = True
    why: str = ""
    channel: str | None = None
    file: str | None = None
    dataset: str | None = None
    field: str | None = None
    webhook: bool = False
    template: str | None = None
    language: str | None = None
    send: When | None = None
    feedback_owner: str | None = None
    id: str = ""
    robot: str | None = None
    keyword: str = ""
    opt_out: str | None = None
    lenient: bool = False
    span: Span | None = None


class MailGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The server that takes our mail. `tls`: starttls, tls, or none; `sender` and `name`: who it is from; `login`: whether
    it asks for a password."""

    host: str
    port: int
    tls: str
    sender: str
    name: str = ""
    per_minute: int = 120
    login: bool = False
    span: Span | None = None


class SettlementGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who settles invoices, overcharge and refund, and by when."""

    owner: str
    due: When | None = None
    span: Span | None = None


class Migrated(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dataset that moves: where to, and what is compared afterwards (counts, fields)."""

    dataset: str
    to: str
    check: tuple[str, ...] = ()


class ReplacementGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What comes afterwards. `decision`: adopted, none or open; `proof` and `owner`: of the migration's acceptance."""

    decision: str
    system: str | None = None
    criteria: str | None = None
    proof: str = "attested"
    owner: str | None = None
    migrate: tuple[Migrated, ...] = ()
    span: Span | None = None


class ReminderGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """`before`: how long before a step is due its owner is reminded; `escalate_after`: how long the vendor may be silent
    before whoever answers for the whole is told. None: for as long as it likes."""

    before: Period = Period(7, "days")
    escalate_after: Period | None = None


class EvaluationGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Looking back: when (so long after the end), at what, and who."""

    after: When
    owner: str
    measures: tuple[str, ...] = ()
    span: Span | None = None

"""Desired: what a manifest means. Selectors, dates and statuses as plain values, each with the place in the file that
wrote it.

A kind without a goal is unmanaged: nothing is ever planned for it. Absence never deletes.
"""

from __future__ import annotations

import msgspec

from crmstate.core.around import EvaluationGoal, MailGoal, NoticeGoal, ReminderGoal, ReplacementGoal, SettlementGoal
from crmstate.core.contract import ContractGoal
from crmstate.core.diagnostic import Span
from crmstate.core.words import Kind


class Selector(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names one resource: by remote id, or by a field of it (`email`, `name`). Exactly one is set."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    span: Span | None = None

    def __str__(self) -> str:
        return self.id or self.email or self.name or ""


class Keep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource that stays, and why."""

    who: Selector
    why: str = ""


class SubscriptionGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """`status`: cancelled, paused, active, downgraded. `effective`: immediately, end_of_term, end_of_period or an ISO
    date. `starts` and `until`: ISO dates of a pause. `to`: the edition of a downgrade."""

    status: str
    effective: str | None = None
    starts: str | None = None
    until: str | None = None
    to: str | None = None
    span: Span | None = None


class UsersGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """`status`: removed (cannot sign in, by the provider's own verb), deactivated, deleted, active (take back).
    `only` empty means everybody but `keep`."""

    status: str
    keep: tuple[Keep, ...] = ()
    only: tuple[Selector, ...] = ()
    transfer_to: Selector | None = None
    span: Span | None = None


class ListGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A goal for every row of a listing (sessions ended, api_keys revoked, integrations removed, settings reset), or
    `active`."""

    status: str
    keep: tuple[Keep, ...] = ()
    only: tuple[Selector, ...] = ()
    span: Span | None = None


class ModuleGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A module switched off; `data_effect` is what the writer says it does: keeps, clears, unknown (blocks)."""

    module: str
    status: str
    data_effect: str = "unknown"
    span: Span | None = None


class Every(msgspec.Struct, frozen=True):
    """An interval: `count` of `unit` (days, working_days, weeks, months, years)."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"every {self.count} {self.unit}"


class ArchiveGoal(msgspec.Struct, frozen=True, omit_defaults=True, tag="archive"):
    """`to`: a location (`file:///...`, `s3://...`). `datasets` None means all. `encrypt_to`: recipients
    (`recipient.plain`); `identity`: one is given that reads the archive back. `keep_until`: an ISO day, the last of its
    retention. `recheck`: how often it is read back. `backup`: the
    vendor's own backup of the whole account lies beside the datasets. `unsupported` names the manifest keys below `archive` that this
    version does not carry out (they block the archive)."""

    to: str
    datasets: tuple[str, ...] | None = None
    attachments: bool = True
    formats: tuple[str, ...] = ("jsonl",)
    encrypt_to: tuple[str, ...] = ()
    identity: bool = False
    counts: str = "exact"
    sample: str | None = None
    restore_test: bool = False
    keep_until: str | None = None
    recheck: Every | None = None
    by: str | None = None
    backup: bool = False
    unsupported: tuple[str, ...] = ()
    span: Span | None = None

    @property
    def views(self) -> tuple[str, ...]:
        """The forms in which copies for people lie beside it."""
        return tuple(form for form in self.formats if form != "jsonl")


class NoArchive(msgspec.Struct, frozen=True, omit_defaults=True, tag="none"):
    """A written, named decision to end without an archive."""

    why: str
    by: str
    span: Span | None = None


class Discard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset that is given up without an archive: written and named. `fields`: only these of its columns are, which the
    vendor's export jobs leave out; `attachments`: only its attachments are."""

    dataset: str
    why: str
    by: str
    fields: tuple[str, ...] = ()
    attachments: bool = False
    span: Span | None = None

    @property
    def whole(self) -> bool:
        """Whether the dataset itself is given up, and not a part of it."""
        return not self.fields and not self.attachments


class PurgeGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """`bin` true: emptied afterwards. `certificate` true: the vendor's destruction document is required. `holds`:
    dataset ids or names under a legal hold; they add to the recorded ones, and leaving one out never lifts it."""

    bin: bool = False
    certificate: bool = False
    holds: tuple[str, ...] = ()
    span: Span | None = None


class StatusGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A goal of one word, such as `account: {status: deleted}`."""

    status: str
    span: Span | None = None


class HumanGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step only a person can do. `proof`: attested, acknowledged or certified; `files` true: evidence files are
    required. `before` and `after`: a milestone or another person step's id."""

    id: str
    title: str
    owner: str
    proof: str = "attested"
    files: bool = False
    before: str | None = None
    after: str | None = None
    due: str | None = None
    span: Span | None = None


class Unsupported(msgspec.Struct, frozen=True, omit_defaults=True):
    """A section that parses and validates but that this version does not carry out: shown as blocked, never silently
    ignored. `section` is its path in the manifest (`notices[0]`); `before`: the milestone that waits for it, if
    any."""

    section: str
    before: str | None = None
    owner: str | None = None
    span: Span | None = None


class Safeguards(msgspec.Struct, frozen=True, omit_defaults=True):
    """`max_removals`: ceiling for resources that lose access in one plan. `approvals`: how many named people must
    approve the irreversible steps. `require_plan_id`: apply only a plan that was named by its id."""

    max_removals: int | None = None
    approvals: int = 0
    require_plan_id: bool = False
    span: Span | None = None


class Desired(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that one manifest asks for. `digest` is the sha256 of the parsed manifest in canonical form (comments
    do not count); `freeze`: `now`, an ISO 8601 time in UTC, or None; `expect`: counts by kind that the tenant must
    show; `coverage`: who attests that the credentials see everything; `holds`: the legal holds that are written, also
    where nothing is to be purged."""

    name: str
    digest: str
    provider: str
    tenant: str
    owner: str = ""
    reason: str = ""
    expect: dict[str, int] = {}
    coverage: str = ""
    open_questions: tuple[str, ...] = ()
    freeze: str | None = None
    subscription: SubscriptionGoal | None = None
    users: UsersGoal | None = None
    sessions: ListGoal | None = None
    api_keys: ListGoal | None = None
    integrations: ListGoal | None = None
    settings: ListGoal | None = None
    modules: tuple[ModuleGoal, ...] = ()
    archive: ArchiveGoal | NoArchive | None = None
    discard: tuple[Discard, ...] = ()
    purge: PurgeGoal | None = None
    holds: tuple[str, ...] = ()
    account: StatusGoal | None = None
    people: tuple[HumanGoal, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    safeguards: Safeguards = Safeguards()
    mask_people: bool = False
    migration_owner: str | None = None
    contract: ContractGoal | None = None
    notices: tuple[NoticeGoal, ...] = ()
    mail: MailGoal | None = None
    settlement: SettlementGoal | None = None
    replacement: ReplacementGoal | None = None
    evaluation: EvaluationGoal | None = None
    reminders: ReminderGoal = ReminderGoal()
    spans: dict[str, Span] = {}

    @property
    def vendor(self) -> str:
        """What the contract calls the vendor; empty where nobody wrote it."""
        return (self.contract.parties.vendor or "") if self.contract is not None else ""

    @property
    def closing(self) -> bool:
        """Whether the account is to be deleted, and with it whatever it holds."""
        return self.account is not None and self.account.status == "deleted"

    @property
    def clearing(self) -> bool:
        """Whether a module is to be switched off that takes its data along."""
        return any(module.status != "active" and module.data_effect == "clears" for module in self.modules)


def spoken_of(desired: Desired) -> frozenset[Kind]:
    """The kinds that a manifest has a goal for, whether or not anything could be planned for it."""
    goals: dict[Kind, object] = {
        Kind.SUBSCRIPTION: desired.subscription,
        Kind.USER: desired.users,
        Kind.SESSION: desired.sessions,
        Kind.API_KEY: desired.api_keys,
        Kind.INTEGRATION: desired.integrations,
        Kind.SETTING: desired.settings,
        Kind.MODULE: desired.modules,
        Kind.DATASET: desired.archive or desired.purge or desired.discard,
        Kind.ACCOUNT: desired.account,
    }
    return frozenset(kind for kind, goal in goals.items() if goal)

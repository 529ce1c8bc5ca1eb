"""Survey: what the vendor says now, and which of its listings are complete. Absence is concluded only from a complete
listing."""

from __future__ import annotations

import hashlib

import msgspec

from crmstate.core.address import Address
from crmstate.core.address import address as make_address
from crmstate.core.diagnostic import Diagnostic
from crmstate.core.words import Kind, Phase


class Facts(msgspec.Struct, frozen=True, tag_field="of", gc=False):
    """The known facts of one resource: one frozen model per kind, never a dictionary."""


class NoFacts(Facts, tag="none", frozen=True, gc=False):
    """For kinds that need none."""


class TenantFacts(Facts, tag="tenant", frozen=True, gc=False):
    """Which customer of the vendor this is."""

    name: str = ""
    region: str = ""
    edition: str = ""


class SubscriptionFacts(Facts, tag="subscription", frozen=True, gc=False):
    """The contract as the vendor shows it. `status`: active, paused, cancelled, free. Dates are ISO 8601 days, last
    day inclusive. `pending`: the action that was accepted and waits (cancel, pause, downgrade), with its `effective`
    date. `paused_until`: the last day of a pause that runs."""

    plan: str = ""
    status: str = "active"
    renews: bool | None = None
    term_start: str | None = None
    term_end: str | None = None
    access_until: str | None = None
    amount: str | None = None
    currency: str | None = None
    per: str | None = None
    pending: str | None = None
    effective: str | None = None
    request_id: str | None = None
    paused_until: str | None = None


class UserFacts(Facts, tag="user", frozen=True, gc=False):
    """A person's account. `role`: owner, admin, member or the vendor's word; `protected`: the API refuses to end it;
    `undeletable`: it refuses to delete it alone, and can keep it out. `elsewhere`: the directory that it comes from, in which
    alone it can be ended."""

    email: str = ""
    role: str = ""
    protected: bool = False
    elsewhere: str = ""
    undeletable: bool = False


class SessionFacts(Facts, tag="session", frozen=True, gc=False):
    user: str = ""


class ApiKeyFacts(Facts, tag="api_key", frozen=True, gc=False):
    """A key. `user` is the remote id of whom it belongs to; `last_used` ISO 8601 or None where the vendor does not
    say."""

    user: str = ""
    last_used: str | None = None


class IntegrationFacts(Facts, tag="integration", frozen=True, gc=False):
    """`type`: webhook, oauth_app, workflow or the vendor's word; `target` may hold an address, never a secret."""

    type: str = ""
    target: str = ""
    last_used: str | None = None


class ModuleFacts(Facts, tag="module", frozen=True, gc=False):
    """`data_effect` of switching it off, as the vendor says: keeps, clears, unknown."""

    data_effect: str = "unknown"


class DatasetFacts(Facts, tag="dataset", frozen=True, gc=False):
    """`rows` None where the vendor gives no count; `exact` false where it is an estimate; `bin_rows` what its bin
    holds. `purge_after`: datasets whose rows refer to these and cannot do without them, so that they go first. `as_of`:
    where rows are not read from the vendor but from what somebody exported, the time of that export, ISO 8601 UTC;
    `encoding`: how that is read as text, and `guessed` where nobody and nothing says so; `uncounted`: nobody wrote down what
    the vendor counts; `faults`: what is wrong with it, and has to be right before it is archived."""

    rows: int | None = None
    exact: bool = True
    attachments: int | None = None
    exportable: bool = True
    bin_rows: int | None = None
    purge_after: tuple[str, ...] = ()
    as_of: str | None = None
    encoding: str | None = None
    guessed: bool = False
    uncounted: bool = False
    faults: tuple[Diagnostic, ...] = ()


class BinFacts(Facts, tag="bin", frozen=True, gc=False):
    rows: int | None = None


class AccountFacts(Facts, tag="account", frozen=True, gc=False):
    """`status`: open, closing, closed; `closes_at` ISO 8601."""

    status: str = "open"
    closes_at: str | None = None


AnyFacts = (
    NoFacts
    | TenantFacts
    | SubscriptionFacts
    | UserFacts
    | SessionFacts
    | ApiKeyFacts
    | IntegrationFacts
    | ModuleFacts
    | DatasetFacts
    | BinFacts
    | AccountFacts
)


class Resource(msgspec.Struct, frozen=True, gc=False):
    """One listing row. `id` is the remote id and the identity; `label` is for people. `fingerprint` is the vendor's
    own version mark of the row, or empty; what a step expects is compared by phase and, where the vendor has one, by
    fingerprint."""

    kind: Kind
    id: str
    label: str = ""
    phase: Phase = Phase.PRESENT
    facts: AnyFacts = NoFacts()
    pending_until: str | None = None

    @property
    def address(self) -> Address:
        return make_address(self.kind, self.id)

    @property
    def fingerprint(self) -> str:
        """Digest of what makes this row another thing to act on: kind, id, phase and, of the facts, whose it is and
        what it may do."""
        return fingerprint(self)


def fingerprint(resource: Resource) -> str:
    """See `Resource.fingerprint`. Counts, labels and times are left out: they move every minute and mean nothing for
    the act."""
    facts = resource.facts
    salient: tuple[object, ...] = ()
    if isinstance(facts, UserFacts):
        salient = (facts.role, facts.protected)
    elif isinstance(facts, ApiKeyFacts | SessionFacts):
        salient = (facts.user,)
    elif isinstance(facts, SubscriptionFacts):
        salient = (facts.plan, facts.status, facts.pending, facts.effective, facts.term_end)
    elif isinstance(facts, ModuleFacts):
        salient = (facts.data_effect,)
    elif isinstance(facts, DatasetFacts):
        salient = (facts.exportable,)
    elif isinstance(facts, IntegrationFacts):
        salient = (facts.type, facts.target)
    text = repr((resource.kind.value, resource.id, resource.phase.value, salient))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a configured credential is: `use` read or write; the user and key that it belongs to, where the vendor says
    so. `whole_view` is true only where it is proved that this credential sees everything of the tenant; `attestable`:
    the vendor's API can never prove that, so that an operator's written word (`provider.coverage`) may stand in;
    `rights` are the vendor's words. `keyless`: the credential is no key of any listing (somebody's password): whatever
    keys are listed, none of them is ours. `ahead`: the minutes by which the vendor's clock is ahead of this machine's, where
    its answers say what time it is and the two do not agree."""

    use: str
    tenant: str
    tenant_name: str = ""
    user: str | None = None
    key: str | None = None
    email: str = ""
    may_write: bool = False
    whole_view: bool = False
    attestable: bool = False
    rights: tuple[str, ...] = ()
    keyless: bool = False
    ahead: int = 0


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """A listing that is not complete, and why (a catalogue code such as `gap.denied`)."""

    kind: Kind
    why: str
    detail: str = ""


class Listing(msgspec.Struct, frozen=True):
    """The rows of one kind. `complete` is claimed only where the vendor's paging ended properly and the view is proved
    whole."""

    kind: Kind
    resources: tuple[Resource, ...]
    complete: bool = True
    gap: Gap | None = None


class Survey(msgspec.Struct, frozen=True):
    """Everything observed at one time. `taken_at` ISO 8601 UTC. `calls` counts the requests that it cost."""

    tenant: str
    resources: tuple[Resource, ...]
    complete: frozenset[Kind]
    identities: tuple[Identity, ...]
    gaps: tuple[Gap, ...] = ()
    taken_at: str = ""
    calls: int = 0

    def of(self, kind: Kind) -> tuple[Resource, ...]:
        """The rows of a kind, in the order of their ids."""
        return tuple(found for found in self.resources if found.kind is kind)


def survey(
    tenant: str, listings: list[Listing], identities: list[Identity], taken_at: str = "", calls: int = 0
) -> Survey:
    """A Survey from listings in any order: the same rows always give the same value. A row that was listed twice (a
    listing may change between its pages) counts once; where its phases differ, its phase is unknown."""
    rows: dict[tuple[str, str], Resource] = {}
    for row in (row for listing in listings for row in listing.resources):
        known = rows.setdefault((row.kind.value, row.id), row)
        if known is not row and known != row:
            rows[row.kind.value, row.id] = _agreed(known, row)
    resources = [rows[place] for place in sorted(rows)]
    gaps = tuple(sorted((each.gap for each in listings if each.gap), key=lambda gap: (gap.kind.value, gap.why)))
    partial = {each.kind for each in listings if not each.complete}
    complete = frozenset(each.kind for each in listings if each.kind not in partial)
    return Survey(tenant, tuple(resources), complete, tuple(identities), gaps, taken_at, calls)


def _agreed(first: Resource, second: Resource) -> Resource:
    """What two rows of one thing have in common: of other facts the one that sorts first, of other phases none."""
    phase = first.phase if first.phase is second.phase else Phase.UNKNOWN
    return msgspec.structs.replace(min(first, second, key=msgspec.json.encode), phase=phase)

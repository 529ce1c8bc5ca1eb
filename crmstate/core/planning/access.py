"""Who can still get in: users, sessions, keys, integrations; and our own access, which goes last."""

from __future__ import annotations

from crmstate.core.address import Address
from crmstate.core.goal import ListGoal, UsersGoal
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft, match
from crmstate.core.provider import Args
from crmstate.core.survey import ApiKeyFacts, Resource, SessionFacts, UserFacts
from crmstate.core.words import How, Kind, Mode, Phase, Severity, Undo, Verb

_LISTS: tuple[tuple[str, Kind, Verb, Stage], ...] = (
    ("sessions", Kind.SESSION, Verb.SIGN_OUT, Stage.SESSIONS),
    ("api_keys", Kind.API_KEY, Verb.REVOKE, Stage.KEYS),
    ("integrations", Kind.INTEGRATION, Verb.DELETE, Stage.INTEGRATIONS),
    ("settings", Kind.SETTING, Verb.RESET, Stage.SETTINGS),
)


def access(draft: Draft) -> None:
    """Plans the end of everybody's access, then of our own."""
    users(draft)
    for name, kind, verb, stage in _LISTS:
        goal: ListGoal | None = getattr(draft.desired, name)
        if goal is None:
            continue
        if goal.status == "active":
            bring_back(draft, kind, goal)
        else:
            listed(draft, kind, verb, stage, goal)
    if _ends_access(draft):
        own_access(draft)


def _ends_access(draft: Draft) -> bool:
    goals = (draft.desired.api_keys, draft.desired.users, draft.desired.account)
    return any(goal is not None and goal.status != "active" for goal in goals)


def chosen(draft: Draft, kind: Kind, goal: UsersGoal | ListGoal) -> list[Resource] | None:
    """The resources that a goal speaks of, or None where a selector names nothing: then nobody is touched."""
    rows = draft.by_kind[kind]
    only, lost_only = match(goal.only, rows)
    kept, lost_keep = match([each.who for each in goal.keep], rows)
    complete = kind in draft.survey.complete
    for selector in [*lost_only, *lost_keep]:
        gone = selector.id is not None and complete and draft.state.entries and selector in lost_only
        if not gone:
            draft.report("CRM-P001", span=selector.span, kind=kind.value, who=str(selector))
    if lost_keep or (lost_only and not draft.state.entries):
        return None
    return [row for row in rows if row.id not in kept and (not goal.only or row.id in only)]


def users(draft: Draft) -> None:
    """People: by the provider's verb for `removed`, or by the verb that the manifest names."""
    goal = draft.desired.users
    if goal is None:
        return
    if goal.status == "active":
        bring_back(draft, Kind.USER, goal)
        return
    verbs = {"removed": draft.provider.removal.get(Kind.USER, Verb.DEACTIVATE), "deactivated": Verb.DEACTIVATE}
    verb = verbs.get(goal.status, Verb.DELETE)
    cell = draft.provider.cell(Kind.USER, verb)
    if cell is not None and "needs_active_owner" in cell.attributes:
        draft.attributes.add("users.needs_active_owner")
    if not goal.only:
        draft.incomplete(Kind.USER, verb, Stage.USERS, goal.span)
    picked = chosen(draft, Kind.USER, goal)
    if picked is None:
        return
    args = _transfer(draft, goal, picked)
    why = message(f"why.user.{goal.status}")
    closing = draft.desired.account is not None and draft.desired.account.status == "deleted"
    for row in picked:
        facts = row.facts
        if row.phase is not Phase.PRESENT and row.phase is not Phase.PENDING and goal.status == "removed":
            draft.keep(Kind.USER)
        elif isinstance(facts, UserFacts) and (facts.protected or row.id in draft.own_users):
            _stays(draft, row, verb, closing, goal)
        else:
            draft.act(row, verb, Stage.USERS, why, span=goal.span, args=args, removal=True)
    _someone_stays(draft, goal, {row.id for row in picked}, closing)


def _transfer(draft: Draft, goal: UsersGoal, picked: list[Resource]) -> Args | None:
    if goal.transfer_to is None:
        return None
    heirs, lost = match([goal.transfer_to], draft.by_kind[Kind.USER])
    if lost or len(heirs) != 1:
        draft.report("CRM-P001", span=goal.transfer_to.span, kind="user", who=str(goal.transfer_to))
        return None
    heir = next(iter(heirs))
    if any(row.id == heir for row in picked) and heir not in draft.own_users:
        draft.report("CRM-P002", span=goal.transfer_to.span, who=str(goal.transfer_to))
    return Args(transfer_to=heir)


def _stays(draft: Draft, row: Resource, verb: Verb, closing: bool, goal: UsersGoal) -> None:
    """A user that the API refuses to end (the owner, ourselves) ends with the account, or by a person's hand."""
    if row.phase is not Phase.PRESENT:
        draft.keep(Kind.USER)
    elif not closing:
        code = "blocked.own_user" if row.id in draft.own_users else "blocked.protected"
        draft.block(row.address, verb, Stage.OWN.value, message(code), label=draft.label(row), span=goal.span)


def _someone_stays(draft: Draft, goal: UsersGoal, picked: set[str], closing: bool) -> None:
    staying = [
        row
        for row in draft.by_kind[Kind.USER]
        if row.phase is Phase.PRESENT and (row.id not in picked or row.id in draft.own_users or _protected(row))
    ]
    if not staying and not closing and any(row.phase is Phase.PRESENT for row in draft.by_kind[Kind.USER]):
        draft.report("CRM-P003", span=goal.span)


def _protected(row: Resource) -> bool:
    return isinstance(row.facts, UserFacts) and row.facts.protected


def listed(draft: Draft, kind: Kind, verb: Verb, stage: Stage, goal: ListGoal) -> None:
    """A goal for every row of a listing."""
    if not goal.only:
        draft.incomplete(kind, verb, stage, goal.span)
    if kind is Kind.API_KEY and not _own_keys_known(draft, goal, verb, stage):
        return
    picked = chosen(draft, kind, goal)
    if picked is None:
        return
    own_sessions = draft.own_users if kind is Kind.SESSION else set()
    why = message(f"why.{kind.value}.{goal.status}")
    for row in picked:
        if kind is Kind.API_KEY and row.id in draft.own_keys:
            continue
        if isinstance(row.facts, SessionFacts) and row.facts.user in own_sessions:
            continue
        draft.act(row, verb, stage, why, span=goal.span, removal=kind in (Kind.API_KEY, Kind.INTEGRATION))


def _own_keys_known(draft: Draft, goal: ListGoal, verb: Verb, stage: Stage) -> bool:
    """Bulk revocation is blocked while one of our own keys cannot be matched in the listing."""
    if goal.only:
        return True
    seen = {row.id for row in draft.by_kind[Kind.API_KEY]}
    unknown = [each.use for each in draft.survey.identities if each.key is None or each.key not in seen]
    for use in unknown:
        why = message("blocked.own_key_unknown", use=use)
        draft.block(_any(Kind.API_KEY), verb, stage.value, why, span=goal.span)
    return not unknown


def _any(kind: Kind) -> Address:
    return Address(f"{kind.value}/*")


def own_access(draft: Draft) -> None:
    """Our own keys: revoked by ourselves after everything else, the writing one last; or they end with the account."""
    goal = draft.desired.api_keys
    account = draft.desired.account
    rows = {row.id: row for row in draft.by_kind[Kind.API_KEY] if isinstance(row.facts, ApiKeyFacts)}
    close = draft.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
    closing = account is not None and account.status == "deleted"
    ordered = sorted((each for each in draft.survey.identities if each.key), key=lambda each: each.use != "read")
    keys = list(dict.fromkeys(each.key for each in ordered if each.key))
    if closing and close is not None and "ends_api" in close.attributes:
        for key in keys:
            if key in rows and rows[key].phase is Phase.PRESENT:
                _ends_with_account(draft, rows[key])
        return
    if goal is None or goal.status == "active" or goal.only:
        return
    kept, _ = match([each.who for each in goal.keep], list(rows.values()))
    needs: tuple[str, ...] = ()
    for key in keys:
        if key in rows and key not in kept:
            step = draft.act(
                rows[key], Verb.REVOKE, Stage.OWN, message("why.own_key"), span=goal.span, needs=needs, undo=Undo.NEVER
            )
            needs = (step.id,) if step is not None else needs


def _ends_with_account(draft: Draft, row: Resource) -> None:
    if draft.recorded(row.address, Verb.PROBE) is None:
        draft.ours(
            row.address,
            Kind.API_KEY,
            Verb.PROBE,
            Stage.OWN.value,
            message("why.ends_with_account"),
            mode=Mode.WAIT,
            label=row.label,
        )


def bring_back(draft: Draft, kind: Kind, goal: UsersGoal | ListGoal) -> None:
    """`status: active`: takes back what is inside its window, and names what is lost."""
    picked = chosen(draft, kind, goal)
    cell = draft.provider.cell(kind, Verb.RESUME)
    for row in picked or ():
        if row.phase is Phase.INACTIVE and cell is not None and cell.how is not How.NONE:
            stage = {Kind.USER: Stage.USERS, Kind.INTEGRATION: Stage.INTEGRATIONS}.get(kind, Stage.PREPARE)
            draft.act(row, Verb.RESUME, stage, message("why.resume"), span=goal.span, after=Phase.PRESENT)
        elif row.phase is Phase.PRESENT:
            draft.keep(kind)
        else:
            draft.report("CRM-P004", Severity.WARNING, goal.span, row.address)
    for entry in draft.state.entries.values():
        if entry.address.startswith(f"{kind.value}/") and entry.verb is Verb.DELETE and entry.outcome.value == "done":
            draft.report("CRM-P004", Severity.WARNING, goal.span, entry.address)

"""Who can still get in: users, sessions, keys, integrations; and our own access, which goes last."""

from __future__ import annotations

from crmstate.core.address import Address, address
from crmstate.core.goal import ListGoal, Selector, UsersGoal
from crmstate.core.message import Message, message
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft, match, satisfied
from crmstate.core.planning.hands import OWN, by_hand, unlisted
from crmstate.core.provider import Args
from crmstate.core.safeguard import ENDING, ended
from crmstate.core.survey import ApiKeyFacts, Resource, SessionFacts, UserFacts
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Severity, Undo, Verb

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
    only, lost_only = match(goal.only, rows, single=True)
    kept, lost_keep = match([each.who for each in goal.keep], rows)
    lost = [(selector, Severity.ERROR) for selector in lost_keep]
    lost += [
        (selector, weight) for selector in lost_only if (weight := _weight(draft, kind, selector, rows)) is not None
    ]
    for selector, severity in lost:
        draft.report("CRM-P001", severity, selector.span, kind=kind.value, who=str(selector))
    if any(severity is Severity.ERROR for _, severity in lost):
        return None
    return [row for row in rows if row.id not in kept and (not goal.only or row.id in only)]


def _weight(draft: Draft, kind: Kind, selector: Selector, rows: list[Resource]) -> Severity | None:
    """How bad it is that an `only` selector names nothing: not at all where the record shows that we ended it
    ourselves, a warning where it may be one of those that we ended (the record keeps ids, not mails), otherwise an
    error. One that fits several is always an error: a namesake is not guessed at."""
    if kind not in draft.survey.complete or match([selector], rows)[0]:
        return Severity.ERROR
    if selector.id is not None:
        place = address(kind, selector.id)
        return None if any(draft.state.latest(place, verb) is not None for verb in ENDING) else Severity.ERROR
    return Severity.WARNING if ended(draft, kind) else Severity.ERROR


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
    if unlisted(draft, Kind.USER, verb):
        by_hand(draft, Kind.USER, verb, Stage.USERS, _why_by_hand(Kind.USER, goal), span=goal.span)
        return
    if cell is not None and "needs_active_owner" in cell.attributes:
        draft.attributes.add("users.needs_active_owner")
    if not goal.only:
        draft.incomplete(Kind.USER, verb, Stage.USERS, goal.span)
    picked = chosen(draft, Kind.USER, goal)
    if picked is None:
        return
    args = _transfer(draft, goal, picked)
    why = message(f"why.user.{goal.status}")
    closing = draft.desired.closing
    goes = Phase.INACTIVE if goal.status == "removed" else cell.after if cell is not None else Phase.ABSENT
    for row in picked:
        facts = row.facts
        if satisfied(row.phase, goes):
            draft.keep(Kind.USER)
        elif _protected(row, verb) or row.id in draft.own_users:
            _stays(draft, row, verb, closing, goal)
        elif isinstance(facts, UserFacts) and facts.elsewhere:
            there = message("why.user.elsewhere", where=facts.elsewhere)
            draft.act(row, verb, Stage.USERS, there, span=goal.span, hand=True)
        else:
            draft.act(row, verb, Stage.USERS, why, span=goal.span, args=args, removal=True)
    if cell is not None and "keys_outlive" in cell.attributes:
        _keys_left(draft, goal, {row.id for row in picked} - draft.own_users)
    _someone_stays(draft, goal, {row.id for row in picked}, verb, closing)


def _keys_left(draft: Draft, goal: UsersGoal, leaving: set[str]) -> None:
    """A warning where people go and their keys stay: at this vendor a key works without its user."""
    keys = draft.desired.api_keys
    if keys is not None and keys.status != "active":
        return
    rows = (row for row in draft.by_kind[Kind.API_KEY] if row.phase is Phase.PRESENT)
    left = sum(isinstance(row.facts, ApiKeyFacts) and row.facts.user in leaving for row in rows)
    if left:
        draft.report("CRM-P005", Severity.WARNING, goal.span, keys=left)


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
    if not closing:
        if row.id in draft.own_users:
            why = message("blocked.own_user")
        else:
            why = message("blocked.protected") if _protected(row) else message("blocked.undeletable")
        draft.block(row.address, verb, Stage.OWN.value, why, label=draft.label(row), span=goal.span)


def _someone_stays(draft: Draft, goal: UsersGoal, picked: set[str], verb: Verb, closing: bool) -> None:
    staying = [
        row
        for row in draft.by_kind[Kind.USER]
        if row.phase is Phase.PRESENT and (row.id not in picked or row.id in draft.own_users or _protected(row, verb))
    ]
    if not staying and not closing and any(row.phase is Phase.PRESENT for row in draft.by_kind[Kind.USER]):
        draft.report("CRM-P003", span=goal.span)


def _protected(row: Resource, verb: Verb | None = None) -> bool:
    """Whether the API refuses to end a user, whatever the verb, or by this one."""
    facts = row.facts
    return isinstance(facts, UserFacts) and (facts.protected or (verb is Verb.DELETE and facts.undeletable))


def listed(draft: Draft, kind: Kind, verb: Verb, stage: Stage, goal: ListGoal) -> None:
    """A goal for every row of a listing."""
    if unlisted(draft, kind, verb):
        by_hand(draft, kind, verb, stage, _why_by_hand(kind, goal), span=goal.span)
        return
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


def _why_by_hand(kind: Kind, goal: UsersGoal | ListGoal) -> Message:
    """What a person is asked to end: all of a kind, or those that the manifest names, but for those that it keeps."""
    only = ", ".join(str(each) for each in goal.only)
    kept = ", ".join(str(each.who) for each in goal.keep)
    code = "why.by_hand.only" if only else "why.by_hand.but" if kept else f"why.by_hand.{kind.value}"
    return message(code, kind=kind.value, only=only, kept=kept)


def _own_keys_known(draft: Draft, goal: ListGoal, verb: Verb, stage: Stage) -> bool:
    """Bulk revocation is blocked while one of our own keys cannot be matched in the listing."""
    if goal.only:
        return True
    seen = {row.id for row in draft.by_kind[Kind.API_KEY]}
    ours = [each for each in draft.survey.identities if not each.keyless]
    unknown = [each.use for each in ours if each.key is None or each.key not in seen]
    for use in unknown:
        why = message("blocked.own_key_unknown", use=use)
        draft.block(_any(Kind.API_KEY), verb, stage.value, why, span=goal.span)
    return not unknown


def _any(kind: Kind) -> Address:
    return Address(f"{kind.value}/*")


def own_access(draft: Draft) -> None:
    """Our own keys: revoked by ourselves after everything else, the writing one last; or they end with the account."""
    goal = draft.desired.api_keys
    if unlisted(draft, Kind.API_KEY, Verb.REVOKE):
        _own_by_hand(draft, goal)
        return
    rows = {row.id: row for row in draft.by_kind[Kind.API_KEY] if isinstance(row.facts, ApiKeyFacts)}
    close = draft.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
    closes = draft.desired.closing and close is not None and "ends_api" in close.attributes
    ordered = sorted((each for each in draft.survey.identities if each.key), key=lambda each: each.use != "read")
    keys = list(dict.fromkeys(each.key for each in ordered if each.key))
    if closes or "cancel.ends_api" in draft.attributes:
        for key in keys:
            if key in rows and rows[key].phase is Phase.PRESENT:
                _ends_with_account(draft, rows[key])
        return
    if goal is None or goal.status == "active":
        return
    kept, lost = match([each.who for each in goal.keep], list(rows.values()))
    only, _ = match(goal.only, list(rows.values()), single=True)
    if lost:
        return
    needs: tuple[str, ...] = ()
    for key in keys:
        if key in rows and key not in kept and (not goal.only or key in only):
            step = draft.act(
                rows[key], Verb.REVOKE, Stage.OWN, message("why.own_key"), span=goal.span, needs=needs, undo=Undo.NEVER
            )
            needs = (step.id,) if step is not None else needs


def _own_by_hand(draft: Draft, goal: ListGoal | None) -> None:
    """Our own keys, where nobody can list them: a person ends them last of all. That they are dead is seen by their
    not working any more; as long as one works, nobody's word that it is gone counts."""
    if not draft.provider.credential:
        return  # there is nothing to sign in with
    ends = "cancel.ends_api" in draft.attributes
    close = draft.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
    ends = ends or (draft.desired.closing and close is not None and "ends_api" in close.attributes)
    if ends:
        _ends_with_account(draft, Resource(Kind.API_KEY, OWN))
    elif goal is not None and goal.status != "active" and not goal.only:
        works = bool(draft.survey.identities)
        why = message("why.own_key_by_hand")
        by_hand(draft, Kind.API_KEY, Verb.REVOKE, Stage.OWN, why, id=OWN, span=goal.span, stale=works)


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
    listed_now = {row.address for row in draft.by_kind[kind]}
    for entry in draft.state.entries.values():
        final = entry.verb in (Verb.DELETE, Verb.REVOKE) and entry.outcome is Outcome.DONE
        if final and entry.address.startswith(f"{kind.value}/") and entry.address not in listed_now:
            draft.report("CRM-P004", Severity.WARNING, goal.span, entry.address)

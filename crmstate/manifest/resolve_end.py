"""Resolving the end state: subscription, people, keys, modules, account."""

from __future__ import annotations

from typing import Protocol

from crmstate.core.goal import Keep, ListGoal, ModuleGoal, Selector, StatusGoal, SubscriptionGoal, UsersGoal
from crmstate.manifest.ending import Cancelled, Downgraded, Effective, EndState, OnDate, Paused, Selected
from crmstate.manifest.tree import Tree

_END = "end_state"


class _Listed(Protocol):
    @property
    def status(self) -> str: ...

    @property
    def keep(self) -> list[str | Selected] | None: ...

    @property
    def only(self) -> list[str | Selected] | None: ...


def subscription(end: EndState, tree: Tree) -> SubscriptionGoal | None:
    """The subscription's goal."""
    goal = end.subscription
    if goal is None:
        return None
    span = tree.key_span(_END, "subscription")
    if isinstance(goal, Cancelled):
        return SubscriptionGoal(goal.status, effective=_effective(goal.effective), span=span)
    if isinstance(goal, Paused):
        return SubscriptionGoal(goal.status, starts=goal.from_, until=goal.until, span=span)
    if isinstance(goal, Downgraded):
        return SubscriptionGoal(goal.status, effective=_effective(goal.effective), to=goal.to, span=span)
    return SubscriptionGoal(goal.status, span=span)


def _effective(effective: Effective) -> str:
    return effective.date if isinstance(effective, OnDate) else effective


def users(end: EndState, tree: Tree) -> UsersGoal | None:
    """The goal for people's access."""
    goal = end.users
    if goal is None:
        return None
    target = goal.transfer_records_to
    return UsersGoal(
        status=goal.status,
        keep=_keep(goal, tree, "users"),
        only=_only(goal, tree, "users"),
        transfer_to=_selector(target, tree, "users", "transfer_records_to") if target else None,
        span=tree.key_span(_END, "users"),
    )


def sessions(end: EndState, tree: Tree) -> ListGoal | None:
    """The goal for signed-in sessions."""
    return _list(end.sessions, tree, "sessions")


def api_keys(end: EndState, tree: Tree) -> ListGoal | None:
    """The goal for keys of the API."""
    return _list(end.api_keys, tree, "api_keys")


def integrations(end: EndState, tree: Tree) -> ListGoal | None:
    """The goal for webhooks, apps and workflows."""
    return _list(end.integrations, tree, "integrations")


def settings(end: EndState, tree: Tree) -> ListGoal | None:
    """The goal for custom settings."""
    return _list(end.settings, tree, "settings")


def modules(end: EndState, tree: Tree) -> tuple[ModuleGoal, ...]:
    """The goals for modules, in the order of the file."""
    return tuple(
        ModuleGoal(name, goal.status, goal.data_effect, tree.key_span(_END, "modules", name))
        for name, goal in (end.modules or {}).items()
    )


def account(end: EndState, tree: Tree) -> StatusGoal | None:
    """The goal for the account."""
    return StatusGoal(end.account.status, tree.key_span(_END, "account")) if end.account else None


def _list(goal: _Listed | None, tree: Tree, section: str) -> ListGoal | None:
    if goal is None:
        return None
    return ListGoal(goal.status, _keep(goal, tree, section), _only(goal, tree, section), tree.key_span(_END, section))


def _keep(goal: _Listed, tree: Tree, section: str) -> tuple[Keep, ...]:
    return tuple(
        Keep(_selector(item, tree, section, "keep", index), (item.why or "") if isinstance(item, Selected) else "")
        for index, item in enumerate(goal.keep or ())
    )


def _only(goal: _Listed, tree: Tree, section: str) -> tuple[Selector, ...]:
    return tuple(_selector(item, tree, section, "only", index) for index, item in enumerate(goal.only or ()))


def _selector(item: str | Selected, tree: Tree, *path: str | int) -> Selector:
    span = tree.span(_END, *path)
    if isinstance(item, Selected):
        return Selector(item.id, item.email, item.name, span)
    return Selector(email=item, span=span) if "@" in item else Selector(id=item, span=span)

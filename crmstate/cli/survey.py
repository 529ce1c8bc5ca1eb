"""Surveying and planning, as every command needs it that looks at the vendor or asks what is to be done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from crmstate.cli.compose import House, lineage
from crmstate.core.address import Address, address
from crmstate.core.audience import Audience
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Held
from crmstate.core.failure import Failure
from crmstate.core.plan import Plan
from crmstate.core.planning.draft import expired
from crmstate.core.planning.planner import plan as make_plan
from crmstate.core.ports import ReadSession
from crmstate.core.record import State
from crmstate.core.survey import Survey, survey
from crmstate.core.words import Exit, Kind, Outcome, Verb
from crmstate.engine.observe import departed, observe, stamp
from crmstate.providers.kit.explain import exit_of, explain

if TYPE_CHECKING:
    from crmstate.store.store import Store


def planned(
    house: House,
    state: State,
    sessions: list[ReadSession] | None = None,
    target: Collection[str] = (),
    exclude: Collection[str] = (),
    offline: bool = False,
    by_word: bool = False,
    resend: bool = False,
) -> Plan:
    """The plan of a manifest as of now. `sessions`: those that are open already, else every reading one. `offline`: the
    vendor is not asked, and only what concerns the archive is planned; with `by_word`, what people and papers have to prove
    as well. Raises Problem for credentials (7) and a vendor out of reach (1)."""
    seen = None if offline else seen_by(house, state, house.readers() if sessions is None else sessions)
    sealed = seen if isinstance(seen, str) else None
    found = seen if isinstance(seen, Survey) else _nothing(house, state)
    make = partial(
        make_plan,
        house.desired,
        found,
        state,
        house.provider,
        manifest=str(house.loaded.path),
        hypothetical=house.as_of is not None,
        sealed=sealed,
        offline=offline,
        by_word=by_word,
        lock=house.lock(state),
        views=house.views(state),
        laws=house.laws,
        audiences=() if offline else _audiences(house, state, found),
        resend=resend,
    )
    if (target or exclude) and sealed is None:
        _meant([*target, *exclude], found, state, make())
    return make(target=target, exclude=exclude)


def owed(house: House, state: State) -> Plan:
    """What people and papers have to prove by now, and what the archive asks for: from record and manifest alone."""
    return planned(house, state, offline=True, by_word=True)


def observed(house: House, state: State | None = None) -> Survey:
    """What the vendor shows now. `state`: what is on record. Raises Problem for credentials (7) and a vendor out of reach
    (1)."""
    try:
        return observe(house.readers(), house.clock, house.tenant, state or State(house.desired.name))
    except Failure as failure:
        raise Problem(exit_of(failure), explain(failure, state)) from failure


def seen_by(house: House, state: State, sessions: Sequence[ReadSession]) -> Survey | str:
    """What the vendor shows these sessions now; where it is out of reach by our own act, since when. Raises Problem for
    credentials (7) and a vendor out of reach otherwise (1)."""
    try:
        return observe(sessions, house.clock, house.tenant, state)
    except Failure as failure:
        sealed = departed(sessions, state, stamp(house.vendor_clock.now())) if state.departed() else None
        if sealed is None:
            raise Problem(exit_of(failure), explain(failure, state)) from failure
        return sealed


def _audiences(house: House, state: State, found: Survey) -> list[Audience]:
    """To whom the notices go that are not sent yet."""
    messenger = house.messenger(state)
    if messenger is None:
        return []
    places = {each.id: address(Kind.NOTICE, each.id) for each in house.desired.notices if each.told}
    done = {place for place in places.values() if _is_done(state, place, found.taken_at)}
    return [
        messenger.audience(each, lambda: found.of(Kind.USER))
        for each in house.desired.notices
        if each.told and places[each.id] not in done
    ]


def _is_done(state: State, place: Address, now: str) -> bool:
    entry = state.latest(place, Verb.NOTIFY)
    return entry is not None and entry.outcome is Outcome.DONE and not expired(entry, now)


def _meant(patterns: Sequence[str], found: Survey, state: State, whole: Plan) -> None:
    """Raises Problem (exit 64) for a pattern that names nothing: a mistyped target must not read as "no changes"."""
    known = {each.address for each in found.resources} | {each.address for each in state.entries.values()}
    known |= {each.address for each in whole.steps} | {each.address for each in whole.blocked}
    for pattern in patterns:
        if not any(fnmatchcase(each, pattern) for each in known):
            raise problem(Exit.USAGE, "CRM-C025", text=pattern)


def _nothing(house: House, state: State) -> Survey:
    """What can be said of a vendor that is out of reach by design: nothing, and not that anything is gone."""
    return survey(house.desired.tenant or state.tenant, [], [], stamp(house.clock.now()))


def begin(store: Store, house: House, tenant: str) -> None:
    """Begins the record where there is none, and records legal holds that the manifest names: leaving them out later
    lifts nothing."""
    if not store.head:
        store.create(lineage(), house.provider.name, tenant)
    new = [name for name in house.desired.holds if name not in store.state.holds]
    if new:
        at = stamp(house.clock.now())
        store.append([Held(at, name, house.by, "manifest") for name in new])

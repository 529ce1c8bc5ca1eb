"""Laws of applying, over random vendors, tenants and goals, with a vendor that fails in every way that it may."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.address import id_of, kind_of
from crmstate.core.closing import Closing, Result
from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Failure
from crmstate.core.fold import fold
from crmstate.core.plan import Plan
from crmstate.core.planning.planner import ready_now
from crmstate.core.words import Exit, Kind, Mode, Outcome, Phase, Proof, Verb
from crmstate.engine.stop import Stop

from ..core.strategies import LAW, OWN, providers, tenants, wishes
from .model import FAULTS, Bomb, Crash, Journal, Site, World, outcomes

ACTS = st.lists(st.sampled_from(FAULTS), max_size=12)
LOOKS = st.lists(st.sampled_from(["ok", "ok", "unavailable", "partial"]), max_size=6)
ENDS = {Verb.DEACTIVATE, Verb.DELETE, Verb.REVOKE, Verb.SIGN_OUT, Verb.RESET, Verb.DISABLE, Verb.CLOSE, Verb.CANCEL}


@st.composite
def sites(draw: st.DrawFn, plain: bool = False) -> Site:
    """A site that a validated manifest could describe."""
    seen = draw(tenants(whole=True))
    return Site(World(seen, draw(providers(plain=plain))), draw(wishes(seen, sane=True)))


def applied(site: Site, **more: Any) -> Closing | None:
    """One apply; a refusal of the whole plan, or a vendor that does not answer, changes nothing and is no end."""
    before = site.world.truth()
    try:
        return site.apply(**more)
    except (Problem, Failure):
        assert site.world.truth() == before
        return None


def obeyed(site: Site, calls: int) -> None:
    """What every single run has to leave behind."""
    world, state = site.world, site.state()
    assert world.repeats == [], "nothing that is for good is carried out twice"
    made = site.plan
    allowed = {(s.kind, s.verb, id_of(s.address)) for s in made.steps if s.mode is Mode.AUTO} if made else set()
    for call in world.calls[calls:]:
        sent = {(call.kind, call.verb, call.parent or item.id) for item in call.items}
        assert sent <= allowed, "nothing is sent that the plan does not name"
    history = Journal(site.disk, Bomb()).history()
    assert msgspec.json.encode(fold("exit", history)) == msgspec.json.encode(msgspec.structs.replace(state, serial=0))
    for entry in state.entries.values():
        if entry.outcome is Outcome.DONE and entry.proof is Proof.OBSERVED and entry.verb in ENDS:
            thing = world.thing(kind_of(entry.address), id_of(entry.address))
            assert thing is not None
            assert thing.phase in (Phase.INACTIVE, Phase.ABSENT) or thing.goal is not None, (
                f"{entry.verb} {entry.address} is said to be done"
            )


@LAW
@given(sites())
def test_after_a_full_apply_nothing_is_ready_to_be_done(site: Site) -> None:
    settled(site)


@LAW
@given(sites(plain=True))
def test_where_the_api_can_do_everything_nothing_is_left_but_what_is_blocked(site: Site) -> None:
    made = settled(site)
    if made is not None and not made.errors and not made.blocked:
        assert [step for step in made.steps if step.mode is not Mode.WAIT or step.kind is not Kind.API_KEY] == []


def settled(site: Site, most: int = 14) -> Plan | None:
    """Applies until two runs in a row changed nothing, then nothing is ready; the last plan, None where the vendor is
    out of reach."""
    quiet = 0
    for _ in range(most):
        before, calls = site.condition(), len(site.world.calls)
        applied(site)
        obeyed(site, calls)
        site.world.advance(10)
        quiet = quiet + 1 if before == site.condition() else 0
        if quiet == 2:
            break
    assert quiet == 2, "every decommissioning comes to an end"
    try:
        made = site.planned()
    except Failure:
        return None
    assert ready_now(made) == []
    return made


@LAW
@given(sites(), ACTS, LOOKS)
def test_when_all_faults_have_stopped_the_end_is_reached_all_the_same(
    site: Site, acts: list[str], looks: list[str]
) -> None:
    site.world.acts, site.world.looks = deque(acts), deque(looks)
    settled(site, most=20 + len(acts))


@LAW
@given(sites(), ACTS, st.integers(0, 160), st.sampled_from(["before", "after"]))
def test_a_crash_among_faults_is_survived(site: Site, acts: list[str], at: int, mode: str) -> None:
    site.world.acts = deque(acts)
    calls = len(site.world.calls)
    with suppress(Crash):
        applied(site, bomb=Bomb(at, mode))
    obeyed(site, calls)
    site.world.advance(1)
    settled(site, most=20 + len(acts))


@LAW
@given(sites(), ACTS, st.integers(0, 120))
def test_being_asked_to_stop_ends_cleanly_and_the_rest_follows(site: Site, acts: list[str], at: int) -> None:
    """What runs is finished, nothing new is begun, and the record says so."""
    site.world.acts = deque(acts)
    stop = Stop()
    bomb = Bomb(at, then=stop.ask)
    calls = len(site.world.calls)
    closing = applied(site, bomb=bomb, stop=stop)
    obeyed(site, calls)
    if closing is not None and stop.asked:
        at_the_end = at == len(bomb.seen) - 1
        assert closing.exit in (Exit.INTERRUPTED, Exit.STALE, Exit.REFUSED, Exit.CREDENTIALS) or at_the_end
        assert Outcome.INTENDED not in {entry.outcome for entry in site.state().entries.values()}
    settled(site, most=20 + len(acts))


@LAW
@given(sites())
def test_who_is_kept_stays_as_they_are(site: Site) -> None:
    desired, kept = site.desired, set()
    for kind, goal in {
        Kind.USER: desired.users,
        Kind.API_KEY: desired.api_keys,
        Kind.SESSION: desired.sessions,
        Kind.INTEGRATION: desired.integrations,
    }.items():
        everybody = {id for each, id in site.world.things if each is kind}
        if goal is None:
            kept |= {(kind, id) for id in everybody}
        else:
            kept |= {(kind, each.who.id) for each in goal.keep}
            kept |= {(kind, id) for id in everybody if goal.only and id not in {each.id for each in goal.only}}
    settled(site)
    assert {place for place in kept if site.world.things[place].phase is not Phase.PRESENT} == set()  # type: ignore[index]


@LAW
@given(sites(), ACTS)
def test_what_is_not_archived_given_up_or_ended_in_writing_is_still_there_at_the_end(
    site: Site, acts: list[str]
) -> None:
    """Every row that has left the vendor is in the archive, or somebody wrote that it may go."""
    desired, before = site.desired, {name: dict(rows) for name, rows in site.world.data.items()}
    site.world.acts = deque(acts)
    settled(site, most=20 + len(acts))
    written = {each.dataset for each in desired.discard}
    closed = site.world.things[Kind.ACCOUNT, "acme"].phase is Phase.ABSENT
    for name, rows in before.items():
        if name in written or type(desired.archive).__name__ == "NoArchive":
            continue
        lost = set(rows) if closed else set(rows) - set(site.world.data[name])
        assert lost <= set(site.sealed.get(name, {})), name
        held = desired.purge is not None and name in desired.purge.holds
        assert not (held and lost), "what is held stays"


@LAW
@given(sites(), ACTS)
def test_our_own_keys_end_after_everything_else(site: Site, acts: list[str]) -> None:
    site.world.acts = deque(acts)
    settled(site, most=20 + len(acts))
    own = [
        number for number, call in enumerate(site.world.calls) if call.verb is Verb.REVOKE and call.items[0].id in OWN
    ]
    if own and "own" not in {blocked.stage for blocked in (site.plan.blocked if site.plan else ())}:
        assert {call.kind for call in site.world.calls[own[0] :]} == {Kind.API_KEY}


@LAW
@given(sites(), ACTS, LOOKS)
def test_every_step_of_a_plan_has_one_line_and_the_counts_agree(site: Site, acts: list[str], looks: list[str]) -> None:
    site.world.acts, site.world.looks = deque(acts), deque(looks)
    closing = applied(site)
    if closing is None or site.plan is None:
        return
    assert [line.step for line in closing.lines] == list(site.plan.steps)
    assert sum(closing.counts().values()) == len(site.plan.steps)
    state = site.state()
    for line in closing.lines:
        entry = state.entries.get(line.step.id)
        assert (line.result is Result.DONE) == (entry is not None and entry.outcome is Outcome.DONE), line.step.address
    assert state.last_exit == int(closing.exit)


@LAW
@given(sites(), ACTS, st.integers(2, 4))
def test_side_by_side_the_end_is_the_same(site: Site, acts: list[str], parallel: int) -> None:
    """Several workers change the order, never the end; unless a fault cost so much time that the contract's end took
    the API away first."""
    alone = Site(_copy(site.world), site.desired)
    settled(alone)
    site.parallel = parallel
    site.world.acts = deque(acts)
    settled(site, most=20 + len(acts))
    ends = {outcome for outcome, _ in outcomes(site.state()).values()}
    too_late = "failed" in ends and not site.world.alive("write")
    if ends.isdisjoint({"unknown", "requested"}) and not too_late:
        assert site.world.truth() == alone.world.truth()


def _copy(world: World) -> World:
    from copy import deepcopy

    return deepcopy(world)

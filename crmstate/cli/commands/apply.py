"""crmstate apply: reconciles the world with the manifest, by exactly the steps that were shown, or fewer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crmstate.cli.commands.plan import show
from crmstate.cli.compose import House, run_id
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house
from crmstate.cli.options import (
    HERE,
    BriefOption,
    ColorOption,
    ExcludeOption,
    Format,
    FormatOption,
    LangOption,
    OfflineOption,
    TargetOption,
)
from crmstate.cli.planfile import is_plan, read_plan
from crmstate.cli.screen import Screen
from crmstate.cli.signals import two_stages
from crmstate.cli.survey import begin, planned
from crmstate.core.closing import Closing
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.failure import Failure
from crmstate.core.lacking import given_up, left_out
from crmstate.core.plan import Plan
from crmstate.core.planning.retention import ended
from crmstate.core.ports import ReadSession, Session
from crmstate.core.words import Exit
from crmstate.engine.absent import Absent
from crmstate.engine.admit import admit, gates_kept, gates_stand
from crmstate.engine.meter import Meter, planned_rows
from crmstate.engine.observe import departed, identify, stamp
from crmstate.engine.pool import Pool
from crmstate.engine.recover import farewell, recover
from crmstate.engine.rights import acts
from crmstate.engine.stop import Abandoned, Stop
from crmstate.engine.tasks import Context
from crmstate.engine.walk import Walk
from crmstate.providers.kit.explain import check_write, exit_of, explain

if TYPE_CHECKING:
    from crmstate.store.store import Store


@dataclass
class Wish:
    """What the command line asked for."""

    plan_id: str | None = None
    yes: bool = False
    parallel: int = 4
    target: Collection[str] = ()
    exclude: Collection[str] = ()
    offline: bool = False
    resend: bool = False
    detailed: bool = False
    ended: Callable[[Closing], None] | None = None
    """Who is told how the run ended, beside whoever reads the screen."""


def apply(
    what: Annotated[
        Path, typer.Argument(metavar="[MANIFEST or PLAN]", help="A manifest, or a plan saved by `plan --out`.")
    ] = HERE,
    plan_id: Annotated[str | None, typer.Option("--plan-id", help="Apply only if the plan is this one.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. Never replaces a plan id or an approval.")] = False,
    parallel: Annotated[int, typer.Option("--parallel", min=1, max=32, help="Calls side by side.")] = 4,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    offline: OfflineOption = False,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown", help="Send notices again whose answer was lost; who got them may get them twice."
        ),
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="0 nothing is left, 9 something waits or is blocked.")
    ] = False,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: BriefOption = False,
    no_color: ColorOption = False,
) -> int:
    """Carry out a plan, as far as it can be carried out now."""
    screen = Screen(format.value, lang, quiet, no_color)
    wish = Wish(plan_id, yes, parallel, target or (), exclude or (), offline, resend_unknown, detailed_exitcode)
    if is_plan(what):
        if wish.target or wish.exclude or offline or resend_unknown:
            raise problem(
                Exit.USAGE,
                "CRM-C001",
                text="--target, --exclude, --offline, --resend-unknown: a saved plan is applied as it is",
            )
        made, house = read_plan(what, screen)
        wish.plan_id = wish.plan_id or made.plan_id
    else:
        made, house = None, open_house(what, screen)
    return applied(house, screen, wish, made)


def applied(house: House, screen: Screen, wish: Wish, made: Plan | None) -> int:
    """Under the lock: recover, plan (unless a plan was given), ask, walk, close."""
    stop = Stop()
    try:
        with two_stages(stop, lambda: screen.say("apply.stopping")), house.store() as store:
            screen.show(store.notes if not screen.json else ())
            masked(house, store.state, screen)
            return _locked(house, screen, wish, made, store, stop)
    except Failure as failure:
        raise Problem(exit_of(failure), explain(failure, house.state())) from failure
    except Abandoned:
        raise problem(Exit.INTERRUPTED, "CRM-E013") from None


def _locked(house: House, screen: Screen, wish: Wish, made: Plan | None, store: Store, stop: Stop) -> int:
    run = run_id()
    if wish.offline or (made is not None and made.offline):
        return _alone(house, screen, wish, made, store, stop, run, [])
    readers, writer = house.readers(), house.writer()
    if store.head and _gone(readers, store, house, run):
        return _alone(house, screen, wish, made, store, stop, run, readers)
    if made is not None:
        admit(made, store.state, wish.plan_id)
        gates_stand(made, store.state, stamp(house.clock.now()))
    _, living = identify(readers, house.tenant, store.state)
    if store.head:
        recover(store, living[0], house.clock, run)
    if made is not None:
        gates_kept(made, planned(house, store.state, readers))
    else:
        made = planned(house, store.state, readers, wish.target, wish.exclude, resend=wish.resend)
        admit(made, store.state, wish.plan_id)
        if not screen.json and not (screen.quiet and wish.yes):
            show(made, screen, brief=False)
    house.check_place(made)
    if made.steps:
        _ask(made, screen, wish, stop)
        if made.summary.auto:
            check_write(writer.whoami(), house.provider)
            writer.rights(acts(made))
    begin(store, house, made.tenant)
    closing = _walk(house, screen, wish, made, store, stop, run, living[0], writer)
    return int(closing.exit)


def _alone(
    house: House,
    screen: Screen,
    wish: Wish,
    made: Plan | None,
    store: Store,
    stop: Stop,
    run: str,
    readers: list[ReadSession],
) -> int:
    """Without the vendor: what the archive itself asks for. A plan that was saved while the vendor was there is not
    carried out; what is to be done instead is shown."""
    meant = made is None or made.alone
    if store.head and meant:
        recover(store, None, house.clock, run)
    if made is None or not meant:
        made = planned(house, store.state, readers, wish.target, wish.exclude, offline=not readers, resend=wish.resend)
    if store.head:
        begin(store, house, made.tenant)
    if meant and made.steps:
        admit(made, store.state, wish.plan_id)
        if not screen.json and not (screen.quiet and wish.yes):
            show(made, screen, brief=False)
        house.check_place(made)
        _ask(made, screen, wish, stop)
        absent = Absent(house.provider)
        return int(_walk(house, screen, wish, made, store, stop, run, absent, absent).exit)
    left = bool(made.steps or made.blocked)
    exit = Exit.WAITING if wish.detailed and left else Exit.OK
    if not screen.json:
        show(made, screen)
        return int(exit)
    from crmstate.views.events import first_line

    screen.out(first_line())
    _show(Closing(run, exit, (), (), made.blocked), screen)
    return int(exit)


def _gone(readers: Sequence[ReadSession], store: Store, house: House, run: str) -> bool:
    """Whether the vendor is out of reach by our own act; what ended with it is recorded as seen. Nothing can be exported or
    purged any more: the key that was kept for that is destroyed."""
    if store.state.departed() is None or departed(readers, store.state, stamp(house.vendor_clock.now())) is None:
        return False
    farewell(store, readers, house.clock, run)
    house.forget_working_key()
    return True


def _ask(made: Plan, screen: Screen, wish: Wish, stop: Stop) -> None:
    """The question, on a terminal only; anywhere else `--yes` must have been written."""
    if wish.yes or not made.summary.ready:
        return
    if not sys.stdin.isatty() or screen.json:
        raise problem(Exit.USAGE, "CRM-C005")
    stop.idle = True
    if stop.asked:
        raise Abandoned
    screen.ask("ask.apply", count=len(made.steps), irreversible=made.summary.irreversible)
    answer = sys.stdin.readline().strip().casefold()
    stop.idle = False
    if answer not in ("yes", "y", "是"):
        raise problem(Exit.REFUSED, "CRM-C024")


def _walk(
    house: House,
    screen: Screen,
    wish: Wish,
    made: Plan,
    store: Store,
    stop: Stop,
    run: str,
    reader: ReadSession,
    writer: Session,
) -> Closing:
    from crmstate.cli.progress import progress

    desired = house.desired
    context = Context(run, house.provider, reader, writer, store, house.archiver(), house.clock, stop)
    context.messenger, context.resend = house.messenger(store.state, wish.parallel), wish.resend
    context.given_up, context.left_out = given_up(desired.discard), left_out(desired.archive, desired.discard)
    pool = Pool(wish.parallel)
    try:
        with progress(screen, made) as (announce, tell):
            if tell is not None:
                context.meter = Meter(house.clock, tell, planned_rows(made.steps))
            closing = Walk(made, context, pool, house.by, announce).go()
    except Abandoned:
        pool.close(abandon=True)
        raise
    except BaseException:
        pool.close()
        raise
    pool.close()
    if ended(store.state) is not None:
        house.forget_working_key()  # it opens nothing any more
    if wish.ended is not None:
        wish.ended(closing)
    if wish.detailed and closing.exit is Exit.OK and not closing.whole:
        closing = msgspec.structs.replace(closing, exit=Exit.WAITING)
    _show(closing, screen)
    return closing


def _show(closing: Closing, screen: Screen) -> None:
    import crmstate.views.closing as view

    renders = {"json": view.closing_json, "markdown": view.closing_markdown}
    if screen.format in renders:
        screen.out(renders[screen.format](closing, screen.catalogue))
    elif screen.quiet:
        screen.out(view.closing_brief(closing, screen.catalogue, color=screen.color))
    else:
        screen.out(view.closing_text(closing, screen.catalogue, color=screen.color))

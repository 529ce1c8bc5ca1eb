"""crmstate drift: what changed at the vendor since the record was written. Holds sessions that cannot write, and writes nothing
itself."""

from __future__ import annotations

from crmstate.cli.compose import House
from crmstate.cli.opening import opened
from crmstate.cli.options import HERE, ColorOption, Format, FormatOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.cli.survey import seen_by
from crmstate.core.drift import Drift
from crmstate.core.drift import drift as compare
from crmstate.core.record import State
from crmstate.core.words import Exit
from crmstate.engine.observe import stamp


def drift(
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Show what changed at the vendor since the last apply on record. Ends with 2 where something did."""
    from crmstate.views.drift import drift_json, drift_text

    screen = Screen(format.value, lang, quiet, no_color)
    house, state = opened(manifest, screen)
    found = drifted(house, state)
    if screen.json:
        screen.out(drift_json(found, screen.catalogue))
    elif found.changes or not screen.quiet:
        screen.out(drift_text(found, screen.catalogue, color=screen.color))
    return int(Exit.CHANGES if found.changes else Exit.OK)


def drifted(house: House, state: State) -> Drift:
    """What is otherwise than the record. Raises Problem for credentials (7) and a vendor out of reach (1)."""
    from crmstate.core.planning.planner import plan

    seen = seen_by(house, state, house.readers())
    if isinstance(seen, str):
        now = stamp(house.vendor_clock.now())
        return Drift(house.desired.name, house.tenant, now, state.serial, sealed=seen)
    made = plan(house.desired, seen, state, house.provider, manifest=str(house.loaded.path), laws=house.laws)
    return compare(house.desired, seen, state, made)

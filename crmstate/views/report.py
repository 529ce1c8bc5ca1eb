"""Report: where a decommissioning stands, as one HTML page for whoever answers for it: what is due, who has to act, what
is done and how well that is proved. `status` in other clothes: both show the same standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmstate.core.cost import Cost
from crmstate.core.event import AnyEvent
from crmstate.core.life import Life
from crmstate.core.plan import Deadline, Plan
from crmstate.core.record import State
from crmstate.core.reminders import Late
from crmstate.views import escape
from crmstate.views import page_parts as parts
from crmstate.views.catalogue import Catalogue
from crmstate.views.mask import masking
from crmstate.views.moments import moments
from crmstate.views.page import Page, html
from crmstate.views.standing import From, standing
from crmstate.views.status_text import overtaken
from crmstate.views.watching import said as looks


def report(
    state: State,
    plan: Plan | None,
    happened: Sequence[AnyEvent],
    words: Catalogue,
    *,
    now: str,
    tool: str,
    dates: Sequence[Deadline] = (),
    life: Life | None = None,
    cost: Cost | None = None,
    masked: bool = False,
    vendor: str = "",
    owed: bool = False,
    late: Mapping[str, Late] | None = None,
) -> bytes:
    """The page's bytes. `now`: the time as of which it speaks; `dates`, `life`, `cost`, `vendor` and `owed`: where no plan has them;
    `late`: what is overdue, by step id; `masked`: people become numbers."""
    words = words.escaping(escape.page)
    if masked:
        words = words.scrubbing(lambda scrub: masking(state, plan, (*happened, *dates), scrub))
    found = standing(state, plan, tuple(dates), now=now, late=late, life=life, vendor=vendor, owed=owed)
    past = moments(happened, state, words)
    notes = [] if found.planned else [words.text_of("status.offline")]
    notes += [looks(found.watch, words)] if found.watch is not None else []
    notes += overtaken(found, words)
    notes += [words.text_of("page.masked")] if masked else []
    page = Page(
        lang=words.lang,
        title=words.safe(found.name),
        about=parts.about(found, now, words),
        claim=parts.claimed(found, words),
        tone=parts.tone_of(found),
        tiles=parts.tiles(found, now, words),
        notes=tuple(notes),
        sections=parts.some(
            parts.overdue(found, words),
            parts.due(found, now, words),
            *(parts.waits(found, source, now, words) for source in From),
            *parts.contract(found.life, plan.cost if plan is not None else cost, words),
            parts.timeline(found, past, now, words),
            parts.proofs(found, words),
            parts.protections(found, words),
        ),
        foot=(words.text_of("page.foot", tool=tool, serial=found.serial), words.text_of("page.no_advice")),
    )
    return html(page)

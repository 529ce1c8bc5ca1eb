"""Page: one HTML page that stands alone: no script, no network, no file beside it. Made for a phone first, readable on
paper and in the dark.

Whatever is put in is text; jinja2 escapes all of it. The page forbids its reader's browser to fetch or to run anything,
its own style excepted, which is named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from jinja2 import Environment

    from crmstate.views.timeline import Drawing

TEMPLATES = Path(__file__).parent / "templates"
MARK = b'<meta name="generator" content="crmstate">'
"""In every page of ours."""


class Cell(msgspec.Struct, frozen=True):
    """A cell of a table. `tone`: classes of the style (a proof's name, number, code, when; nothing: it may be left out where
    there is little room)."""

    text: str
    tone: str = ""


class Card(msgspec.Struct, frozen=True):
    """Something with a date or a person: `lead` large, `title`, and sentences below. `tone`: late, soon, or nothing."""

    title: str
    lead: str = ""
    lines: tuple[str, ...] = ()
    tone: str = ""


class Section(msgspec.Struct, frozen=True):
    """A part of a page: any of a sentence, a drawing, a table, cards and a list, in this order."""

    id: str
    title: str
    text: str = ""
    drawing: Drawing | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    cards: tuple[Card, ...] = ()
    items: tuple[str, ...] = ()
    more: str = ""


class Tile(msgspec.Struct, frozen=True):
    """A number that is read first."""

    value: str
    label: str
    tone: str = ""


class Page(msgspec.Struct, frozen=True):
    """The whole. `claim`: the one sentence about it; `tone`: good, open or bad."""

    lang: str
    title: str
    about: str
    claim: str
    tone: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()


def html(page: Page) -> bytes:
    """The page's bytes: the same for the same page."""
    style = (TEMPLATES / "page.css").read_text("utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    text = _environment().get_template("page.html.j2").render(page=page, style=style, policy=policy)
    return (text.strip() + "\n").encode("utf-8", "replace")


def joined(parts: Sequence[str], by: str) -> str:
    """The parts that say something, joined."""
    return by.join(each for each in parts if each)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["numeric"] = lambda tone: "number" if "number" in tone.split() else ""
    made.filters["ours"] = Markup  # for the style alone, which is a file of ours
    return made

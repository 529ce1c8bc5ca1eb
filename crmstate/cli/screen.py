"""Screen: what a command writes to: language, format, scrubber and the two streams, in one value."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from crmstate.core.diagnostic import Diagnostic, Problem
from crmstate.core.message import message
from crmstate.core.secret import Scrubber

if TYPE_CHECKING:
    from crmstate.views.catalogue import Catalogue
    from crmstate.views.sink import Sink

FORMATS = ("text", "json", "markdown")
KNOWN = Scrubber()
"""Every secret that this process has learnt: whoever shows anything, a bug's traceback included, scrubs by it."""
WORN: list[Callable[[str], str]] = []
"""What takes people out of this command's texts, the last one being the one that counts: its errors are shown by another screen."""


@dataclass
class Screen:
    """The output of one command. `format`: text, json or markdown."""

    format: str = "text"
    lang: str | None = None
    quiet: bool = False
    no_color: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    scrubber: Scrubber = field(default_factory=lambda: KNOWN)
    mask: Callable[[str], str] | None = None
    """What takes people out of JSON; out of everything else the catalogue does (`masking.masked`)."""

    @cached_property
    def catalogue(self) -> Catalogue:
        from crmstate.views.catalogue import Catalogue, language

        return Catalogue(language(self.lang, self.environ), scrub=self.scrubber.scrub)

    @cached_property
    def sink(self) -> Sink:
        from crmstate.views.sink import Sink

        return Sink(sys.stdout, sys.stderr, self.scrubber.scrub, json=self.json)

    @property
    def json(self) -> bool:
        return self.format == "json"

    @property
    def color(self) -> bool:
        return not self.no_color and "NO_COLOR" not in self.environ and sys.stdout.isatty()

    def wear(self, mask: Callable[[str], str]) -> None:
        """Takes people out of everything from now on, and out of what ends this command."""
        self.catalogue = self.catalogue.scrubbing(lambda _: mask)
        self.mask = mask
        WORN.append(mask)

    def out(self, text: str) -> None:
        """Text for standard output."""
        if self.json and self.mask is not None:
            from crmstate.views.mask import masked_json

            text = masked_json(text, self.mask)
        self.sink.out(text)

    def say(self, code: str, **params: object) -> None:
        """A sentence of the catalogue, on standard error; nothing with --quiet."""
        if not self.quiet:
            self.ask(code, **params)

    def ask(self, code: str, **params: object) -> None:
        """A sentence that waits for an answer, on standard error: with --quiet as well."""
        self.sink.err(self.catalogue.text(message(code, **params)) + "\n")

    def show(self, found: Sequence[Diagnostic]) -> None:
        """Diagnostics: as JSON on standard output where JSON is asked for, else as text on standard error."""
        from crmstate.views import diagnostics

        if not found:
            return
        if self.json:
            with suppress(Problem):
                self.out(diagnostics.as_json(found, self.catalogue))
                return
        self.sink.err(diagnostics.as_text(found, self.catalogue, color=self.color))

"""Catalogue: codes become sentences, in the reader's language. The words stand in `locale/<language>/*.toml`, as flat
tables:

    ["why.user.removed"]
    text = "People can no longer sign in."

    ["CRM-P001"]
    summary = "No {kind:kind} is called {who}."
    hint = "…"

A gap `{rows}` takes a parameter; `{rows:,}` groups its digits; `{kind:kind}` looks its value up as a word
(`kind.user`); `{gap:code}` takes the sentence of the code that it holds; `{kinds:ours}` takes a text that a view has
already rendered, as it is; `{at:day}` shows an ISO day with its weekday, `{lead:period}` a period such as `60 days`.
Where a table has `one`, it stands in for `text` when `n` is 1. Parameters hold other people's text: they are scrubbed of
secrets and escaped before they are put in. Nothing raises: what is missing falls back to English, then to the code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.message import Message, Param
from crmstate.views.escape import Escape, page, terminal

LANGUAGES = ("en", "zh-CN")
LOCALE = Path(__file__).parent / "locale"
TABLE = re.compile(r'^\["', re.MULTILINE)
GAP = re.compile(r"\{([a-z_][a-z0-9_]*)(?::(,|[a-z_]+))?\}")

Table = Mapping[str, Mapping[str, str]]


def language(chosen: str | None, environ: Mapping[str, str]) -> str:
    """The language to speak: what was chosen, else CRMSTATE_LANG, else what the system's locale says; anything unknown
    is English."""
    names = ("CRMSTATE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = chosen or next((environ[name] for name in names if environ.get(name)), "")
    return "zh-CN" if wanted.casefold().startswith("zh") else "en"


@lru_cache(maxsize=4)
def load(lang: str) -> Table:
    """All entries of a language. The files are cut into their tables; each of these is parsed when it is asked for, since
    a command needs a few of a thousand."""
    found: dict[str, str] = {}
    for path in sorted((LOCALE / lang).glob("*.toml")):
        for part in TABLE.split(path.read_text("utf-8"))[1:]:
            found[part[: part.index('"')]] = part
    return _Entries(found)


class _Entries(Mapping[str, Mapping[str, str]]):
    """Tables of TOML by their name, `name"]` and the lines below it, each parsed once."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._parsed: dict[str, Mapping[str, str]] = {}

    def __getitem__(self, code: str) -> Mapping[str, str]:
        if code not in self._parsed:
            self._parsed[code] = tomllib.loads(self._texts[code].partition("]")[2])
        return self._parsed[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


_BROUGHT: dict[str, dict[str, Mapping[str, str]]] = {}


def bring(words: Mapping[str, Mapping[str, str]]) -> None:
    """Adds texts that a vendor's file brings along, by language and code. They never replace an entry of the
    catalogues."""
    for lang, entries in words.items():
        _BROUGHT.setdefault(lang, {}).update({code: {"text": text} for code, text in entries.items()})


def _same(text: str) -> str:
    return text


class Catalogue:
    """The words of one language, with the way in which other people's text is made harmless. `strict` (for tests)
    raises KeyError instead of falling back. `scrub` takes secrets out of parameters before escaping could disguise
    them."""

    def __init__(
        self, lang: str = "en", escape: Escape = terminal, scrub: Callable[[str], str] = _same, *, strict: bool = False
    ) -> None:
        self.lang = lang if lang in LANGUAGES else "en"
        self.strict = strict
        self._escape = escape
        self._scrub = scrub

    def escaping(self, escape: Escape) -> Catalogue:
        """The same words for another kind of output."""
        return Catalogue(self.lang, escape, self._scrub, strict=self.strict)

    def scrubbing(self, more: Callable[[Callable[[str], str]], Callable[[str], str]]) -> Catalogue:
        """The same words, with more taken out of other people's text."""
        return Catalogue(self.lang, self._escape, more(self._scrub), strict=self.strict)

    def safe(self, text: str) -> str:
        """Other people's text, fit for this output."""
        return self._escape(self._scrub(text))

    def plain(self, text: str) -> str:
        """Other people's text, scrubbed but not escaped: for measuring and shortening before `safe`."""
        return terminal(self._scrub(text))

    def text(self, said: Message) -> str:
        """The sentence of a message."""
        return self._render(said.code, "text", said.params)

    def text_of(self, code: str, /, **params: Param) -> str:
        """The sentence of a code."""
        return self._render(code, "text", params)

    def word(self, family: str, value: str) -> str:
        """A word of a closed vocabulary (`verb`, `kind`, `stage`); a value that has no entry is other people's text."""
        found = self._entry(f"{family}.{value}")
        return found["text"] if found is not None and "text" in found else self.safe(value)

    def day(self, value: str) -> str:
        """A day (ISO) with its weekday: the same words on every machine. What is no day is other people's text."""
        try:
            found = date.fromisoformat(value[:10])
        except ValueError:
            return self.text_of("day.unknown") if value == "?" else self.safe(value)
        weekdays, months = self.text_of("day.weekdays").split(), self.text_of("day.months").split()
        return self.text_of(
            "day.form",
            weekday=weekdays[found.weekday()],
            date=found.day,
            month=months[found.month - 1],
            year=str(found.year),
        )

    def period(self, value: str) -> str:
        """A period such as `60 days`, in words."""
        count, _, unit = value.partition(" ")
        if not count.isdecimal() or self._entry(f"period.{unit}") is None:
            return self.safe(value)
        return self._render(f"period.{unit}", "text", {"n": int(count)})

    def summary(self, found: Diagnostic) -> str:
        """What is wrong, in one line."""
        return self._render(found.code, "summary", _params(found))

    def detail(self, found: Diagnostic) -> str:
        """Why it matters; may be empty."""
        return self._render(found.code, "detail", _params(found), optional=True)

    def hint(self, found: Diagnostic) -> str:
        """What to do; may be empty."""
        return self._render(found.code, "hint", _params(found), optional=True)

    def _entry(self, code: str) -> Mapping[str, str] | None:
        found = load(self.lang).get(code) or _BROUGHT.get(self.lang, {}).get(code)
        if found is None and self.lang != "en" and not self.strict:
            found = load("en").get(code) or _BROUGHT.get("en", {}).get(code)
        return found

    def _render(self, code: str, part: str, params: Mapping[str, Param], optional: bool = False) -> str:
        entry = self._entry(code)
        if entry is not None and part == "text" and params.get("n") == 1 and "one" in entry:
            part = "one"
        template = entry.get(part) if entry is not None else None
        if template is None:
            return "" if optional else self._lost(code, params)
        if self._escape is page:
            template = template.replace("`", "")
        if "{" not in template:
            return template
        if self._escape is not terminal:
            template = template.replace("`", "")
        return GAP.sub(lambda gap: self._fill(gap, code, params), template).strip()

    def _fill(self, gap: re.Match[str], code: str, params: Mapping[str, Param]) -> str:
        name, form = gap[1], gap[2]
        value = params.get(name)
        if value is None:
            if self.strict:
                raise KeyError(f"{code}: no value for {gap[0]}")
            return "?"
        if isinstance(value, int):
            return f"{value:,}" if form == "," else str(value)
        if form == "code":
            rest = {key: each for key, each in params.items() if each != value}
            return (
                "" if value == code else self._render(value, "text", rest) if self._entry(value) else self.safe(value)
            )
        if form == "ours":
            return value
        if form in ("day", "period"):
            return self.day(value) if form == "day" else self.period(value)
        if form and form != ",":
            return self.word(form, value)
        return self.safe(value)

    def _lost(self, code: str, params: Mapping[str, Param]) -> str:
        """An entry that nobody wrote: the code and what it knows."""
        if self.strict:
            raise KeyError(f"{code} has no entry in {self.lang}")
        facts = ", ".join(f"{key}: {self.safe(str(value))}" for key, value in params.items())
        return f"{self.safe(code)} ({facts})" if facts else self.safe(code)


def _params(found: Diagnostic) -> Mapping[str, Param]:
    """A diagnostic's parameters; its address and place fill gaps of those names as well."""
    params: dict[str, Param] = {}
    if found.address is not None:
        params["address"] = found.address
    if found.span is not None:
        params["place"] = str(found.span)
    return {**params, **found.params}

"""Secret: a value that does not show itself; Scrubber: the last net over every text that leaves us."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

MASK = "[secret]"
SHORTEST = 8
_ESCAPE = re.compile(r"(?<=%)[0-9A-F]{2}|(?<=\\u)[0-9a-f]{4}")


class Secret:
    """A secret text. Printing, formatting, comparing by repr and pickling never show it; only `reveal()` does."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, to be put into a request and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)


class Scrubber:
    """Replaces every known secret (8 characters or more) in a text: raw, URL-encoded, in base64 and in JSON form, with
    the digits of escapes in either case and slashes escaped or not, as vendors write them."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: Secret | str) -> None:
        """Adds a secret, run-time and rotated tokens included. Shorter ones are ignored: they would scrub half the
        page."""
        text = secret.reveal() if isinstance(secret, Secret) else secret
        if len(text) < SHORTEST:
            return
        forms = {text, quote(text, safe=""), quote_plus(text), quote(text), json.dumps(text)[1:-1]}
        forms.add(json.dumps(text, ensure_ascii=False)[1:-1])
        forms |= {form.replace("/", "\\/") for form in forms}
        forms |= {_ESCAPE.sub(lambda found: found[0].swapcase(), form) for form in forms}
        raw = text.encode()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms |= {_stable(encode(b"\0" * shift + raw).decode(), shift, len(raw)) for shift in range(3)}
        self._forms |= {form for form in forms if len(form) >= SHORTEST}
        self._pattern = re.compile("|".join(re.escape(form) for form in sorted(self._forms, key=len, reverse=True)))

    def scrub(self, text: str) -> str:
        """The text with every known secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _stable(encoded: str, shift: int, length: int) -> str:
    """The part of a base64 text that depends on the secret alone, whatever stands before and after it."""
    first = -(-shift * 8 // 6)
    last = (shift + length) * 8 // 6
    return encoded[first:last].rstrip("=")

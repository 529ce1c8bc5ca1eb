"""Leak: the shapes of secrets that people paste into files. Finds and masks them; it never tells what it found."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from crmstate.core.secret import MASK

LONGEST = 2000

SHAPES: dict[str, str] = {
    "openai_stripe": r"\b(?:[srp]k[_-](?:live|test|proj|ant)[_-][A-Za-z0-9_-]{8,200}|sk[_-][A-Za-z0-9]{16,200})",
    "aws": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "github": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})",
    "gitlab": r"\bglpat-[A-Za-z0-9_-]{16,100}",
    "jwt": r"\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{0,4000})?",
    "slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}",
    "google": r"\bAIza[0-9A-Za-z_-]{35}",
    "zoho": r"\b1000\.[0-9a-f]{32}\.[0-9a-f]{32}\b",
    "hubspot": r"\bpat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "salesforce": r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{20,300}",
    "private_key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----",
    "age": r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,80}",
    "password_in_address": r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/@:'\"]{0,100}:[^\s/@'\"]{1,200}@",
    "webhook": r"\bhttps://(?:hooks\.slack\.com/services/|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=|"
    r"oapi\.dingtalk\.com/robot/send\?access_token=|open\.feishu\.cn/open-apis/bot/v2/hook/)[^\s'\"]{8,200}",
}

_SHAPE = re.compile("|".join(f"(?P<s{index}>{shape})" for index, shape in enumerate(SHAPES.values())))
_NAMES = tuple(SHAPES)
_TELLING = re.compile(r"(?i)^(?:.*[_-])?(?:secret|token|passwords?|passwd|pwd|api_?key|private_?key|credentials?)$")
_ASSIGNED = re.compile(
    r"(?i)(?P<key>[\w-]{0,60}(?:secret|token|password|passwd|pwd|api_?key|private_?key)['\"]?\s{0,20}[:=]\s{0,20})(?!\{|&|\*|\|\s*$|>\s*$)(?P<value>\S[^,}\]]*)"
)


def find(line: str) -> Iterator[tuple[int, str]]:
    """Where a line holds something that looks like a secret: the column (from 1) and the name of its shape."""
    for match in _SHAPE.finditer(line):
        name = match.lastgroup or "s0"
        yield match.start() + 1, _NAMES[int(name[1:])]


def mask(text: str) -> str:
    """The text without anything that looks like a secret, or stands after a key named like one. Long texts are cut."""
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + " …"
    hidden = _SHAPE.sub(MASK, text)
    return _ASSIGNED.sub(lambda match: match["key"] + MASK, hidden)


def telling(key: str) -> bool:
    """Whether a key says that its value is secret: `client_secret`, `token`."""
    return _TELLING.match(key) is not None


def random_looking(text: str) -> bool:
    """Whether a value looks drawn at random, as keys and tokens are: long, mixed, and of high entropy."""
    if len(text) < 20 or any(character.isspace() for character in text):
        return False
    kinds = sum(any(test(character) for character in text) for test in (str.islower, str.isupper, str.isdigit))
    counts = Counter(text)
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
    return kinds >= 2 and any(character.isdigit() for character in text) and entropy >= 3.3


def stands_for_itself(kind: str, name: str) -> bool:
    """Whether `{env: a8f5f1...}` holds the secret itself instead of a name."""
    return random_looking(name) and not (kind == "env" and name.isupper() and "_" in name)

"""Bounces: which mails came back, by a server's report on a delivery (RFC 3464, a `.eml`) or by a list of addresses.

A report counts only where it says `failed` of somebody: one of a delay, or of a delivery, says nothing of the kind. What
else stands in it is the server's, and is not believed: an address, and the Message-ID of the mail that came back.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email import policy
from email.message import Message
from pathlib import Path

from crmstate.core.address import Address, id_of
from crmstate.core.diagnostic import Span, problem
from crmstate.core.record import Told
from crmstate.core.words import Exit, Fate
from crmstate.people import recipients
from crmstate.people.addresses import Injection, NoAddress, address, fingerprint

MARK = re.compile(r"<([0-9a-f]{20})\.([^@<>]{1,100})@[^<>@]{1,255}>", re.ASCII)
"""What stands in the Message-ID of a notice: who, and which."""
DEEPEST = 40
FAILED = "failed"
_TOOK = frozenset({Fate.DELIVERED, Fate.UNKNOWN, Fate.SENDING})


@dataclass(frozen=True)
class Back:
    """A mail that came back: from `address`; `mark` and `notice` by its Message-ID, where the report shows one of ours."""

    address: str
    mark: str = ""
    notice: str = ""


def read(data: bytes, path: Path) -> list[Back]:
    """What came back by a file. Raises Problem where it says nothing of the kind, or a line of a list is no address."""
    found = _list(path) if path.suffix.casefold() in (".csv", ".txt") else list(_report(data))
    if not found:
        raise problem(Exit.INVALID, "CRM-N050", Span(path.name, 1, 1), file=path.name)
    return found


def _list(path: Path) -> list[Back]:
    found = []
    for line, text, _ in recipients.listed(path, path.name):
        try:
            found.append(Back(address(text)))
        except (Injection, NoAddress):
            raise problem(Exit.INVALID, "CRM-N053", Span(path.name, line, 1), file=path.name, line=line) from None
    return found


def _report(data: bytes) -> Iterator[Back]:
    """Every address that a report says `failed` of."""
    try:
        parts = list(_parts(email.message_from_bytes(data, policy=policy.compat32)))
    except (ValueError, RecursionError, LookupError):
        return
    mark, notice = _marked(parts)
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        groups = part.get_payload()
        for group in groups if isinstance(groups, list) else ():
            if not isinstance(group, Message):
                continue
            action = str(group.get("Action", "")).strip().casefold()
            if action != FAILED:
                continue
            for header in ("Original-Recipient", "Final-Recipient"):
                _kind, _, text = str(group.get(header, "")).partition(";")
                try:
                    yield Back(address(text), mark, notice)
                except (Injection, NoAddress):
                    continue
                break


def _parts(top: Message) -> Iterator[Message]:
    """The parts of a mail, the mail in it included, and no deeper than anybody means."""
    left: list[tuple[Message, int]] = [(top, 0)]
    while left:
        part, depth = left.pop()
        yield part
        below = part.get_payload()
        if isinstance(below, list) and depth < DEEPEST and part.get_content_type() != "message/delivery-status":
            left += [(each, depth + 1) for each in reversed(below) if isinstance(each, Message)]


def _marked(parts: Iterable[Message]) -> tuple[str, str]:
    """Whom and which notice the mail was that came back: by its Message-ID, in the mail itself or in its head alone."""
    for part in [*parts][1:]:
        said = str(part.get("Message-ID", ""))
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload()
            said = str(email.message_from_string(payload).get("Message-ID", "")) if isinstance(payload, str) else ""
        if (hit := MARK.search(said)) is not None:
            return hit[1], hit[2]
    return "", ""


@dataclass(frozen=True)
class Returned:
    """By notice, whose mail came back, by their fingerprints; `ignored`: addresses that were told nothing, or whose mail is
    on record as come back."""

    to: dict[Address, tuple[str, ...]]
    ignored: int


def returned(found: Iterable[Back], told: Mapping[Address, Told], key: bytes, notice: str, file: str) -> Returned:
    """Which messages on record came back. `notice`: the one that is meant, where somebody says so. Raises Problem CRM-N052
    for an address that several notices went to, where nothing says which came back."""
    to: dict[Address, dict[str, None]] = {}
    ignored = 0
    for each in found:
        mark = each.mark or fingerprint(key, each.address)
        wanted = notice or each.notice
        places = [
            place
            for place, record in told.items()
            if record.fates.get(mark) in _TOOK and (not wanted or id_of(place) == wanted)
        ]
        if len(places) > 1:
            names = [id_of(place) for place in places]
            raise problem(Exit.USAGE, "CRM-N052", Span(file, 1, 1), file=file, notices=", ".join(names), first=names[0])
        if places:
            to.setdefault(places[0], {})[mark] = None
        else:
            ignored += 1
    return Returned({place: tuple(marks) for place, marks in to.items()}, ignored)

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
from email.parser import HeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from crmstate.core.address import Address, id_of
from crmstate.core.deadline import stamp
from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.record import Told
from crmstate.core.words import Exit, Fate
from crmstate.people import recipients
from crmstate.people.addresses import Injection, NoAddress, address, fingerprint

MARK = re.compile(r"<([0-9a-f]{20})\.([^@<>.]{1,100})(?:\.([0-9]{1,6}))?@[^<>@]{1,255}>", re.ASCII)
"""What stands in the Message-ID of a notice: who, which, and from the second on which sending of it."""
DEEPEST = 40
FAILED = "failed"
STATUS = frozenset(
    {"status", "event", "action", "type", "event type", "event_type", "eventtype", "bounce type", "bounce_type",
     "bouncetype", "状态", "事件", "类型", "投递状态", "退信类型"}
)  # fmt: skip
"""The columns of a list that say what became of a mail."""
_BACK = frozenset(
    {"bounce", "bounced", "hard", "hardbounce", "hardbounced", "soft", "softbounce", "softbounced", "fail", "failed",
     "failure", "permanent", "permanentfail", "permanentfailure", "permanentbounce", "undelivered", "undeliverable",
     "rejected", "reject", "blocked", "退信", "硬退信", "软退信", "硬退", "软退", "失败", "投递失败", "发送失败", "无法投递",
     "退回", "已退回"}
)  # fmt: skip
_NOT_BACK = frozenset(
    {"delivered", "delivery", "sent", "send", "ok", "success", "successful", "accepted", "processed", "relayed",
     "expanded", "open", "opened", "click", "clicked", "deferred", "delayed", "queued", "pending", "temporary",
     "transient", "unsubscribe", "unsubscribed", "complaint", "成功", "发送成功", "投递成功", "已送达", "已发送", "已投递", "延迟"}
)  # fmt: skip
_CODE = re.compile(r"([0-9])(?:[0-9]{2}|(?:\.[0-9]{1,3}){2})", re.ASCII)
"""A reply code of SMTP (550), or the status of a report (5.1.1): what begins with 5 failed for good."""
_TOOK = frozenset({Fate.DELIVERED, Fate.UNKNOWN, Fate.SENDING})


@dataclass(frozen=True)
class Back:
    """A mail that came back: from `address`; `mark`, `notice` and `number` (which sending) by its Message-ID, where the
    report shows one of ours. `at`: when it was on its way, ISO 8601 UTC, where the report says so."""

    address: str
    mark: str = ""
    notice: str = ""
    number: int = 1
    at: str = ""


def read(data: bytes, path: Path) -> list[Back]:
    """What came back by a file. Raises Problem where it says nothing of the kind, or a line of a list is no address."""
    try:
        found = _list(path) if path.suffix.casefold() in (".csv", ".txt") else list(_report(data))
    except (ValueError, RecursionError, LookupError):  # nested deeper, or encoded otherwise, than anybody means
        found = []
    if not found:
        raise problem(Exit.INVALID, "CRM-N050", Span(path.name, 1, 1), file=path.name)
    return found


def _list(path: Path) -> list[Back]:
    found = []
    for line, text, said in _rows(path):
        words = [_failed(each) for each in said if each.strip()]
        if None in words or (said and not words):
            raise problem(Exit.INVALID, "CRM-N055", Span(path.name, line, 1), file=path.name, line=line)
        try:
            came_back = Back(address(text))
        except (Injection, NoAddress):
            raise problem(Exit.INVALID, "CRM-N053", Span(path.name, line, 1), file=path.name, line=line) from None
        if all(words):
            found.append(came_back)
    return found


def _rows(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """The rows of a list. Raises Problem in words of its own: it is no list of recipients."""
    try:
        yield from recipients.rows(path, path.name, STATUS)
    except Problem as found:
        first = found.diagnostics[0]
        if first.code == "CRM-N003":  # empty
            raise problem(Exit.INVALID, "CRM-N050", Span(path.name, 1, 1), file=path.name) from None
        if first.code == "CRM-N002":
            raise problem(Exit.INVALID, "CRM-N056", first.span, file=path.name, why=first.params["why"]) from None
        raise


def _failed(word: str) -> bool | None:
    """Whether a word of a list says that a mail came back; None for one that is not known."""
    plain = re.sub(r"[\s_-]", "", word).casefold()
    if (code := _CODE.fullmatch(plain)) is not None and code[1] in "25":
        return code[1] == "5"
    return True if plain in _BACK else False if plain in _NOT_BACK else None


def _report(data: bytes) -> Iterator[Back]:
    """Every address that a report says `failed` of."""
    parts = list(_parts(email.message_from_bytes(data, policy=policy.compat32)))
    mark, notice, number = _marked(parts)
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        payload = part.get_payload()
        groups = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
        at = _when(groups[0].get("Arrival-Date")) if groups else ""
        for group in groups:
            action = str(group.get("Action", "")).strip().casefold()
            if action != FAILED:
                continue
            for header in ("Original-Recipient", "Final-Recipient"):
                _kind, _, text = str(group.get(header, "")).partition(";")
                try:
                    yield Back(address(text), mark, notice, number, at or _when(parts[0].get("Date")))
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


def _when(said: object) -> str:
    """A date of a mail's head; nothing where it is none."""
    try:
        return stamp(parsedate_to_datetime(str(said)))
    except (ValueError, TypeError, OverflowError):
        return ""


def _marked(parts: Iterable[Message]) -> tuple[str, str, int]:
    """To whom, and which sending of which notice, the mail was that came back: by its Message-ID, in the mail itself or in
    its head alone."""
    for part in [*parts][1:]:
        said = str(part.get("Message-ID", ""))
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload()
            said = str(HeaderParser().parsestr(payload).get("Message-ID", "")) if isinstance(payload, str) else ""
        if (hit := MARK.search(said)) is not None:
            return hit[1], hit[2], int(hit[3] or 1)
    return "", "", 1


@dataclass(frozen=True)
class Returned:
    """By notice, whose mail came back, by their fingerprints. `strangers`: addresses that were told nothing; `known`: those
    of which it is on record; `unclear`: those that were told again since, where nothing says which mail came back."""

    to: dict[Address, tuple[str, ...]]
    strangers: int = 0
    known: int = 0
    unclear: int = 0


def returned(found: Iterable[Back], told: Mapping[Address, Told], key: bytes, notice: str, file: str) -> Returned:
    """Which messages on record came back. `notice`: the one that is meant, where somebody says so. Raises Problem CRM-N052
    for an address that several notices went to, where nothing says which came back."""
    to: dict[Address, dict[str, None]] = {}
    strangers = known = unclear = 0
    for each in found:
        mark = each.mark or fingerprint(key, each.address)
        wanted = notice or each.notice
        meant = {place: record for place, record in told.items() if not wanted or id_of(place) == wanted}
        meant = {place: record for place, record in meant.items() if record.fates.get(mark) in (*_TOOK, Fate.BOUNCED)}
        tried = {place: _speaks(each, record, mark) for place, record in meant.items()}
        places = [place for place, speaks in tried.items() if speaks]
        if len(places) > 1:
            names = [id_of(place) for place in places]
            raise problem(Exit.USAGE, "CRM-N052", Span(file, 1, 1), file=file, notices=", ".join(names), first=names[0])
        if places:
            to.setdefault(places[0], {})[mark] = None
        elif None in tried.values():
            unclear += 1
        elif tried:
            known += 1
        else:
            strangers += 1
    return Returned({place: tuple(marks) for place, marks in to.items()}, strangers, known, unclear)


def _speaks(back: Back, record: Told, mark: str) -> bool | None:
    """Whether a report speaks of the last mail to somebody: not where that one is on record, nor of one that had come back
    before this one was sent. None where it does not say."""
    if record.fates.get(mark) not in _TOOK:
        return False
    times = record.back.get(mark, 0)
    if not times:
        return True
    if back.mark:
        return back.number > times
    return back.at >= record.again.get(mark, "") if back.at else None

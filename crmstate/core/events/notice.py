"""Of a notice: to whom it goes, by their fingerprints alone, and what became of it."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address
from crmstate.core.events.event import Event
from crmstate.core.words import Fate


class Addressed(Event, frozen=True, tag="addressed"):
    """The recipients of a notice were read: so many are told, and so many are not, since their address is none
    (`rejected`), stands there again (`repeated`) or is on the list of those who want no mail (`opted_out`). `key`: the
    digest of the key that fingerprints are made with; without it nobody knows from a fingerprint who it is."""

    run: str
    notice: Address
    channel: str
    key: str
    count: int
    rejected: int = 0
    repeated: int = 0
    opted_out: int = 0


class Sending(Event, frozen=True, tag="sending"):
    """Durable before the act: to these recipients (their fingerprints) a message is about to be sent."""

    run: str
    notice: Address
    to: tuple[str, ...]


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of the message to one recipient, by its fingerprint. `code`: the server's own, without its words.
    `wait`: seconds after which it may be sent again, where the server says so."""

    to: str
    fate: Fate
    code: str = ""
    wait: int = 0


class Answered(Event, frozen=True, tag="answered"):
    """What became of messages."""

    run: str
    notice: Address
    channel: str
    results: tuple[Delivery, ...]


class Bounced(Event, frozen=True, tag="bounced", kw_only=True):
    """Messages that a server had taken came back: these recipients (their fingerprints) have not got them. `sha256`: of the
    file that says so, which is not kept, since it holds their addresses."""

    notice: Address
    to: tuple[str, ...]
    sha256: str
    by: str

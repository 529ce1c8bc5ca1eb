"""Audience: to whom a notice goes and what it says, as the plan shows it before anything is sent.

Of recipients it holds counts and a few samples. Addresses out of the CRM are customers' records and are always masked.
"""

from __future__ import annotations

import msgspec

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.message import Message

SAMPLES = 3
SHOWN = 20
"""Rejected rows that are named by their lines."""


class Turned(msgspec.Struct, frozen=True):
    """A row that is nobody's address: its line, or its number among the records, and why (`address.no_at`)."""

    line: int
    why: str


class Audience(msgspec.Struct, frozen=True, omit_defaults=True):
    """`notice`: its id. `source`: a file, a dataset, or empty for the vendor's users and for a chat. `rejected` of them
    the first in `turned`. `subject` and `text` as the first recipient reads them; `size` in bytes. `digest`: of what it says and of a
    file's recipients, so that nothing else is sent than was shown. `blocked`: why it cannot be sent yet. `faults`: what is wrong with it."""

    notice: str
    to: str
    channel: str
    count: int = 0
    source: str = ""
    rejected: int = 0
    repeated: int = 0
    opted_out: int = 0
    turned: tuple[Turned, ...] = ()
    samples: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    size: int = 0
    digest: str = ""
    blocked: Message | None = None
    faults: tuple[Diagnostic, ...] = ()

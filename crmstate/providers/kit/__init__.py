"""The kit: the portable half of every provider. A vendor's file imports what it needs from here; loading it brings no
HTTP library."""

from crmstate.providers.kit.answers import decoder, own_text
from crmstate.providers.kit.call import Call, call_for
from crmstate.providers.kit.exchange import ATTEMPTS, LONGEST_WAIT, Reply
from crmstate.providers.kit.line import Dialect, Grant, Line
from crmstate.providers.kit.times import instant, retry_after
from crmstate.providers.kit.wire import HANDED_OUT, Answer, Request

__all__ = [
    "ATTEMPTS",
    "HANDED_OUT",
    "LONGEST_WAIT",
    "Answer",
    "Call",
    "Dialect",
    "Grant",
    "Line",
    "Reply",
    "Request",
    "call_for",
    "decoder",
    "instant",
    "own_text",
    "retry_after",
]

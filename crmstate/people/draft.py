"""Draft: a letter as a file that a mail program opens for a person to look at and send (`X-Unsent: 1`). Nothing is sent
from here, and nothing that other people wrote becomes a header of its own."""

from __future__ import annotations

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from crmstate.core.diagnostic import Span, problem
from crmstate.core.words import Exit

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def addressee(written: str | None, span: Span | None = None) -> str | None:
    """The address that a contract sends notices to; None where it names something else, such as a portal. Raises Problem
    (exit 65) where a mail address has a line break or a control character in it, which would begin a header."""
    text = (written or "").strip()
    if "@" in text and _BREAKS.search(text):
        raise problem(Exit.INVALID, "CRM-L007", span=span)
    domain = text.rpartition("@")[2]
    good = _ADDRESS.fullmatch(text) and "." in domain and ".." not in text and not text.startswith(".")
    return text if good else None


def draft(subject: str, body: str, sender: str | None, to: str | None, at: datetime) -> bytes:
    """The file of a draft, in UTF-8, with the lines ends of mail."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = _BREAKS.sub(" ", subject).replace("=?", "= ?")  # an encoded word would be decoded, breaks and all
    if from_ := addressee(sender):
        mail["From"] = from_
    if to is not None:
        mail["To"] = to
    mail["Date"] = format_datetime(at)
    mail["X-Unsent"] = "1"
    mail.set_content(body, subtype="plain", charset="utf-8")
    return mail.as_bytes()

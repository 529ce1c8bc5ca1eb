"""Mail: one connection to one SMTP server, and what its answers mean.

A message counts as delivered when the server has taken it, which is all that SMTP tells. Until its last line is sent
nothing can have happened, and it may be sent again; from then until the answer nobody knows.
"""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from crmstate.core.around import MailGoal
from crmstate.core.ports import Effects
from crmstate.core.secret import Secret
from crmstate.core.words import Fate
from crmstate.people.addresses import Person
from crmstate.people.wording import Said

SECONDS = 30.0
Verdict = tuple[Fate, str, int]


def message(
    server: MailGoal, person: Person, said: Said, feedback: str | None, now: datetime, mark: str
) -> EmailMessage:
    """The mail to one person. `mark`: the same each time that the same notice is sent to the same person, so that
    somebody can recognise a repetition, until it comes back."""
    made = EmailMessage(policy.SMTP)
    made["From"] = Address(server.name, addr_spec=server.sender)
    made["To"] = Address(person.name, addr_spec=person.address)
    made["Subject"] = said.subject
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{mark}@{server.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    if feedback:
        made["Reply-To"] = feedback
    made.set_content(said.text)
    return made


class Refused(Exception):
    """No connection that mail can be sent over. The text is a code, never the server's words."""


class Connection:
    """One connection, opened when it is first needed and opened again when it has ended."""

    def __init__(self, server: MailGoal, login: tuple[Secret, Secret] | None, effects: Effects) -> None:
        self._server = server
        self._login = login
        self._effects = effects
        self._open: smtplib.SMTP | None = None

    def send(self, to: str, made: EmailMessage) -> Verdict:
        """Sends one mail, once."""
        return self._effects.do("smtp", "message", lambda: self._send(to, made.as_bytes()))

    def close(self) -> None:
        """Says goodbye, where that takes no time."""
        found, self._open = self._open, None
        if found is not None:
            try:
                if found.sock is not None:
                    found.sock.settimeout(2)
                found.quit()
            except (OSError, smtplib.SMTPException):
                found.close()

    def _send(self, to: str, data: bytes) -> Verdict:
        for fresh in (self._open is None, True):
            try:
                return self._over(self._ready(), to, data)
            except Refused as refused:
                return Fate.DEFERRED, str(refused), 0
            except (OSError, smtplib.SMTPException):
                self._drop()
                if fresh:
                    return Fate.DEFERRED, "no_connection", 0
        return Fate.DEFERRED, "no_connection", 0

    def _over(self, line: smtplib.SMTP, to: str, data: bytes) -> Verdict:
        """Raises OSError and SMTPException only where nothing can have been taken."""
        for command in (f"MAIL FROM:<{self._server.sender}>", f"RCPT TO:<{to}>", "DATA"):
            code, _ = line.docmd(command)
            if code == 354:
                break
            if not 200 <= code < 300:
                self._reset(line, code)
                return _failed(code)
        else:
            return Fate.DEFERRED, "no_354", 0
        try:
            line.send(_quoted(data))
            code, _ = line.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop()
            return Fate.UNKNOWN, "no_answer", 0
        if 200 <= code < 300:
            return Fate.DELIVERED, str(code), 0
        if code == -1:
            self._drop()
            return Fate.UNKNOWN, "no_answer", 0
        if code == 421:
            self._drop()
        return _failed(code)

    def _reset(self, line: smtplib.SMTP, code: int) -> None:
        if code in (421, -1):
            self._drop()
        else:
            try:
                line.rset()
            except (OSError, smtplib.SMTPException):
                self._drop()

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _ready(self) -> smtplib.SMTP:
        """The connection, encrypted and signed in. Raises Refused, OSError, SMTPException."""
        if self._open is None:
            server, context = self._server, ssl.create_default_context()
            line: smtplib.SMTP = (
                smtplib.SMTP_SSL(timeout=SECONDS, context=context)
                if server.tls == "tls"
                else smtplib.SMTP(timeout=SECONDS)
            )
            line._host = server.host  # type: ignore[attr-defined]  # what its certificate must be for
            try:
                self._greet(line, context)
            except BaseException:
                line.close()
                raise
            self._open = line
        return self._open

    def _greet(self, line: smtplib.SMTP, context: ssl.SSLContext) -> None:
        try:
            code, _ = line.connect(self._server.host, self._server.port)
            if code != 220:
                raise Refused(f"greeting {code}")
            line.ehlo_or_helo_if_needed()
            if self._server.tls == "starttls":
                if not line.has_extn("starttls"):
                    raise Refused("no_starttls")
                line.starttls(context=context)
                line.ehlo()
            if self._login is not None:
                line.login(self._login[0].reveal(), self._login[1].reveal())
        except ssl.SSLError:
            raise Refused("tls") from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeError):
            raise Refused("login") from None


def _failed(code: int) -> Verdict:
    if 400 <= code < 500:
        return Fate.DEFERRED, str(code), 60
    if 500 <= code < 600:
        return Fate.REJECTED, str(code), 0
    return Fate.DEFERRED, str(code), 0


def _quoted(data: bytes) -> bytes:
    """A message as DATA wants it: lines that begin with a point get another one, and a point alone is the end."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines) + b".\r\n"

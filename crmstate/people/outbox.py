"""Outbox: notices ready to be sent. It reads who is told and what they read, and sends; it records nothing.

`core.ports.Messenger`. What is sent is what the plan showed: text and recipients are read again, and their digest goes
with them. Addresses leave by the channel, and by nothing else.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from crmstate.core.around import MailGoal, NoticeGoal
from crmstate.core.audience import SAMPLES, Audience
from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.event import Delivery
from crmstate.core.message import Message, message
from crmstate.core.ports import Clock, Effects
from crmstate.core.secret import Secret
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Fate
from crmstate.people import mail, recipients, robots
from crmstate.people.addresses import Person, address, clean, fingerprint, masked
from crmstate.people.post import Lost
from crmstate.people.post import post as posted
from crmstate.people.recipients import Found
from crmstate.people.robots import ROBOTS, Robot
from crmstate.people.wording import DEFAULTS, Said, Wording, wording

MOST_SIDE_BY_SIDE = 8
AHEAD = 1.0
"""Seconds of sending that one round takes at most, so that who is asked to stop stops."""
HIDDEN = "…"

Users = Callable[[], Sequence[Resource]]
Records = Callable[[str], Iterable[bytes] | None]
Webhook = Callable[[NoticeGoal], tuple[str, str]]


@dataclass(frozen=True)
class Surroundings:
    """What a messenger is given. `folder`: the manifest's; `fields`: what templates are filled with (see
    `wording.FIELDS`); `records`: the rows of a dataset's verified archive, None where there is none; `webhook`: address
    and signing secret of a notice's robot, and `login`: user and password of the server, both read when they are needed;
    `key`: what fingerprints are made with. `side_by_side`: messages under way at a time."""

    folder: Path
    notices: Sequence[NoticeGoal]
    server: MailGoal | None
    fields: Callable[[str], Mapping[str, str]]
    records: Records
    webhook: Webhook
    login: Callable[[], tuple[Secret, Secret] | None]
    key: Callable[[], bytes]
    effects: Effects
    clock: Clock
    mask: bool = False
    side_by_side: int = 4


@dataclass
class Read:
    """A notice whose template and recipients were read."""

    audience: Audience
    wording: Wording | None = None
    found: Found = field(default_factory=Found)


class Pace:
    """So many messages a minute to one server, whoever sends them."""

    def __init__(self, around: Surroundings, per_minute: int) -> None:
        self._clock, self._effects = around.clock, around.effects
        self.every = 60.0 / per_minute
        self._next = around.clock.monotonic()
        self._turn = threading.Lock()

    def wait(self, messages: int) -> None:
        """Until so many messages more are not too many."""
        with self._turn:
            now = self._clock.monotonic()
            until = max(self._next, now)
            self._next = until + messages * self.every
        if until > now:
            self._effects.do("clock", "pace", lambda: self._clock.sleep(until - now))


class Post:
    """`core.ports.Messenger`."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._paces: dict[str, Pace] = {}
        self._turn = threading.Lock()

    def pace(self, where: str, per_minute: int) -> Pace:
        """The pace of one server, or of one chat's address, which all of its notices share."""
        with self._turn:
            return self._paces.setdefault(where, Pace(self._around, per_minute))

    def audience(self, notice: NoticeGoal, users: Users) -> Audience:
        """To whom it goes, and what it says; what is wrong with it is in the answer."""
        return self.read(notice, users).audience

    def open(self, notice: str, users: Users) -> MailBox | RobotBox:
        """The same, ready to be sent. Raises Problem."""
        goal = next(each for each in self._around.notices if each.id == notice)
        read = self.read(goal, users)
        if read.audience.faults:
            raise Problem(Exit.REFUSED, *read.audience.faults)
        if read.audience.blocked is not None or read.wording is None:
            raise problem(Exit.REFUSED, "CRM-N020", span=goal.span, notice=notice)
        return (
            MailBox(self._around, goal, read, self)
            if goal.channel == "mail"
            else RobotBox(self._around, goal, read, self)
        )

    def messages(self, goal: NoticeGoal, users: Users) -> Iterable[dict[str, object]]:
        """What would be sent, message by message, for a dry run."""
        read = self.read(goal, users)
        if read.audience.faults:
            raise Problem(Exit.REFUSED, *read.audience.faults)
        if read.wording is None or read.audience.blocked is not None:
            return
        head: dict[str, object] = {"notice": goal.id, "channel": read.audience.channel}
        if goal.channel != "mail":
            said = _said(self._around, goal, read.wording, Person(""))
            yield {**head, "text": _joined(goal, said)}
            return
        for person in read.found.people.values():
            said = _said(self._around, goal, read.wording, person)
            yield {**head, "to": person.address, "name": person.name, "subject": said.subject, "text": said.text}

    def read(self, goal: NoticeGoal, users: Users) -> Read:
        """Template and recipients of a notice; what is wrong with them is in its audience."""
        around, channel = self._around, goal.robot or goal.channel or ""
        made = Read(Audience(goal.id, goal.to, channel, source=goal.file or goal.dataset or ""))
        faults: list[Diagnostic] = []
        blocked: Message | None = None
        try:
            made.wording = wording(around.folder, goal.language or "en", goal.template or DEFAULTS[goal.to], goal.span)
        except Problem as found:
            faults += found.diagnostics
        if goal.channel == "mail":
            try:
                blocked = self._recipients(goal, users, made)
            except Problem as found:
                faults += found.diagnostics
            faults += made.found.faults
            if around.server is None:
                blocked = message("blocked.notice_no_server")
            else:
                faults += _addressable(around.server, goal)
        samples = [*made.found.people.values()][:SAMPLES]
        said = plain = Said("", "")
        if made.wording is not None:
            try:
                plain = _said(around, goal, made.wording, Person(""))
                said = self._preview(goal, made.wording, samples)
            except Problem as found:
                faults += found.diagnostics
        made.audience = Audience(
            goal.id, goal.to, channel, len(made.found.people) if goal.channel == "mail" else 1,
            goal.file or goal.dataset or "", made.found.rejected, made.found.repeated, made.found.opted_out,
            tuple(made.found.turned), tuple(map(self._shown(goal), samples)), said.subject, said.text,
            len(_joined(goal, said).encode()), _digest(goal, made, plain), blocked, tuple(faults),
        )  # fmt: skip
        limit = ROBOTS[goal.robot].most if goal.robot else None
        if limit is not None and made.audience.size > limit:
            long = diagnostic("CRM-N021", span=goal.span, size=made.audience.size, most=limit, channel=channel)
            made.audience = _with_fault(made.audience, long)
        return made

    def _recipients(self, goal: NoticeGoal, users: Users, made: Read) -> Message | None:
        """Reads who is told. Raises Problem; a Message where that cannot be known yet."""
        folder = self._around.folder
        out = recipients.opted_out(folder / goal.opt_out, goal.opt_out) if goal.opt_out else frozenset[str]()
        if goal.file is not None:
            made.found = recipients.from_file(folder / goal.file, goal.file, out, strict=not goal.lenient)
        elif goal.dataset is not None:
            rows = self._around.records(goal.dataset)
            if rows is None:
                return message("blocked.notice_no_archive", dataset=goal.dataset)
            try:
                made.found = recipients.from_records(rows, goal.field or "", goal.dataset, out)
            except Problem as found:
                if found.diagnostics[0].code.startswith("CRM-N"):
                    raise
                return message("blocked.notice_unreadable", dataset=goal.dataset, why=found.diagnostics[0].code)
        else:
            made.found = recipients.from_users(users(), out)
        return None

    def _preview(self, goal: NoticeGoal, said: Wording, samples: Sequence[Person]) -> Said:
        """As the first of them reads it; without a name where people are masked."""
        hidden = self._hidden(goal)
        first = samples[0] if samples and not hidden else Person("", HIDDEN if samples and samples[0].name else "")
        return _said(self._around, goal, said, first)

    def _hidden(self, goal: NoticeGoal) -> bool:
        """Addresses out of the CRM are customers' records: whoever reads a plan sees none of them whole."""
        return self._around.mask or goal.dataset is not None

    def _shown(self, goal: NoticeGoal) -> Callable[[Person], str]:
        hidden = self._hidden(goal)

        def shown(person: Person) -> str:
            if hidden:
                return masked(person.address)
            return f"{person.name} <{person.address}>" if person.name else person.address

        return shown


class _Box:
    """What both kinds of outbox share: fingerprints and pace."""

    def __init__(self, around: Surroundings, goal: NoticeGoal, read: Read, pace: Pace) -> None:
        assert read.wording is not None
        self.audience = read.audience
        self._around, self._goal, self._wording, self._pace = around, goal, read.wording, pace
        self._secret = around.key()
        self.key = hashlib.sha256(b"crmstate notices\n" + self._secret).hexdigest()[:16]
        self.side_by_side = max(1, min(around.side_by_side, MOST_SIDE_BY_SIDE, int(AHEAD / pace.every) or 1))


class MailBox(_Box):
    """A notice by mail, with as many connections as messages may be under way."""

    def __init__(self, around: Surroundings, goal: NoticeGoal, read: Read, post: Post) -> None:
        assert around.server is not None
        super().__init__(around, goal, read, post.pace("mail", around.server.per_minute))
        self._server = around.server
        self.where = f"{around.server.host}:{around.server.port}"
        self._people = {fingerprint(self._secret, same): person for same, person in read.found.people.items()}
        self.recipients: Sequence[str] = list(self._people)
        login = around.login()
        self._lines = [mail.Connection(around.server, login, around.effects) for _ in range(self.side_by_side)]
        self._threads = ThreadPoolExecutor(self.side_by_side) if self.side_by_side > 1 else None

    def send(self, to: Sequence[str], back: Mapping[str, int]) -> list[Delivery]:
        """Sends one mail to each of these, side by side, once."""
        assert len(to) <= len(self._lines)
        self._pace.wait(len(to))
        now = self._around.clock.now()
        made = ((mark, self._message(mark, now, back.get(mark, 0))) for mark in to)
        ready = [(line, *each) for line, each in zip(self._lines, made, strict=False)]
        if self._threads is None or len(ready) == 1:
            return [_delivery(mark, line.send(self._people[mark].address, text)) for line, mark, text in ready]
        futures = [
            (mark, self._threads.submit(line.send, self._people[mark].address, text)) for line, mark, text in ready
        ]
        return [_delivery(mark, future.result()) for mark, future in futures]

    def _message(self, mark: str, now: datetime, back: int) -> EmailMessage:
        person = self._people[mark]
        said = _said(self._around, self._goal, self._wording, person)
        number = f".{back + 1}" if back else ""  # what has come back is another mail, whatever repeats is the same
        marked = f"{mark}.{self._goal.id}{number}"
        return mail.message(self._server, person, said, self._goal.feedback_owner, now, marked)

    def close(self) -> None:
        for line in self._lines:
            line.close()
        if self._threads is not None:
            self._threads.shutdown()


class RobotBox(_Box):
    """A notice to a chat: one message."""

    def __init__(self, around: Surroundings, goal: NoticeGoal, read: Read, post: Post) -> None:
        self._url, self._sign = around.webhook(goal)
        found = ROBOTS[goal.robot] if goal.robot else robots.robot_of(self._url)
        if found is None:
            raise problem(Exit.INVALID, "CRM-N022", span=goal.span, known=", ".join(ROBOTS))
        self._robot: Robot = found
        self.where = found.name
        super().__init__(around, goal, read, post.pace(self._url, found.per_minute))
        said = _said(around, goal, self._wording, Person(""))
        self._text = _joined(goal, said)
        size = len(self._text.encode())
        if size > found.most:
            raise problem(Exit.INVALID, "CRM-N021", span=goal.span, size=size, most=found.most, channel=found.name)
        self.recipients: Sequence[str] = [fingerprint(self._secret, f"robot {goal.id}")]

    def send(self, to: Sequence[str], back: Mapping[str, int]) -> list[Delivery]:
        """Posts the message, once."""
        self._pace.wait(len(to))
        return [_delivery(mark, self._post()) for mark in to]

    def _post(self) -> tuple[Fate, str, int]:
        now = self._around.clock.now()
        robot, body = self._robot, self._robot.body(self._text, self._sign, now)
        try:
            return robot.judge(posted(self._around.effects, robots.address(robot, self._url, self._sign, now), body))
        except Lost as lost:
            return (Fate.UNKNOWN, "no_answer", 0) if lost.sent else (Fate.DEFERRED, "no_connection", 0)

    def close(self) -> None:
        return


def _delivery(mark: str, found: tuple[Fate, str, int]) -> Delivery:
    return Delivery(mark, *found)


def _said(around: Surroundings, goal: NoticeGoal, words: Wording, person: Person) -> Said:
    fields = {**around.fields(goal.language or "en"), "feedback": goal.feedback_owner or "", "name": person.name}
    return words.said(fields)


def _joined(goal: NoticeGoal, said: Said) -> str:
    """A notice as a chat shows it: keyword, subject and text in one."""
    if goal.channel == "mail":
        return said.text
    return "\n".join(filter(None, [goal.keyword, said.subject, "", said.text.rstrip("\n")]))


def _digest(goal: NoticeGoal, made: Read, said: Said) -> str:
    """Of what is said and how; of a file's recipients as well, which change with nobody but who writes the file."""
    total = hashlib.sha256(json.dumps([goal.channel, goal.robot, goal.keyword, goal.feedback_owner]).encode())
    total.update(f"\n{made.wording.source if made.wording else ''}\n".encode())
    listed = sorted((same, each.name) for same, each in made.found.people.items()) if goal.file is not None else []
    total.update(json.dumps([said.subject, said.text, listed]).encode())
    return total.hexdigest()[:16]


def _addressable(server: MailGoal, goal: NoticeGoal) -> list[Diagnostic]:
    """What no server would take as a sender, or as whom to answer."""
    found = []
    try:
        clean(server.name or "")
    except ValueError:
        found.append(diagnostic("CRM-N048", span=server.span))
    for span, text in ((server.span, server.sender), (goal.span, goal.feedback_owner)):
        try:
            address(text) if text else None
        except ValueError:
            found.append(diagnostic("CRM-N023", span=span, address_text=text))
    return found


def _with_fault(found: Audience, fault: Diagnostic) -> Audience:
    from msgspec.structs import replace

    return replace(found, faults=(*found.faults, fault))

"""Telling: what a messenger needs of a manifest and this machine: secrets, the archive's rows, what templates are filled
with, and the key that fingerprints are made with."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from crmstate.cli.compose import House
from crmstate.core.address import id_of
from crmstate.core.around import NoticeGoal
from crmstate.core.diagnostic import problem
from crmstate.core.goal import ArchiveGoal
from crmstate.core.planning.retention import archived, ended
from crmstate.core.record import State
from crmstate.core.secret import Secret
from crmstate.core.words import Exit, Outcome, Verb
from crmstate.people.outbox import Post, Surroundings

if TYPE_CHECKING:
    from crmstate.core.provider import Row

KEY = "notices.key"
"""Beside the state: what makes a fingerprint of an address. Without it nobody knows who was told."""
KEY_BYTES = 32


def messenger(house: House, state: State, side_by_side: int) -> Post:
    """Who tells people. Reads no secret and no recipient yet."""
    desired, turn = house.desired, threading.Lock()

    def shared() -> bytes:
        """The key: notices are opened side by side, and there is one."""
        with turn:
            return key(house, bool(state.told))

    return Post(
        Surroundings(
            folder=house.folder,
            notices=desired.notices,
            server=desired.mail,
            fields=lambda language: fields(house, language),
            records=lambda dataset: records(house, state, dataset),
            webhook=lambda goal: webhook(house, goal),
            login=lambda: login(house),
            key=shared,
            effects=house.effects,
            clock=house.real,  # chats compare a signature's time with their own
            mask=desired.mask_people,
            side_by_side=side_by_side,
        )
    )


def fields(house: House, language: str) -> Mapping[str, str]:
    """What a template may be filled with, but for the recipient's name; what nobody wrote is empty."""
    desired = house.desired
    return {
        "system": _system(house, language),
        "freeze": _local(desired.freeze, desired.contract.calendar.zone if desired.contract is not None else None),
        "reason": desired.reason,
        "owner": desired.owner,
        "replacement": (desired.replacement.system or "") if desired.replacement is not None else "",
        "project": desired.name,
    }


def _system(house: House, language: str) -> str:
    """What people call the system: as the contract does, else by the vendor's name. Without an API the vendor's name may be
    any company's: it is then that company's system; of a vendor that nobody named, what every such system is called."""
    parties = house.desired.contract.parties if house.desired.contract is not None else None
    product, vendor = (parties.product, parties.vendor) if parties is not None else (None, None)
    if product or house.provider.credential:
        return product or vendor or house.provider.title
    from crmstate.views.catalogue import Catalogue

    words = Catalogue(language, escape=str)  # a mail is no terminal: who fills it in escapes nothing twice
    return words.text_of("notices.system_of", vendor=vendor) if vendor else words.text_of("notices.system")


def _local(at: str | None, zone: str | None) -> str:
    """A time as people of that zone read it."""
    if at is None or at == "now":
        return ""
    found = datetime.fromisoformat(at)
    shown = found.astimezone(ZoneInfo(zone)) if zone else found
    return f"{shown:%Y-%m-%d %H:%M} ({zone or 'UTC'})"


def records(house: House, state: State, dataset: str) -> Iterable[bytes] | None:
    """The rows of a dataset as its verified archive holds them; None where there is none on record. What is read is
    compared with its checksums, and with the digest on record."""
    goal = house.desired.archive
    if not isinstance(goal, ArchiveGoal) or goal.unsupported or ended(state) is not None:
        return None
    place = next((place for place, entry in archived(state).items() if dataset in (id_of(place), entry.label)), None)
    verified = place is not None and any(
        entry.address == place and entry.verb in (Verb.VERIFY, Verb.DELTA) and entry.outcome is Outcome.DONE
        for entry in state.entries.values()
    )
    if place is None or not verified:
        return None
    proof = state.proved(id_of(place))
    return _read(house, goal, id_of(place), proof.evidence[0].sha256 if proof is not None else None)


def _read(house: House, goal: ArchiveGoal, dataset: str, content: str | None) -> Iterator[bytes]:
    from crmstate.archive import opening, places, reading
    from crmstate.archive.guarded import Guarded
    from crmstate.archive.layout import Place

    root, found = opening.opened(places.glance(goal.to, house.folder, house.desired.name, house.environ))
    (seal,) = opening.chosen(found, [dataset])
    opening.expect([seal], content)
    wrap = opening.unwrapped(root, found, house.identity)
    if not wrap.reads_rows:
        raise problem(Exit.CREDENTIALS, "CRM-A080", file=root.where)
    rows: Iterator[Row] = reading.rows(Place(Guarded(root, seal), seal.dataset.id, wrap), seal)
    for row in rows:
        yield row.raw


def webhook(house: House, goal: NoticeGoal) -> tuple[str, str]:
    """The address of a robot's webhook, and what signs. Raises Problem: where a reference leads to nothing (7), or to a
    host that is neither the chat's own nor allowed (3)."""
    from crmstate.manifest.credentials import read_reference
    from crmstate.manifest.trust import robot_allowed
    from crmstate.people.robots import HOSTS

    notice = (house.loaded.model.notices or [])[goal.number]
    assert notice.url is not None  # a rule of the manifest
    found = []
    for name, reference in (("url", notice.url), ("secret", notice.secret)):
        if reference is None:
            found.append("")
            continue
        secret = read_reference(
            house.loaded, ("notices", goal.number, name), reference, house.environ, house.operator, house.provider.env
        )
        house.scrubber.learn(secret)
        found.append(secret.reveal())
    url, sign = found
    if not robot_allowed(url, house.operator, HOSTS):
        raise problem(Exit.REFUSED, "CRM-N024", span=goal.span, notice=goal.id)
    return url, sign


def login(house: House) -> tuple[Secret, Secret] | None:
    """User and password of the mail server, where the manifest names them. Raises Problem (exit 7)."""
    from crmstate.manifest.credentials import read_reference

    section = house.loaded.model.mail
    if section is None or section.user is None or section.password is None:
        return None
    user, password = (
        read_reference(house.loaded, ("mail", name), reference, house.environ, house.operator, house.provider.env)
        for name, reference in (("user", section.user), ("password", section.password))
    )
    house.scrubber.learn(password)
    return user, password


def key(house: House, told: bool) -> bytes:
    """The key of fingerprints, made when it is first needed. `told`: somebody is on record as told: then another key would
    know nobody, and is not made. Raises Problem CRM-N025."""
    from crmstate.store import files
    from crmstate.store.home import Home

    path = Home(house.folder, house.desired.name).path / KEY
    found = files.read(path, KEY_BYTES)
    if found is not None and len(found) == KEY_BYTES:
        return found
    if told or found is not None:
        raise problem(Exit.REFUSED, "CRM-N025", file=str(path))
    made = secrets.token_bytes(KEY_BYTES)
    files.Disk(house.effects).create(path, made)
    return made

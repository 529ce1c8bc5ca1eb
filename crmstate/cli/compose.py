"""compose: the one composition root. A manifest and this machine become sessions, a store, an archiver and clocks,
wired by the ports.

Nothing is sent and nothing is written by composing, but for starting an embedded sandbox that the manifest names.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmstate.cli.clock import FixedClock, RealClock, VendorClock
from crmstate.cli.effects import Straight
from crmstate.cli.options import named
from crmstate.core.address import id_of, kind_of
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.failure import Failure
from crmstate.core.goal import ArchiveGoal, Desired
from crmstate.core.planning.retention import archived, ended
from crmstate.core.ports import Archiver, Clock, Effects, ReadSession, Session
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.words import Exit, Kind, Verb

if TYPE_CHECKING:
    from crmstate.archive.locked import Wanted as LockWanted
    from crmstate.core.law import Law
    from crmstate.core.plan import Plan
    from crmstate.manifest.load import Loaded
    from crmstate.manifest.operator import Operator
    from crmstate.people.outbox import Post
    from crmstate.providers.kit.kept import Kept
    from crmstate.store.store import Store

_ARCHIVED = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.RESTORE_TEST, Verb.DELTA, Verb.PURGE, Verb.DISCARD})


WORKING_KEY = "archive.key"
"""Beside the state: opens ids, index and cursors of an encrypted archive, never its records."""


def actor(environ: Mapping[str, str]) -> str:
    """Who runs this, for the record: CRMSTATE_BY, the CI's actor, or the user's name. Raises Problem (CRM-C084)."""
    for name in ("CRMSTATE_BY", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"):
        if environ.get(name):
            return named(environ[name]) or ""
    import pwd

    try:
        return named(pwd.getpwuid(os.getuid()).pw_name) or ""
    except KeyError:  # a container may run as somebody whom it does not know
        return f"uid {os.getuid()}"


@dataclass
class House:
    """Everything that one manifest needs, built when it is asked for."""

    loaded: Loaded
    scrubber: Scrubber
    effects: Effects = field(default_factory=Straight)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    as_of: datetime | None = None
    real: Clock = field(default_factory=RealClock)
    played: bool = False
    """Whether `real` is a rehearsal's clock, which goes with the simulator's."""

    @property
    def desired(self) -> Desired:
        return self.loaded.desired

    @property
    def folder(self) -> Path:
        """The manifest's folder: paths in it are relative to here, and the state lies below it."""
        return self.loaded.path.resolve().parent

    @property
    def by(self) -> str:
        return actor(self.environ)

    @cached_property
    def tenant(self) -> str:
        """The tenant's id: the manifest's, else the one on record; empty where neither knows it."""
        return self.desired.tenant or self.state().tenant

    @cached_property
    def provider(self) -> Provider:
        from crmstate.cli.vendors import load

        return load(self.desired.provider)

    @cached_property
    def url(self) -> str:
        """The vendor's address; starts the embedded sandbox where the manifest has one."""
        from crmstate.cli import embedded

        if self._embedded is not None:
            dialect = "native" if self.provider.name == "sandbox" else self.provider.name
            return embedded.start(self._embedded, dialect)
        url = self.loaded.model.provider.url or self.provider.url
        if not url:
            raise problem(Exit.INVALID, "CRM-C018", name=self.provider.name)
        return str(url)

    @cached_property
    def operator(self) -> Operator:
        """What the operator of this machine allows a manifest to reach for, beyond what every manifest may."""
        from crmstate.manifest.operator import load_operator

        return load_operator(None, self.environ)

    @property
    def laws(self) -> tuple[Law, ...]:
        """The rules of law that the manifest's regimes name."""
        from crmstate.rules import laws_of

        return laws_of(self.desired.contract.regimes) if self.desired.contract is not None else ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where a credential may go beside the vendor's own hosts: where the operator allows, and to a simulator that
        was started here, whatever vendor it speaks like."""
        from crmstate.providers.kit.connect import LOOPBACK

        here = sorted(LOOPBACK) if self._embedded is not None else ()
        return (*self.operator.allow_hosts, *here)

    @property
    def _embedded(self) -> Path | None:
        place = self.loaded.model.provider.embedded
        return self.folder / place if place is not None else None

    @cached_property
    def credentials(self) -> dict[str, dict[str, Secret]]:
        """The secrets by use. Every one is known to the scrubber before it is used."""
        from crmstate.cli import embedded
        from crmstate.manifest.credentials import read_credential

        section = self.loaded.model.provider.credentials
        if self.provider.connect is not None:
            return {}
        if section is None and self._embedded is not None:
            self.url  # noqa: B018  the server writes the keys when it seeds
            dialect = self.provider.dialect
            access, renewed_by = getattr(dialect, "access", None), getattr(dialect, "login_needs", ())
            found = embedded.keys(self._embedded, self.provider.credential, access, renewed_by)
        else:
            uses = ("read", "write") if section is not None and section.write is not None else ("read",)
            found = {
                use: read_credential(self.loaded, use, self.environ, self.operator, self.provider.env) for use in uses
            }
        for fields in found.values():
            for name, secret in fields.items():
                if name not in self.provider.plain:
                    self.scrubber.learn(secret)
        return found

    @cached_property
    def clock(self) -> Clock:
        """Time as this run knows it."""
        if self.as_of is not None:
            return FixedClock(self.as_of)
        return self.vendor_clock

    @cached_property
    def vendor_clock(self) -> Clock:
        from crmstate.providers.kit.connect import check_address, vendor_time

        if self.played or not self.provider.own_clock:
            return self.real
        check_address(self.provider, self.url, self.hosts)
        ask = vendor_time(self.provider, self.url, effects=self.effects, clock=self.real, scrub=self.scrubber.scrub)
        return VendorClock(ask)

    def now(self) -> datetime:
        """The time, for what is only shown or counted: a vendor that has a clock of its own is asked for it where it
        answers; this machine's otherwise."""
        try:
            return self.clock.now()
        except (Failure, Problem):
            return self.real.now()

    @cached_property
    def kept(self) -> Kept | None:
        """Where access tokens lie between runs, for vendors that give out only so many: in this user's own cache. None
        where the user has none, and in a rehearsal, which leaves nothing behind."""
        from crmstate.providers.kit.kept import Kept

        if self.played:
            return None
        home = self.environ.get("HOME")
        cache = self.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
        return Kept(Path(cache) / "crmstate" / "tokens", self.effects) if Path(cache).is_absolute() else None

    def readers(self) -> list[ReadSession]:
        """A read-only session for every configured credential, the reading one first."""
        if (paper := self._paper("read")) is not None:
            return [paper]
        from crmstate.providers.kit.connect import connect

        return [
            connect(self.provider, self.url, self.credentials[use], "read", **self._terms)
            for use in ("read", "write")
            if use in self.credentials
        ]

    def writer(self) -> Session:
        """The session that can act. Raises Problem (exit 7) where the manifest names no credential for it."""
        if (paper := self._paper("write")) is not None:
            return paper
        from crmstate.providers.kit.connect import connect

        if "write" not in self.credentials:
            raise problem(Exit.CREDENTIALS, "CRM-C019")
        return connect(self.provider, self.url, self.credentials["write"], "write", **self._terms)

    @property
    def _terms(self) -> dict[str, Any]:
        """What every session is made with, whatever it may do."""
        return {
            "effects": self.effects,
            "clock": self.real,
            "learn": self.scrubber.learn,
            "scrub": self.scrubber.scrub,
            "tenant": self.tenant or None,
            "hosts": self.hosts,
            "attested": bool(self.desired.coverage),
            "kept": self.kept,
        }

    def _paper(self, use: str) -> Session | None:
        """The session of a vendor without an API: of the folder where people put what they exported. None for any other.
        Raises Problem (65) where the manifest has the one without the other."""
        exports, connect = self.loaded.model.provider.exports, self.provider.connect
        if (exports is None) == (connect is None):
            tables = self.loaded.model.provider.tables or {}
            ways = {name: each.model_dump(exclude_none=True) for name, each in tables.items()}
            if connect and exports and not (self.folder / exports).is_dir():
                span = self.desired.spans.get("provider.exports")
                raise problem(Exit.INVALID, "CRM-V042", span=span, path=self.folder / exports)
            made: Session | None = (
                connect(self.folder / exports, self.tenant, use, bool(self.desired.coverage), ways, self._begun)
                if connect and exports
                else None
            )
            return made
        code = "CRM-V040" if connect is None else "CRM-V041"
        raise problem(
            Exit.INVALID,
            code,
            name=self.provider.name,
            path=self.loaded.path,
            span=self.desired.spans.get("provider.exports" if connect is None else "provider.name"),
        )

    def _begun(self) -> frozenset[str]:
        """The datasets whose archive has begun: they keep their names."""
        places = (each.address for each in self.state().entries.values())
        return frozenset(id_of(place) for place in places if kind_of(place) is Kind.ARCHIVE)

    def store(self) -> Store:
        """The state, opened for writing: takes the lock (Problem, exit 4)."""
        from crmstate.store.store import Store

        self._local_state()
        return Store.open(self.folder, self.desired.name, self.effects, self.clock, self.by, self.scrubber.scrub)

    def state(self) -> State:
        """The state as it is now, read without taking the lock; empty where nothing was recorded."""
        from crmstate.store.load import read

        self._local_state()
        return read(self.folder, self.desired.name).state

    def _local_state(self) -> None:
        section = self.loaded.model.state
        if section is not None and section.backend != "local":
            raise problem(Exit.REFUSED, "CRM-C020", backend=section.backend)

    def archiver(self) -> Archiver | None:
        """Where the manifest archives to, or None."""
        goal = self.desired.archive
        if not isinstance(goal, ArchiveGoal) or goal.unsupported:
            return None
        from crmstate.archive import places
        from crmstate.archive.checks import Wanted, share
        from crmstate.archive.folder import Archive

        learn_keys(self.scrubber, self.environ)
        wanted = Wanted(share(goal.sample), goal.restore_test, goal.views)
        store = places.store(goal.to, self.folder, self.desired.name, self.environ, self.effects)
        return Archive(store, self.clock, self.by, wanted, self._lock(goal))

    def _lock(self, goal: ArchiveGoal) -> LockWanted | None:
        """To whom the archive is encrypted, and what reads it back."""
        if not goal.encrypt_to:
            return None
        from crmstate.archive.locked import Wanted as LockWanted

        return LockWanted(goal.encrypt_to, self.identity, self.working_key, self.effects)

    @cached_property
    def identity(self) -> Secret | None:
        """What reads an encrypted archive back, where the manifest names it; known to the scrubber before it is used."""
        from crmstate.manifest.credentials import read_reference
        from crmstate.manifest.data import Archive as Section

        end = self.loaded.model.end_state
        section = end.data.archive if end is not None and end.data is not None else None
        if not isinstance(section, Section) or section.identity is None:
            return None
        secret = read_reference(
            self.loaded, ("end_state", "data", "archive", "identity"), section.identity, self.environ, self.operator,
            self.provider.env,
        )  # fmt: skip
        learn_lines(self.scrubber, secret)
        return secret

    def lock(self, state: State) -> tuple[str, ...] | None:
        """The fingerprints of those whom the archive on record is encrypted to, as it lies at its location, none of them
        for a plain one; None where nothing is there, or it cannot be looked at: whatever relies on it will say so."""
        goal = self.desired.archive
        if not isinstance(goal, ArchiveGoal) or goal.unsupported or ended(state) is not None:
            return None
        if not any(entry.verb is Verb.ARCHIVE for entry in state.entries.values()):
            return None
        from crmstate.archive import locked, places

        learn_keys(self.scrubber, self.environ)
        try:
            return locked.existing(places.glance(goal.to, self.folder, self.desired.name, self.environ))
        except Problem:
            return None

    def views(self, state: State) -> dict[str, int] | None:
        """The bytes of the copies that lie beside each dataset of the archive on record, by its id; None where none are
        wanted, or the place cannot be looked at."""
        goal = self.desired.archive
        if not isinstance(goal, ArchiveGoal) or goal.unsupported or not goal.views or ended(state) is not None:
            return None
        from crmstate.archive import places, views
        from crmstate.archive.layout import slug

        learn_keys(self.scrubber, self.environ)
        try:
            place = places.glance(goal.to, self.folder, self.desired.name, self.environ)
            found = views.sizes(place, bool(goal.encrypt_to))
        except Problem:
            return None
        return {id_of(each): found.get(slug(id_of(each)), 0) for each in archived(state)}

    def refuse_standing(self) -> None:
        """Raises Problem CRM-A095 where something of the archive is still at its location, and any other where that cannot
        be known; a bucket that is gone has none of it."""
        goal = self.desired.archive
        if not isinstance(goal, ArchiveGoal) or goal.unsupported:
            return
        from crmstate.archive import ending, places

        learn_keys(self.scrubber, self.environ)
        ending.refuse_standing(places.glance(goal.to, self.folder, self.desired.name, self.environ))

    @property
    def working_key(self) -> Path:
        """Where the key lies that an encrypted archive is continued with."""
        from crmstate.store.home import Home

        return Home(self.folder, self.desired.name).path / WORKING_KEY

    def messenger(self, state: State, side_by_side: int = 4) -> Post | None:
        """Who tells people, or None where nobody is to be told."""
        if not any(each.told for each in self.desired.notices):
            return None
        from crmstate.cli.telling import messenger

        return messenger(self, state, side_by_side)

    def forget_working_key(self) -> None:
        """Destroys the key that an encrypted archive was continued with; the recipients read it all the same."""
        if self.working_key.is_symlink() or self.working_key.exists():
            path = self.working_key
            self.effects.do("unlink", str(path), lambda: path.unlink(missing_ok=True))

    def check_place(self, made: Plan) -> None:
        """Raises the Problem that carrying a plan out would meet at the place of the archive, as far as that can be
        known without asking there."""
        goal = self.desired.archive
        if (
            isinstance(goal, ArchiveGoal)
            and not goal.unsupported
            and any(each.verb in _ARCHIVED for each in made.steps)
        ):
            from crmstate.archive import places

            places.refuse(goal.to, self.folder, self.environ)


def learn_lines(scrubber: Scrubber, secret: Secret) -> None:
    """A secret of several lines is not shown in parts either."""
    scrubber.learn(secret)
    for line in secret.reveal().splitlines():
        if line.strip() and not line.startswith(("#", "-----")):
            scrubber.learn(Secret(line.strip()))


def learn_keys(scrubber: Scrubber, environ: Mapping[str, str]) -> None:
    """Whatever is shown from here on does not show the secrets of an object store."""
    from crmstate.archive.s3 import SECRETS

    for name in SECRETS:
        scrubber.learn(environ.get(name, ""))


def lineage() -> str:
    """A name for a new state that no other state has."""
    return str(uuid.uuid4())


def run_id() -> str:
    """A name for one run of apply."""
    return uuid.uuid4().hex[:12]

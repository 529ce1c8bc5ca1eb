"""The World: the neutral truth about one CRM tenant, in one SQLite file, whatever vendor's dialect is spoken over it.

Everything that a test or a seed builds goes through `add_...` here; what callers do to it lives in `acts` and
`contract`. It never reads the real clock, speaks no HTTP, and shows no secret in `truth()` or in the log. Several
processes may hold the file open at once.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from . import faults, truth
from .schema import FORMAT, INDEXES, PRAGMAS, TABLES
from .tables import Tables, connect, json_text

START = "2026-11-01T08:00:00Z"
TENANT = {"id": "t-1001", "name": "Acme", "region": "eu", "edition": "enterprise"}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub-1",
    "plan": "professional",
    "status": "active",
    "renews": True,
    "term": {"start": "2026-02-01", "end": "2027-01-31"},
    "access_until": None,
    "price": {"amount": "14400.00", "currency": "USD", "per": "year"},
    "seats": 57,
    "pending": None,
    "paused_until": None,
    "renews_before": None,
}


@dataclass(frozen=True)
class Key:
    """An API key with its secrets, as only the World knows them, and whose it is."""

    id: str
    token: str
    refresh_token: str
    user_id: str = ""


def content_of(dataset: str, attachment: str, size: int) -> bytes:
    """The bytes of an attachment that has none of its own: always the same for the same id and size."""
    return hashlib.shake_128(f"{dataset}/{attachment}/{size}".encode()).digest(size)


class World(Tables):
    """One tenant."""

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        tenant: Mapping[str, str] | None = None,
        now: str = START,
        seed: int = 1,
        bulk: bool = False,
        **traits: Any,
    ) -> World:
        """A new, empty tenant in a new file (mode 0600), with a subscription and an open account.

        `traits` are peculiarities of the tenant: `soft_delete=True` (deleted rows still answer to `?ids=`).

        `bulk` leaves indexes and the write-ahead log out until `finish_bulk()`: faster for millions of rows.
        """
        place = Path(path)
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        world = cls(place, connect(place))
        world.script("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" if bulk else PRAGMAS)
        world.script("BEGIN;" + TABLES + ("" if bulk else INDEXES) + "COMMIT;")
        with world.transaction():
            found_tenant = {**TENANT, **(tenant or {})}
            world.put("format", FORMAT)
            world.put("seed", seed)
            world.put("now", now)
            world.put("tenant", found_tenant)
            world.put("subscription", SUBSCRIPTION)
            world.put("account", {"id": found_tenant["id"], "status": "open", "closes_at": None})
            world.put("traits", traits)
        return world

    # What is so

    @property
    def now(self) -> str:
        """The sandbox's time."""
        return str(self.remembered("now"))

    @property
    def tenant(self) -> dict[str, str]:
        return dict(self.get("tenant"))

    @property
    def traits(self) -> dict[str, Any]:
        return dict(self.get("traits"))

    def set_traits(self, **traits: Any) -> None:
        """Changes peculiarities of this tenant: `soft_delete` (deleted rows still answer to `?ids=`)."""
        with self.transaction():
            self.put("traits", {**self.traits, **traits})

    def set_subscription(self, **changes: Any) -> None:
        """Overwrites parts of the subscription (`status`, `renews`, `term`, `price`, `plan`, `seats`, ...)."""
        unknown = set(changes) - set(SUBSCRIPTION)
        if unknown:
            raise TypeError(f"a subscription has no {', '.join(sorted(unknown))}")
        with self.transaction():
            self.put("subscription", {**self.get("subscription"), **changes})

    def secret(self, *words: object) -> str:
        """Random-looking, and always the same for the same seed and words."""
        text = "/".join(map(str, (self.remembered("seed"), *words)))
        return hashlib.blake2b(text.encode(), digest_size=20, person=b"sandbox").hexdigest()

    def effect(self, verb: str, kind: str, id: str, *, irreversible: bool = False) -> None:
        """Notes that something really happened, for the request being answered (or, without one, for the clock)."""
        self.run(
            "INSERT INTO effects (seq, at, verb, kind, id, irreversible) VALUES (?, ?, ?, ?, ?, ?)",
            self.seq,
            self.now,
            verb,
            kind,
            id,
            int(irreversible),
        )

    # Building

    def add_user(
        self,
        id: str,
        *,
        email: str | None = None,
        name: str | None = None,
        role: str = "member",
        status: str = "active",
        licence: str | None = "full",
        last_login_at: str | None = None,
        modified_at: str | None = None,
    ) -> str:
        """One person's account; `role` is owner, admin or member."""
        values = (
            id,
            email or f"{id}@example.com",
            name or id,
            role,
            status,
            licence,
            last_login_at,
            modified_at or self.now,
        )
        self.run("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", *values)
        return id

    def add_session(self, id: str, user_id: str, *, agent: str = "Firefox", created_at: str | None = None) -> str:
        self.run("INSERT INTO sessions VALUES (?, ?, ?, ?, NULL)", id, user_id, created_at or self.now, agent)
        return id

    def add_key(
        self,
        id: str,
        user_id: str,
        *,
        name: str | None = None,
        scopes: Sequence[str] = ("read", "write"),
        token: str | None = None,
        refresh_token: str | None = None,
        created_at: str | None = None,
        last_used_at: str | None = None,
        status: str = "active",
    ) -> Key:
        """An API key; its secrets come from the seed unless they are given."""
        key = Key(id, token or f"sk_{self.secret('sk', id)}", refresh_token or f"rt_{self.secret('rt', id)}", user_id)
        self.run(
            "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            id,
            name or id,
            user_id,
            key.token[:7],
            json_text(list(scopes)),
            created_at or self.now,
            last_used_at,
            status,
            key.token,
            key.refresh_token,
        )
        return key

    def add_integration(
        self,
        id: str,
        *,
        type: str = "webhook",
        name: str | None = None,
        target: str = "https://hooks.example.com/in",
        status: str = "active",
        last_used_at: str | None = None,
    ) -> str:
        """A `webhook`, `oauth_app` or `workflow`."""
        self.run(
            "INSERT INTO integrations VALUES (?, ?, ?, ?, ?, ?, NULL)",
            id,
            type,
            name or id,
            target,
            status,
            last_used_at,
        )
        return id

    def add_module(
        self,
        id: str,
        *,
        name: str | None = None,
        status: str = "enabled",
        data_effect: str = "keeps",
        datasets: Sequence[str] = (),
        true_effect: str | None = None,
    ) -> str:
        """A module over `datasets`. `data_effect` is what the vendor says (keeps, clears, unknown); `true_effect` what
        disabling does.
        """
        truly = true_effect or ("clears" if data_effect == "clears" else "keeps")
        self.run(
            "INSERT INTO modules VALUES (?, ?, ?, ?, ?, ?)",
            id,
            name or id,
            status,
            data_effect,
            truly,
            json_text(list(datasets)),
        )
        return id

    def add_setting(
        self, id: str, *, name: str | None = None, customised: bool = False, modified_at: str | None = None
    ) -> str:
        self.run("INSERT INTO settings VALUES (?, ?, ?, ?)", id, name or id, int(customised), modified_at or self.now)
        return id

    def add_dataset(
        self,
        id: str,
        name: str | None = None,
        fields: Sequence[Mapping[str, str]] = ({"name": "name", "type": "text", "label": "Name"},),
        exportable: bool = True,
    ) -> str:
        """A dataset; `fields` are `{"name", "type", "label"}`."""
        self.run(
            "INSERT INTO datasets (id, name, exportable, modified_at, fields) VALUES (?, ?, ?, ?, ?)",
            id,
            name or id,
            int(exportable),
            self.now,
            json_text([dict(each) for each in fields]),
        )
        return id

    def add_rows(self, dataset: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Rows `{"id", "owner_id"?, "created_at"?, "modified_at"?, "fields"?, "binned"?}`; fields without a value
        become null.
        """
        with self.transaction():
            now = self.now
            declared = self.one("SELECT fields FROM datasets WHERE id = ?", dataset)
            if declared is None:
                raise KeyError(f"no dataset {dataset!r}")
            empty = {each["name"]: None for each in msgspec.json.decode(declared[0])}
            made = [
                (
                    dataset,
                    row["id"],
                    row.get("owner_id"),
                    row.get("created_at", now),
                    row.get("modified_at", now),
                    json_text({**empty, **row.get("fields", {})}),
                    int(bool(row.get("binned"))),
                )
                for row in rows
            ]
            self.run_many("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", made)
            gone = sum(row[6] for row in made)
            self.count_in(dataset, live=len(made) - gone, binned=gone)
            return len(made)

    def add_attachment(
        self,
        dataset: str,
        id: str,
        row_id: str,
        *,
        name: str | None = None,
        size: int = 0,
        mime: str = "application/octet-stream",
        content: bytes | None = None,
    ) -> str:
        """A file on a row: `content`, or `size` bytes that follow from its id."""
        found = content_of(dataset, id, size) if content is None else content
        digest = hashlib.sha256(found).hexdigest()
        with self.transaction():
            row = self.one("SELECT binned FROM rows WHERE dataset = ? AND id = ?", dataset, row_id)
            if row is None:
                raise KeyError(f"no row {row_id!r} in {dataset!r}")
            self.run(
                "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                dataset,
                id,
                row_id,
                name or f"{id}.bin",
                len(found),
                mime,
                digest,
                content,
                row[0],
            )
            self.count_in(dataset, files=0 if row[0] else 1)
        return id

    def count_in(self, dataset: str, *, live: int = 0, binned: int = 0, files: int = 0) -> None:
        """Moves the dataset's counters; whoever adds or removes rows calls it in the same transaction."""
        self.run(
            "UPDATE datasets SET live = live + ?, binned = binned + ?, files = files + ? WHERE id = ?",
            live,
            binned,
            files,
            dataset,
        )

    # Reading the truth

    def truth(self, *, log: bool = False) -> dict[str, Any]:
        """Everything neutral, fit for JSON, without secrets and the rows' contents; `log` adds every request."""
        return truth.truth(self, log=log)

    def rows(self, dataset: str, *, binned: bool = False) -> Iterator[dict[str, Any]]:
        """The rows of a dataset that are really there (or really in the bin), in the order of their ids."""
        columns = "id, owner_id, created_at, modified_at, fields"
        sql = f"SELECT {columns} FROM rows WHERE dataset = ? AND binned = ? AND id > ? ORDER BY id LIMIT 1000"
        last = ""
        while page := self.all(sql, dataset, int(binned), last):
            for id, owner, created, modified, fields in page:
                yield {
                    "id": id,
                    "owner_id": owner,
                    "created_at": created,
                    "modified_at": modified,
                    "fields": msgspec.json.decode(fields),
                }
            last = page[-1][0]

    def attachment(self, dataset: str, id: str) -> bytes:
        """The bytes of an attachment, in the bin or not; KeyError when it is gone."""
        found = self.one("SELECT size, content FROM attachments WHERE dataset = ? AND id = ?", dataset, id)
        if found is None:
            raise KeyError(f"no attachment {id!r} in {dataset!r}")
        return content_of(dataset, id, found[0]) if found[1] is None else bytes(found[1])

    def log(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Every request received with seq > `since`: seq, at, method, target, key_id, ids, body, status (None:
        unanswered), effects, fault.
        """
        return truth.log(self, since)

    def effects(
        self, *, verb: str | None = None, kind: str | None = None, id: str | None = None
    ) -> list[dict[str, Any]]:
        """What really happened, in order: seq (None: by the clock), at, verb, kind, id, irreversible."""
        return truth.effects(self, verb, kind, id)

    def twice(self) -> list[tuple[str, str, str]]:
        """The irreversible effects (verb, kind, id) that happened more than once."""
        sql = "SELECT verb, kind, id FROM effects WHERE irreversible = 1 GROUP BY kind, id, verb HAVING count(*) > 1"
        return [(verb, kind, id) for verb, kind, id in self.all(sql)]

    def asked(self, path: str = "*") -> Counter[str]:
        """How often each id was named in acting requests (to paths like `path`) that reached the vendor's rules."""
        sql = "SELECT target, ids FROM requests WHERE ids IS NOT NULL AND method = 'POST'"
        found: Counter[str] = Counter()
        for target, ids in self.all(sql):
            if fnmatchcase(target, path):
                found.update(msgspec.json.decode(ids))
        return found

    def credentials(self) -> dict[str, Key]:
        """Every key's secrets, for tests that must not find them anywhere else."""
        return {
            id: Key(id, token, refresh, user)
            for id, token, refresh, user in self.all("SELECT id, secret, refresh_token, user_id FROM api_keys")
        }

    # Faults

    def add_fault(
        self,
        action: str,
        *,
        path: str = "*",
        method: str = "*",
        key: str | None = None,
        nth: Sequence[int] | None = None,
        every: int | None = None,
        rate: float | None = None,
        first: int | None = None,
        times: int | None = None,
        seed: int = 1,
        **params: Any,
    ) -> int:
        """Adds a rule and returns its number; see `faults` for the actions, their parameters and when a rule fires."""
        return faults.add(
            self,
            action,
            path=path,
            method=method,
            key=key,
            when={"nth": nth, "every": every, "rate": rate, "first": first, "seed": seed},
            times=times,
            params=params,
        )

    def faults(self) -> list[dict[str, Any]]:
        """The rules, with how many requests each has seen and how often it fired."""
        return faults.rules(self)

    def clear_faults(self, id: int | None = None) -> None:
        """Removes one rule, or all of them."""
        faults.clear(self, id)

"""The sandbox on its stage: a World in a file, its server on loopback in this process, its own interface for trouble
and truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from crmstate.core.provider import Args, Batch, Cell, File, Item, Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers import load
from crmstate.sandbox import Server, World, advance

from .stage import Trouble, Truth, Who

DATASET = "Contacts"

_FAULTS: dict[Trouble, tuple[str, dict[str, object]]] = {
    Trouble.THROTTLED_FOR_SECONDS: ("throttled", {"retry_after": 7}),
    Trouble.THROTTLED_WITHOUT_A_WORD: ("throttled", {"retry_after": None}),
    Trouble.QUOTA_USED_UP: ("quota_exhausted", {}),
    Trouble.OUTAGE_500: ("unavailable", {"status": 500}),
    Trouble.OUTAGE_502: ("unavailable", {"status": 502}),
    Trouble.OUTAGE_503: ("unavailable", {"status": 503, "html": False}),
    Trouble.OUTAGE_AFTER_THE_EFFECT: ("unavailable", {"status": 502, "after": True}),
    Trouble.RESET_AT_ONCE: ("refused", {}),
    Trouble.CUT_BEFORE_THE_EFFECT: ("cut_before", {}),
    Trouble.CUT_AFTER_THE_EFFECT: ("cut_after", {}),
    Trouble.SLOW_BEFORE_THE_EFFECT: ("latency", {"ms": 700}),
    Trouble.SLOW_AFTER_THE_EFFECT: ("latency", {"ms": 700, "after": True}),
    Trouble.TORN_BODY: ("torn_body", {}),
    Trouble.MALFORMED_BODY: ("malformed_body", {}),
    Trouble.CUT_GZIP: ("cut_gzip", {}),
    Trouble.TOKEN_EXPIRED: ("token_expired", {}),
    Trouble.EVERY_SECOND_ITEM_FAILS: ("partial", {"item": 2, "code": "rejected"}),
    Trouble.ACCEPTED_FOR_LATER: ("accepted", {"days": 3}),
    Trouble.DONE_THAT_DID_NOTHING: ("done_nothing", {}),
    Trouble.ROW_INSERTED_BEHIND: ("shifting_listing", {"how": "insert", "where": "before"}),
    Trouble.ROW_REMOVED_BEHIND: ("shifting_listing", {"how": "remove", "where": "before"}),
    Trouble.SMALLER_PAGES: ("wrong_page_size", {"size": 2}),
    Trouble.SMALLER_PAGES_THAT_LOSE_ROWS: ("wrong_page_size", {"size": 2, "lose": True}),
    Trouble.REPEATED_PAGE: ("repeated_page", {}),
    Trouble.ECHO_IN_ERROR: ("echo_credential", {"where": "error"}),
    Trouble.ECHO_IN_HTML: ("echo_credential", {"where": "html"}),
    Trouble.ECHO_IN_PAGE: ("echo_credential", {"where": "page"}),
}

_STATUS = {
    "active": Phase.PRESENT,
    "inactive": Phase.INACTIVE,
    "enabled": Phase.PRESENT,
    "disabled": Phase.INACTIVE,
    "revoked": Phase.ABSENT,
    "paused": Phase.INACTIVE,
    "free": Phase.INACTIVE,
    "cancelled": Phase.ABSENT,
    "open": Phase.PRESENT,
    "closing": Phase.PENDING,
    "closed": Phase.ABSENT,
}

_TABLES = {
    Kind.USER: "users",
    Kind.SESSION: "sessions",
    Kind.API_KEY: "api_keys",
    Kind.INTEGRATION: "integrations",
    Kind.MODULE: "modules",
    Kind.SETTING: "settings",
    Kind.DATASET: "datasets",
}


class SandboxTruth:
    """Read from the World's file, past its API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def phases(self, kind: Kind) -> dict[str, Phase]:
        truth = self._world.truth()
        if kind in {Kind.SUBSCRIPTION, Kind.ACCOUNT}:
            one = truth[kind.value]
            return {one["id"]: Phase.PENDING if one.get("pending") else _STATUS[one["status"]]}
        if kind is Kind.BIN:
            return {each["id"]: Phase.PRESENT for each in truth["datasets"] if each["bin_rows"]}
        ended = ("deleted_at", "ended_at", "orphaned")
        rows = [each for each in truth[_TABLES[kind]] if not any(each.get(mark) for mark in ended)]
        if kind is Kind.SETTING:
            return {each["id"]: Phase.PRESENT if each["customised"] else Phase.ABSENT for each in rows}
        return {each["id"]: _STATUS[each.get("status", "active")] for each in rows}

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        found = self._world.effects(kind="row" if parent else kind.value, id=f"{parent}/{id}" if parent else id)
        counted = [each for each in found if not each["verb"].startswith("drop ")]
        return len(counted)

    def received(self) -> list[str]:
        return [f"{each['method']} {each['target'].partition('?')[0]}" for each in self._world.log()]


class SandboxStage:
    """One World with an owner, an administrator who holds the keys, and a member."""

    late = 0.25

    def __init__(self, folder: Path) -> None:
        self.provider: Provider = load("sandbox")
        self.tenant = "t-1001"
        self._file = folder / "world.db"
        self._world = World.create(self._file)
        self._seed()
        self._server = Server(self._world).start()
        self.url = self._server.url
        self.truth: Truth = SandboxTruth(self._world)
        self._made = 0

    def _seed(self) -> None:
        world = self._world
        world.add_user("a-owner", role="owner")
        world.add_user("a-admin", role="admin")
        world.add_user("a-member", role="member")
        world.add_dataset(DATASET)
        world.add_key("a-key", "a-admin")
        world.add_key("a-read", "a-admin", scopes=["read"])
        world.add_key("a-weak", "a-member")
        world.add_key("a-none", "a-admin", scopes=[])
        world.add_key("a-dead", "a-admin", status="revoked")
        keys = world.credentials()
        self._keys = {
            Who.STRONG: {"token": keys["a-key"].token},
            Who.REFRESHING: {"refresh_token": keys["a-key"].refresh_token},
            Who.READ_ONLY: {"token": keys["a-read"].token},
            Who.WEAK: {"token": keys["a-weak"].token},
            Who.NO_RIGHTS: {"token": keys["a-none"].token},
            Who.DEAD: {"token": keys["a-dead"].token},
        }

    def credential(self, who: Who) -> Mapping[str, Secret]:
        return {name: Secret(text) for name, text in self._keys[who].items()}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        world = self._world
        ids = [f"x{self._made + place:06}" for place in range(len(names))]
        self._made += len(names)
        with world.transaction():
            if kind is Kind.BIN:
                for id in ids:
                    world.add_dataset(id)
                    world.add_rows(id, [{"id": "r1", "binned": True}])
            else:
                for id, name in zip(ids, names, strict=True):
                    self._put_one(kind, id, name)
        return ids

    def _put_one(self, kind: Kind, id: str, name: str) -> None:
        world = self._world
        if kind is Kind.USER:
            world.add_user(id, name=name)
        elif kind is Kind.SESSION:
            world.add_session(id, "a-member", agent=name)
        elif kind is Kind.API_KEY:
            world.add_key(id, "a-member", name=name)
        elif kind is Kind.INTEGRATION:
            world.add_integration(id, name=name)
        elif kind is Kind.MODULE:
            world.add_module(id, name=name)
        elif kind is Kind.SETTING:
            world.add_setting(id, name=name, customised=True)
        elif kind is Kind.DATASET:
            world.add_dataset(id, name)
        else:
            raise ValueError(f"there is one {kind}")

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        """A dataset with rows of these names; its id and theirs."""
        (dataset,) = self.put(Kind.DATASET, ["rows"])
        ids = [f"r{place:06}" for place in range(len(names))]
        self._world.add_rows(
            dataset, [{"id": id, "fields": {"name": name}} for id, name in zip(ids, names, strict=True)]
        )
        return dataset, ids

    def fetching(self, file: File) -> str:
        """Its address, signed."""
        return "GET " + file.url.partition("?")[0]

    def attachment(self, content: bytes) -> str:
        """A dataset whose one row has one attachment."""
        dataset, (row,) = self.rows(["with a file"])
        self._world.add_attachment(dataset, "f1", row, name="Verträge/合同.pdf", content=content)
        return dataset

    def soften(self) -> None:
        """Deleting is soft from now on."""
        self._world.set_traits(soft_delete=True)

    def hidden(self, kind: Kind) -> list[str]:
        """The keys of a deleted user (docs/reference/sandbox-api.md, Batches)."""
        if kind is not Kind.API_KEY:
            return []
        ids = self.put(kind, ["orphan"])
        self._world.run("UPDATE api_keys SET orphaned = 1 WHERE id = ?", ids[0])
        return ids

    def batch(self, cell: Cell, count: int) -> Batch:
        kind, verb = cell.kind, cell.verb
        if kind is Kind.SUBSCRIPTION:
            if verb is Verb.RESUME:
                self._world.set_subscription(status="paused")
            today = self._world.now[:10]
            args = {
                Verb.CANCEL: Args(effective="immediately"),
                Verb.PAUSE: Args(starts=today, until="2026-12-31"),
                Verb.DOWNGRADE: Args(to="free", effective="immediately"),
            }
            return Batch(kind, verb, (Item("sub-1", args.get(verb, Args())),))
        if kind is Kind.ACCOUNT:
            self._world.set_subscription(status="cancelled")
            return Batch(kind, verb, (Item(self.tenant),))
        if kind is Kind.DATASET:
            dataset, rows = self.rows(["gone"] * count)
            return Batch(kind, verb, tuple(Item(row) for row in rows), parent=dataset)
        return Batch(kind, verb, tuple(Item(id) for id in self.put(kind, ["gone"] * count)))

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        method, _, path = request.partition(" ")
        action, params = _FAULTS[trouble]
        self._world.add_fault(action, method=method, path=path, times=times, **params)  # type: ignore[arg-type]

    def days_pass(self, days: int) -> None:
        advance(self._file, f"{days}d")

    def close(self) -> None:
        self._server.stop()
        self._world.close()


STAGE = SandboxStage

"""The sandbox on its stage, in its own dialect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmstate.core.provider import Args, Batch, Cell, Item
from crmstate.core.words import Kind, Phase, Verb
from crmstate.sandbox import contract

from .simulated import SimulatedStage, WorldTruth
from .stage import Truth, Who, several

DATASET = "Contacts"

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


class SandboxTruth(WorldTruth):
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


class SandboxStage(SimulatedStage):
    """The sandbox in its own dialect."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.truth: Truth = SandboxTruth(self._world)

    def _seed(self) -> None:
        super()._seed()
        self._world.add_dataset(DATASET)

    def fields(self, who: Who) -> dict[str, str]:
        if who is Who.REFRESHING:
            return {"refresh_token": self._world.credentials()["a-key"].refresh_token}
        return {"token": self.token(who)}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        world = self._world
        ids = self.fresh(len(names))
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

    def field_names(self, dataset: str) -> Sequence[str]:
        return ["name", "Name", "text"]

    def attachment(self, content: bytes) -> str:
        """A dataset whose one row has one attachment."""
        dataset, (row,) = self.rows(["with a file"])
        self._world.add_attachment(dataset, "f1", row, name="Verträge/合同.pdf", content=content)
        return dataset

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return ids if kind is Kind.BIN else names

    def answers(self, token: str) -> bool:
        return self.ask("GET", "/v1/whoami", token)

    def close_account(self) -> None:
        self._world.set_subscription(status="cancelled")
        contract.close_account(self._world, self.tenant)

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
        return several(self, cell, count)


STAGE = SandboxStage

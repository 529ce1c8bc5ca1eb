"""纷享销客 on its stage: the simulator's dialect `fxiaoke`, and the vendor's own ids for what lies in the World.

People are called by their openUserId, datasets by the API name of their object, records by their `_id`, the tenant by its `ea`.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from crmstate.core.provider import Batch, Cell, File, Item
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase
from crmstate.sandbox.dialects.fxiaoke import credential, ids
from crmstate.sandbox.dialects.fxiaoke.objects import PERSONNEL
from crmstate.sandbox.hexids import written

from .simulated import SimulatedStage, WorldTruth
from .stage import HeldKey, Truth, Who, several


class FxiaokeTruth(WorldTruth):
    """The World's truth in the vendor's ids."""

    def phases(self, kind: Kind) -> dict[str, Phase]:
        truth, world = self._world.truth(), self._world
        if kind is Kind.USER:
            there = [each for each in truth["users"] if not each["deleted_at"]]
            return {
                ids.open_user(each["id"]): Phase.PRESENT if each["status"] == "active" else Phase.INACTIVE
                for each in there
            }
        if kind is Kind.DATASET:
            named = [ids.api_name(world, each["id"]) for each in truth["datasets"]]
            return dict.fromkeys([*named, PERSONNEL], Phase.PRESENT)
        if kind is Kind.ACCOUNT:
            closed = truth["account"]["status"] == "closed"
            return {world.tenant["id"]: Phase.ABSENT if closed else Phase.PRESENT}
        raise ValueError(f"no call of this vendor lists {kind}")

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        """Of a record: how often it was put in the bin (or an approval of that was asked for); as a thing of the bin: how
        often it was ended for good."""
        if parent is None:
            return super().happened(kind, ids.user_of(self._world, id) or id if kind is Kind.USER else id)
        dataset = ids.dataset_of(self._world, parent) or parent
        row = f"{dataset}/{ids.row_of(self._world, dataset, id) or id}"
        verbs = {"purge"} if kind is Kind.BIN else {"delete", "accept delete"}
        return sum(each["verb"] in verbs for each in self._world.effects(kind="row", id=row))


class FxiaokeStage(SimulatedStage):
    """One company. What a test puts there are objects of its own, whose rows are made invalid by the batch: the suite asks
    what becomes of one call. Preset objects have tests of their own (`tests/providers/test_fxiaoke.py`)."""

    vendor = "fxiaoke"
    key_listed = False
    midnight = "T16:00:00Z"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.truth: Truth = FxiaokeTruth(self._world)

    def traits(self) -> dict[str, object]:
        return {"dialect": self.vendor}

    def _seed(self) -> None:
        super()._seed()
        self._world.add_dataset("AccountObj", "客户")
        self._world.add_key("b-weak", "a-member", scopes=["read", "write", "department:1001"])

    def fields(self, who: Who) -> dict[str, str]:
        """A weak one works as a member, and may see one department only. Any can be renewed; the one that is signs in in the
        older style, which has no employee's number."""
        keys = self._world.credentials()
        token = self.token(who)
        found = credential(keys["b-weak"] if who is Who.WEAK else next(k for k in keys.values() if k.token == token))
        older = who is Who.REFRESHING
        return {name: value for name, value in found.items() if not (older and name == "user_id")}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        world, made = self._world, self.fresh(len(names))
        with world.transaction():
            for id, name in zip(made, names, strict=True):
                if kind is Kind.USER:
                    world.add_user(id, name=name)
                elif kind is Kind.DATASET:
                    world.add_dataset(id, name)
        if kind is Kind.USER:
            return [ids.open_user(id) for id in made]
        return [ids.api_name(world, id) for id in made] if kind is Kind.DATASET else made

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        (dataset,) = self.put(Kind.DATASET, ["rows"])
        made = [f"r{place:06}" for place in range(len(names))]
        rows = [{"id": id, "fields": {"name": name}} for id, name in zip(made, names, strict=True)]
        self._world.add_rows(self._dataset(dataset), rows)
        return dataset, [written(id) for id in made]

    def field_names(self, dataset: str) -> Sequence[str]:
        return ["name", "Name", "text", dataset]

    def _dataset(self, name: str) -> str:
        found = ids.dataset_of(self._world, name)
        assert found is not None
        return found

    def attachment(self, content: bytes) -> str:
        """A picture, since only those say how large they are."""
        dataset, _ = self.rows(["with a file"])
        self._world.add_attachment(
            self._dataset(dataset), "f1", "r000000", name="Verträge/合同.pdf", content=content, mime="image/png"
        )
        return dataset

    def fetching(self, file: File) -> str:
        return "POST /media/download"

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return names

    def held_key(self) -> HeldKey:
        """A self-built app that works as a member. Nothing lists it; a person switches it off."""
        world = self._world
        user, key = self.fresh(2)
        world.add_user(user, name="held")
        world.add_key(key, user)
        fields = credential(world.credentials()[key])
        return HeldKey(
            ids.open_user(user),
            None,
            answers=lambda: self._granted(fields),
            revoke=lambda: world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", key),
            credential={name: Secret(text) for name, text in fields.items()},
        )

    def _granted(self, fields: dict[str, str]) -> bool:
        """Whether the vendor gives this app a token."""
        names = {"appId": "app_id", "appSecret": "app_secret", "permanentCode": "permanent_code"}
        asked = {name: fields[own] for name, own in names.items()}
        body = json.dumps(asked).encode()
        request = urllib.request.Request(f"{self.url}/cgi/corpAccessToken/get/V2", body, method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=5) as found:
            return bool(json.load(found)["errorCode"] == 0)

    def own_user(self) -> str:
        return ids.open_user("a-admin")

    def switched_off(self) -> str:
        return ids.open_user(super().switched_off())

    def close_account(self) -> None:
        self._world.put("account", {**self._world.get("account"), "status": "closed"})

    def soften(self) -> None:
        """Invalid records go on answering by their ids."""
        self._world.set_traits(soft_delete=True)

    def batch(self, cell: Cell, count: int) -> Batch:
        if cell.kind is not Kind.BIN:
            return several(self, cell, count)
        dataset, rows = self.rows(["gone"] * min(count, cell.batch))
        for row in rows:
            self._invalidate(self._dataset(dataset), row)
        return Batch(cell.kind, cell.verb, tuple(Item(row) for row in rows), parent=dataset)

    def _invalidate(self, dataset: str, row: str) -> None:
        world, id = self._world, ids.row_of(self._world, dataset, row)
        with world.transaction():
            world.run("UPDATE rows SET binned = 1 WHERE dataset = ? AND id = ?", dataset, id)
            world.count_in(dataset, live=-1, binned=1)


STAGE = FxiaokeStage

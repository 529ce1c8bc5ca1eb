"""简道云 on its stage: the simulator's dialect `jiandaoyun`, two apps, and the vendor's own ids for what lies in the World."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmstate.core.provider import Batch, Cell
from crmstate.core.words import Kind, Phase
from crmstate.sandbox import World
from crmstate.sandbox.dialects.jiandaoyun import credential, ids

from .simulated import SimulatedStage, WorldTruth
from .stage import Truth, Who, several

HOME, APP, TITLE = "office", "crm", "客户管理"
FIRST = "a-contacts"


def dataset_of(form: str, app: str = APP) -> str:
    """How crmstate calls a form: the app's id and the form's, as the vendor writes them."""
    return f"{ids.written(app)}/{ids.written(form)}"


class JiandaoyunTruth(WorldTruth):
    """The World's truth in the vendor's ids."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._forms: dict[str, str] = {}
        self._rows: dict[str, str] = {}

    def phases(self, kind: Kind) -> dict[str, Phase]:
        truth = self._world.truth()
        if kind is Kind.USER:
            return {each["id"]: Phase.PRESENT for each in truth["users"] if not each["deleted_at"]}
        if kind is Kind.DATASET:
            made = [each["id"] for each in truth["datasets"]]
            return {dataset_of(id, HOME if id == FIRST else APP): Phase.PRESENT for id in made}
        if kind is Kind.ACCOUNT:
            closed = truth["account"]["status"] == "closed"
            return {ids.written(HOME): Phase.ABSENT if closed else Phase.PRESENT}
        raise ValueError(f"no call of this vendor lists {kind}")

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        if parent is None:
            return super().happened(kind, id)
        form = ids.read(parent.rpartition("/")[2], ())
        return super().happened(kind, ids.read(id, ()) or id, form)


class JiandaoyunStage(SimulatedStage):
    """Two apps. The corp is known by one; what a test puts there is in the other, which a weak key was not given."""

    vendor = "jiandaoyun"
    tenant = ids.written(HOME)
    key_listed = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.truth: Truth = JiandaoyunTruth(self._world)

    def traits(self) -> dict[str, object]:
        apps = {HOME: {"name": "日常办公", "forms": [FIRST]}, APP: {"name": TITLE, "forms": []}}
        return {"dialect": self.vendor, "apps": apps}

    def _seed(self) -> None:
        super()._seed()
        self._world.add_dataset(FIRST, "客户")
        self._world.add_key("b-weak", "a-admin", scopes=["read", "write", f"app:{HOME}"])

    def fields(self, who: Who) -> dict[str, str]:
        keys = self._world.credentials()
        key = keys["b-weak"] if who is Who.WEAK else next(k for k in keys.values() if k.token == self.token(who))
        return credential(key)

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        world, made = self._world, self.fresh(len(names))
        with world.transaction():
            for id, name in zip(made, names, strict=True):
                if kind is Kind.USER:
                    world.add_user(id, name=name)
                elif kind is Kind.DATASET:
                    world.add_dataset(id, name)
        return [dataset_of(id) for id in made] if kind is Kind.DATASET else made

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        (dataset,) = self.put(Kind.DATASET, ["rows"])
        form = f"x{self._made - 1:06}"
        made = [f"r{place:06}" for place in range(len(names))]
        self._world.add_rows(form, [{"id": id, "fields": {"name": name}} for id, name in zip(made, names, strict=True)])
        return dataset, [ids.written(id) for id in made]

    def field_names(self, dataset: str) -> Sequence[str]:
        """The World's one field by its alias and its label, the field of files by its label, and one of the system's."""
        return ["name", "Name", "附件", "creator"]

    def attachment(self, content: bytes) -> str:
        dataset, _ = self.rows(["with a file"])
        self._world.add_attachment(f"x{self._made - 1:06}", "f1", "r000000", name="Verträge/合同.pdf", content=content)
        return dataset

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return [f"{TITLE} / {name}" for name in names] if kind is Kind.DATASET else names

    def answers(self, token: str) -> bool:
        return self.ask("POST", "/api/v5/app/list", token, b'{"skip": 0, "limit": 1}')

    def close_account(self) -> None:
        self._world.put("account", {**self._world.get("account"), "status": "closed"})

    def soften(self) -> None:
        raise NotImplementedError("this vendor's deleted rows answer to nobody")

    def batch(self, cell: Cell, count: int) -> Batch:
        return several(self, cell, count)


STAGE = JiandaoyunStage

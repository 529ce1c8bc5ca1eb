"""Odoo on its other stage: the simulator's dialect `odoo`, written by somebody who had not read the provider. What both stages
agree on the real server was seen to do (`odoo_stage.py`, which takes minutes and is deep).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from crmstate.core.provider import Batch, Cell, File
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.sandbox.dialects.odoo import credential, machine, numbers

from .simulated import SimulatedStage, WorldTruth
from .stage import HeldKey, Trouble, Truth, Who, several

ROWS = "res.partner"
FIELDS = [
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "email", "type": "email", "label": "Email"},
    {"name": "active", "type": "bool", "label": "Active"},
]
MODELS = {
    Kind.USER: numbers.USERS,
    Kind.API_KEY: numbers.KEYS,
    Kind.INTEGRATION: numbers.RULES,
    Kind.MODULE: numbers.MODULES,
}
OWNERS = {Who.READ_ONLY: "a-read", Who.WEAK: "a-weak", Who.NO_RIGHTS: "a-none", Who.DEAD: "a-dead"}
_OWN = {
    Trouble.REFUSED_AS_500: (500, "RedirectWarning"),
    Trouble.FORBIDDEN_TO_EVERYBODY: (403, "AccessError"),
    Trouble.DEAD_TOKEN_AS_403: (403, "AccessDenied"),
}
SHOWN_TO_MEMBERS = [
    "res.users", "base.automation", "ir.actions.server", "ir.module.module", "ir.model.data", "ir.model.fields",
    "ir.config_parameter",
]  # fmt: skip
"""What somebody weak may read here, so that they are not only refused."""


class OdooWorldTruth(WorldTruth):
    """The World's truth by the vendor's numbers."""

    def phases(self, kind: Kind) -> dict[str, Phase]:
        truth = self._world.truth()
        if kind is Kind.DATASET:
            return {each["id"]: Phase.PRESENT for each in truth["datasets"] if each["rows"]}
        if kind is Kind.USER:
            found = dict[str, Phase]()
            there = {each["id"]: each["status"] == "active" for each in truth["users"] if not each["deleted_at"]}
        elif kind is Kind.API_KEY:
            found = {}
            there = {
                each["id"]: True for each in truth["api_keys"] if each["status"] == "active" and not each["orphaned"]
            }
        elif kind is Kind.INTEGRATION:
            found = {}
            live = [each for each in truth["integrations"] if not each["deleted_at"]]
            there = {each["id"]: each["status"] == "active" for each in live}
        elif kind is Kind.MODULE:
            found = {str(number): Phase.PRESENT for number in machine.INSTALLED}
            there = {each["id"]: each["status"] == "enabled" for each in truth["modules"]}
        else:
            raise ValueError(f"no call of this vendor lists {kind}")
        return found | {
            str(numbers.of(self._world, MODELS[kind], id)): Phase.PRESENT if on else Phase.INACTIVE
            for id, on in there.items()
        }

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        key = numbers.key(self._world, parent or MODELS[kind], int(id)) if id.isdecimal() else None
        return super().happened(kind, key or id, parent)


class OdooSimulatedStage(SimulatedStage):
    """An administrator, somebody who only reads, somebody who sees little, somebody who may nothing, and one whose key is
    revoked; each with one key."""

    vendor = "odoo"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.truth: Truth = OdooWorldTruth(self._world)

    def traits(self) -> dict[str, object]:
        return {"dialect": self.vendor, "members_read": SHOWN_TO_MEMBERS}

    def _seed(self) -> None:
        world = self._world
        with world.transaction():
            numbers.ready(world)
            world.add_user("a-owner", role="owner")
            for user, role, key, more in (
                ("a-admin", "admin", "a-key", {}),
                ("a-reader", "admin", "a-read", {"scopes": ["read"]}),
                ("a-member", "member", "a-weak", {}),
                ("a-nobody", "admin", "a-none", {"scopes": []}),
                ("a-gone", "member", "a-dead", {"status": "revoked"}),
            ):
                world.add_user(user, role=role)
                world.add_key(key, user, **more)
            world.add_dataset(ROWS, "Contact", FIELDS)

    def fields(self, who: Who) -> dict[str, str]:
        return credential(self._world.credentials()[OWNERS.get(who, "a-key")])

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        if kind not in MODELS:
            return []
        world, made = self._world, self.fresh(len(names))
        with world.transaction():
            for id, name in zip(made, names, strict=True):
                if kind is Kind.USER:
                    world.add_user(id, name=name)
                elif kind is Kind.API_KEY:
                    world.add_key(id, "a-owner", name=name)
                elif kind is Kind.INTEGRATION:
                    world.add_integration(id, name=name)
                else:
                    world.add_module(id, name=name, status="disabled")
        return [self._number(kind, id) for id in made]

    def _number(self, kind: Kind, id: str) -> str:
        return str(numbers.of(self._world, MODELS[kind], id))

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        made = self.fresh(len(names))
        self._world.add_rows(ROWS, [{"id": id, "fields": {"name": name}} for id, name in zip(made, names, strict=True)])
        return ROWS, [str(numbers.of(self._world, ROWS, id)) for id in made]

    def field_names(self, dataset: str) -> Sequence[str]:
        return ["name", "email", "active", "many2one"]

    def attachment(self, content: bytes) -> str:
        self.rows(["with a file"])
        self._world.add_attachment(ROWS, "f1", self._last(), name="Verträge/合同.pdf", content=content)
        return ROWS

    def _last(self) -> str:
        return f"x{self._made - 1:06}"

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return names

    def answers(self, token: str) -> bool:
        return self.ask("POST", "/json/2/res.users/context_get", token, b"{}")

    def held_key(self) -> HeldKey:
        world = self._world
        user, key = self.fresh(2)
        world.add_user(user, name="held")
        token = world.add_key(key, user).token
        return HeldKey(
            self._number(Kind.USER, user),
            self._number(Kind.API_KEY, key),
            answers=partial(self.answers, token),
            revoke=lambda: world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", key),
            credential={"api_key": Secret(token)},
        )

    def own_user(self) -> str:
        return self._number(Kind.USER, "a-admin")

    def switched_off(self) -> str:
        return self._number(Kind.USER, super().switched_off())

    def hidden_row(self, content: bytes) -> tuple[str, str]:
        dataset = self.attachment(content)
        archived = "UPDATE rows SET fields = json_set(fields, '$.active', json('false')) WHERE dataset = ? AND id = ?"
        self._world.run(archived, dataset, self._last())
        return dataset, str(numbers.of(self._world, dataset, self._last()))

    def fetching(self, file: File) -> str:
        return "POST /json/2/ir.attachment/search_read"

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        """In the vendor's own words where a trouble is one of its own, and of rows where it is said of any model: what is not
        shown of the server's own modules ends reading by itself."""
        method, _, path = request.partition(" ")
        if trouble in _OWN:
            status, code = _OWN[trouble]
            self._world.add_fault("refused_as", method=method, path=path, times=times, status=status, code=code)
            return
        if trouble is Trouble.SAYS_THERE_IS_NOTHING:
            request = request.replace("*", ROWS)
        super().trouble(trouble, request, times)

    def close_account(self) -> None:
        raise NotImplementedError("a person drops the database and stops the server (see the knobs)")

    def soften(self) -> None:
        raise NotImplementedError("what Odoo deletes is gone")

    def batch(self, cell: Cell, count: int) -> Batch:
        made = several(self, cell, count)
        if cell.verb is Verb.RESUME:
            off = {"users": "inactive", "integrations": "disabled"}
            table = "users" if cell.kind is Kind.USER else "integrations"
            for each in made.items:
                key = numbers.key(self._world, MODELS[cell.kind], int(each.id))
                self._world.run(f"UPDATE {table} SET status = ? WHERE id = ?", off[table], key)
        return made


STAGE = OdooSimulatedStage

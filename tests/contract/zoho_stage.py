"""Zoho CRM on its stage: the simulator's dialect `zoho`, and the vendor's own ids and names for what lies in the World.

The strong credential is an access token alone, as one comes from the console, which nothing renews; all others are refresh
tokens. What the stage itself asks the vendor for is left out of what reached it.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from crmstate.core.provider import Batch, Cell
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.sandbox import World
from crmstate.sandbox.dialects.zoho import credential, ids

from .simulated import SimulatedStage, WorldTruth
from .stage import HeldKey, Who, several

_STATUS = {"active": Phase.PRESENT, "inactive": Phase.INACTIVE, "enabled": Phase.PRESENT, "disabled": Phase.INACTIVE}
_FAMILIES = {"webhook": "webhook", "workflow": "rule", "channel": "channel", "portal": "portal"}
_DATASET = "x-first"


def integration_of(id: str, type: str = "webhook") -> str:
    """How crmstate calls something that runs by itself: what it is, and the vendor's id."""
    return f"{_FAMILIES[type]}/{ids.written(id)}"


class ZohoTruth(WorldTruth):
    """The World's truth in the vendor's ids and names."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.own: set[int] = set()
        self.tenant = ""

    def received(self) -> list[str]:
        found = [each for each in self._world.log() if each["seq"] not in self.own]
        return [f"{each['method']} {each['target'].partition('?')[0]}" for each in found]

    def phases(self, kind: Kind) -> dict[str, Phase]:
        truth = self._world.truth()
        if kind is Kind.USER:
            left = [each for each in truth["users"] if not each["deleted_at"]]
            return {ids.written(each["id"]): _STATUS[each["status"]] for each in left}
        if kind is Kind.INTEGRATION:
            shown = [each for each in truth["integrations"] if each["type"] in _FAMILIES and not each["deleted_at"]]
            return {
                f"portal/{each['name']}"
                if each["type"] == "portal"
                else integration_of(each["id"], each["type"]): _STATUS[each["status"]]
                for each in shown
            }
        if kind is Kind.DATASET:
            return {ids.module_name(each["id"]): Phase.PRESENT for each in truth["datasets"]}
        if kind is Kind.BIN:
            return {ids.module_name(each["id"]): Phase.PRESENT for each in truth["datasets"] if each["bin_rows"]}
        if kind is Kind.SUBSCRIPTION:
            paid = truth["subscription"]["status"] == "active"
            return {"crm": Phase.PRESENT if paid else Phase.ABSENT}
        if kind is Kind.ACCOUNT:
            return {self.tenant: Phase.PRESENT}
        raise ValueError(f"no call of this vendor lists {kind}")

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        truth = self._world.truth()
        if parent is not None:
            dataset = next(each["id"] for each in truth["datasets"] if ids.module_name(each["id"]) == parent)
            return super().happened(kind, ids.read(id, ()) or id, dataset)
        if kind is Kind.BIN:
            return super().happened(
                kind, next((each["id"] for each in truth["datasets"] if ids.module_name(each["id"]) == id), id)
            )
        return super().happened(kind, ids.read(id.rpartition("/")[2], ()) or id)


class ZohoStage(SimulatedStage):
    """An org whose administrator's tokens are used; one rule, one channel of notifications and one portal beside what tests put."""

    vendor = "zoho"
    key_listed = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.truth: ZohoTruth = ZohoTruth(self._world)
        self._access: dict[str, str] = {}
        here: Any = self._own("GET", "/crm/v8/org", None, {"Authorization": self._header()})
        self.tenant = here["org"][0]["zgid"]
        self.truth.tenant = self.tenant

    def traits(self) -> dict[str, object]:
        return {"dialect": self.vendor, "channels": {"b-channel": "a-admin"}}

    def _seed(self) -> None:
        super()._seed()
        self._world.add_dataset(_DATASET, "First")
        self._world.add_integration("b-rule", type="workflow", name="on new")
        self._world.add_integration("b-channel", type="channel", name="Leads")
        self._world.add_integration("b-portal", type="portal", name="Kunden & 客户/1", target="https://portal.example")

    def fields(self, who: Who) -> dict[str, str]:
        keys = self._world.credentials()
        key = next(each for each in keys.values() if each.token == self.token(who))
        found = credential(key)
        return {"access_token": self._access_of(found)} if who is Who.STRONG else found

    def _access_of(self, fields: Mapping[str, str]) -> str:
        """An access token, got once, as a person gets one from the console."""
        name = fields["refresh_token"]
        if name not in self._access:
            form = urlencode({"grant_type": "refresh_token", **fields}).encode()
            said = self._own("POST", "/oauth/v2/token", form, {})
            self._access[name] = said.get("access_token", "")
        return self._access[name]

    def _header(self) -> str:
        return f"Zoho-oauthtoken {self.fields(Who.STRONG)['access_token']}"

    def _own(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        """What the stage asks the vendor for by itself; nothing for a refusal."""
        before = {each["seq"] for each in self._world.log()}
        request = urllib.request.Request(self.url + path, body, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as found:
                said: dict[str, Any] = json.loads(found.read())
        except urllib.error.HTTPError as error:
            error.close()
            said = {}
        self.truth.own |= {each["seq"] for each in self._world.log()} - before
        return said

    def held_key(self) -> HeldKey:
        world = self._world
        user, key = self.fresh(2)
        world.add_user(user, name="held")
        world.add_key(key, user)
        fields = credential(world.credentials()[key])
        return HeldKey(
            ids.written(user),
            None,
            answers=lambda: self._works(fields),
            revoke=lambda: world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", key),
            credential={name: Secret(text) for name, text in fields.items()},
        )

    def _works(self, fields: Mapping[str, str]) -> bool:
        form = urlencode({"grant_type": "refresh_token", **fields}).encode()
        token = self._own("POST", "/oauth/v2/token", form, {}).get("access_token")
        if token is None:
            return False
        return "org" in self._own("GET", "/crm/v8/org", None, {"Authorization": f"Zoho-oauthtoken {token}"})

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        world, made = self._world, self.fresh(len(names))
        with world.transaction():
            for id, name in zip(made, names, strict=True):
                if kind is Kind.USER:
                    world.add_user(id, name=name)
                elif kind is Kind.INTEGRATION:
                    world.add_integration(id, name=name)
                elif kind in {Kind.DATASET, Kind.BIN}:
                    world.add_dataset(id, name)
                    if kind is Kind.BIN:
                        world.add_rows(id, [{"id": f"{id}r1", "binned": True}])
        if kind is Kind.INTEGRATION:
            return [integration_of(id) for id in made]
        name_of = ids.module_name if kind in {Kind.DATASET, Kind.BIN} else ids.written
        return [name_of(id) for id in made]

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        (dataset,) = self.put(Kind.DATASET, ["rows"])
        module = f"x{self._made - 1:06}"
        made = [f"r{place:06}" for place in range(len(names))]
        rows = [{"id": id, "fields": {"name": name}} for id, name in zip(made, names, strict=True)]
        self._world.add_rows(module, rows)
        return dataset, [ids.written(id) for id in made]

    def field_names(self, dataset: str) -> list[str]:
        return ["Name"]

    def attachment(self, content: bytes) -> str:
        dataset, _ = self.rows(["with a file"])
        self._world.add_attachment(f"x{self._made - 1:06}", "f1", "r000000", name="Verträge/合同.pdf", content=content)
        return dataset

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return [name[:25] for name in names]  # what the vendor shows of a name of a module

    def own_user(self) -> str:
        return ids.written("a-admin")

    def switched_off(self) -> str:
        return ids.written(super().switched_off())

    def submitted(self, kind: Kind) -> int:
        what = "backup" if kind is Kind.ACCOUNT else "read"
        found: int = self._world.one("SELECT count(*) FROM meta WHERE name LIKE ?", f"zoho/job/{what}/%")[0]
        return found

    def close_account(self) -> None:
        self._world.put("account", {**self._world.get("account"), "status": "closed"})

    def soften(self) -> None:
        self._world.set_traits(soft_delete=True)

    def batch(self, cell: Cell, count: int) -> Batch:
        made = several(self, cell, count)
        if cell.verb is Verb.RESUME:
            for each in made.items:
                self._world.run("UPDATE users SET status = 'inactive' WHERE id = ?", ids.read(each.id, ()))
        return made


STAGE = ZohoStage

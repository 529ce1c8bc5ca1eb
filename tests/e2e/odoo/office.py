"""A site whose vendor is a real Odoo server in a process of its own, behind a proxy; everything else as `outside.py` has
it. The truth is asked for over XML-RPC, by the standard library's client."""

from __future__ import annotations

import contextlib
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...contract.stage import Trouble
from ...real.proxy import Manners, Proxy
from ..outside import Outside
from .place import DATABASE, HERE, prepared
from .server import Odoo

SEED = HERE / "seed.py"
ADMIN = ("admin", "admin-pw-1")
LEAVER = "leaver"
PASSWORD = "Pw-of-{}-2026"
MODELS = ("res.partner", "crm.lead", "crm.tag", "res.partner.category", "ir.attachment")

EXAMPLE = Path(__file__).parents[3] / "examples" / "odoo-exit" / "crmstate.yaml"


def example(tenant: str, url: str) -> str:
    """The example's manifest for this server, with one user for both credentials, today."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ("name: odoo-exit", "name: exit"),
        ("00000000-0000-0000-0000-000000000000", tenant),
        ("https://crm.example.com ", f"{url} "),
        ("expect: {users: 57}\n", ""),
        ("freeze: 2026-12-15T18:00Z", "freeze: now"),
        ("      - {email: crmstate-read@example.com, why: reads for crmstate}\n", ""),
        ("crmstate-write@example.com", f"{LEAVER}@example.com"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@dataclass
class Office(Outside):
    """One folder with a manifest, a server of its own and the way to it."""

    odoo: Odoo | None = None
    proxy: Proxy | None = None
    env: dict[str, str] = field(default_factory=dict)

    def serve(self) -> None:
        self.odoo = Odoo(prepared(SEED)).start()
        self.proxy = Proxy(self.odoo.port, Manners())
        self.env |= self.credential(LEAVER)
        self.write(example(self.odoo.tenant, self.proxy.url))

    def credential(self, login: str) -> dict[str, str]:
        """Somebody's key and password, as the environment has them."""
        assert self.odoo is not None
        keys = dict.fromkeys(("ODOO_READ_API_KEY", "ODOO_WRITE_API_KEY"), self.odoo.keys[login])
        return {**keys, "ODOO_WRITE_PASSWORD": PASSWORD.format(login)}

    def stop(self) -> None:
        super().stop()
        if self.proxy is not None:
            self.proxy.stop()
        if self.odoo is not None:
            self.odoo.stop()

    def trouble(self, trouble: Trouble, method: str, times: int | None = 1) -> None:
        assert self.proxy is not None
        self.proxy.trouble(trouble, f"POST /json/2/{method}", times)

    def ask(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """One call as the administrator, past the proxy."""
        assert self.odoo is not None
        common = xmlrpc.client.ServerProxy(f"{self.odoo.url}/xmlrpc/2/common")
        uid = common.authenticate(DATABASE, *ADMIN, {})
        objects = xmlrpc.client.ServerProxy(f"{self.odoo.url}/xmlrpc/2/object", allow_none=True)
        return objects.execute_kw(DATABASE, uid, ADMIN[1], model, method, list(args), named)

    def truth(self) -> dict[str, Any]:
        """What is really there."""
        everything = [["id", "!=", 0], ["active", "in", [True, False]]]
        users = self.ask(
            "res.users", "search_read", [["id", ">", 1], ["active", "in", [True, False]]], fields=["login", "active"]
        )
        keys = self.ask("res.users.apikeys", "search_read", [], fields=["user_id"])
        rules = self.ask("base.automation", "search_read", everything, fields=["name"])
        return {
            "users": {each["login"]: each["active"] for each in users},
            "keys": sorted(str(each["id"]) for each in keys),
            "rules": sorted(each["name"] for each in rules),
            "rows": {model: self._rows(model) for model in MODELS},
        }

    def _rows(self, model: str) -> list[int]:
        """The ids of what the company wrote."""
        mine = [["id", "!=", 0], ["create_uid", "!=", 1]]
        found: list[int] = self.ask(model, "search", mine, context={"active_test": False})
        if model == "res.partner":
            found = sorted(set(found) - self._accounts("res.users") - self._accounts("res.company"))
        return found

    def _accounts(self, model: str) -> set[int]:
        """The contacts that stand for users, or companies of ours."""
        found = self.ask(model, "search_read", [["active", "in", [True, False]]], fields=["partner_id"])
        return {each["partner_id"][0] for each in found}


@contextlib.contextmanager
def office(folder: Path) -> Iterator[Office]:
    """A company on Odoo, to be ended."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Office(folder)
    try:
        made.serve()
        yield made
    finally:
        made.stop()

"""What the stages of simulated vendors share: a World in a file, its server on loopback in this process, the World's own
interface for trouble, and its truth past the API.

A stage of a vendor says how things are put there and what the vendor calls them.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from crmstate.core.provider import File, Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase
from crmstate.providers import load
from crmstate.sandbox import Server, World, advance

from .stage import SHOWN, HeldKey, Trouble, Truth, Who

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
    Trouble.REFUSED_IN_200: ("refused_as", {"status": 200, "code": "rejected"}),
    Trouble.REFUSED_AS_500: ("refused_as", {"status": 500, "code": "rejected"}),
    Trouble.REFUSED_AS_404: ("refused_as", {"status": 404, "code": "not_found"}),
    Trouble.FORBIDDEN_TO_EVERYBODY: ("refused_as", {"status": 403, "code": "forbidden"}),
    Trouble.DEAD_TOKEN_AS_403: ("refused_as", {"status": 403, "code": "unauthenticated"}),
    Trouble.SAYS_THERE_IS_NOTHING: ("hollow", {}),
    Trouble.PAGING_IGNORED: ("no_paging", {}),
    Trouble.ROWS_WITHOUT_IDS: ("no_ids", {}),
    Trouble.JOB_FAILS: ("job_fails", {}),
    Trouble.JOB_VANISHES: ("job_vanishes", {}),
    Trouble.SHORT_RESULT: ("short_result", {}),
    Trouble.CUT_RESULT: ("cut_result", {}),
    Trouble.SECRET_IN_ROWS: ("shown_secret", {"text": SHOWN}),
}


class WorldTruth:
    """Read from the World's file, past its API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def phases(self, kind: Kind) -> dict[str, Phase]:
        raise NotImplementedError

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        found = self._world.effects(kind="row" if parent else kind.value, id=f"{parent}/{id}" if parent else id)
        counted = [each for each in found if not each["verb"].startswith("drop ")]
        return len(counted)

    def received(self) -> list[str]:
        return [f"{each['method']} {each['target'].partition('?')[0]}" for each in self._world.log()]


class SimulatedStage:
    """One World with an owner, an administrator who holds the keys, and a member, served in this process."""

    vendor = "sandbox"
    tenant = "t-1001"
    truth: Truth

    late = 0.25
    midnight = "T00:00:00Z"

    def __init__(self, folder: Path) -> None:
        self.provider: Provider = load(self.vendor)
        self._file = folder / "world.db"
        self._world = World.create(self._file, **self.traits())
        self._made = 0
        self._seed()
        self._server = Server(self._world).start()
        self.url = self._server.url

    def traits(self) -> dict[str, object]:
        """Peculiarities of the World from its beginning."""
        return {}

    def _seed(self) -> None:
        world = self._world
        world.add_user("a-owner", role="owner")
        world.add_user("a-admin", role="admin")
        world.add_user("a-member", role="member")
        world.add_key("a-key", "a-admin")
        world.add_key("a-read", "a-admin", scopes=["read"])
        world.add_key("a-weak", "a-member")
        world.add_key("a-none", "a-admin", scopes=[])
        world.add_key("a-dead", "a-admin", status="revoked")

    def fields(self, who: Who) -> dict[str, str]:
        """The fields of a credential, as this vendor's users write them down."""
        raise NotImplementedError

    def token(self, who: Who) -> str:
        """The secret of the key that this is."""
        ids = {Who.READ_ONLY: "a-read", Who.WEAK: "a-weak", Who.NO_RIGHTS: "a-none", Who.DEAD: "a-dead"}
        return self._world.credentials()[ids.get(who, "a-key")].token

    def credential(self, who: Who) -> Mapping[str, Secret]:
        return {name: Secret(text) for name, text in self.fields(who).items()}

    def fresh(self, count: int) -> list[str]:
        """New ids of the World, in order."""
        ids = [f"x{self._made + place:06}" for place in range(count)]
        self._made += count
        return ids

    def fetching(self, file: File) -> str:
        """Its address, signed."""
        return "GET " + urlsplit(file.url).path

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        method, _, path = request.partition(" ")
        action, params = _FAULTS[trouble]
        self._world.add_fault(action, method=method, path=path, times=times, **params)  # type: ignore[arg-type]

    def submitted(self, kind: Kind) -> int:
        return len(self._world.effects(verb="submit", kind="backup" if kind is Kind.ACCOUNT else "export"))

    def slow_jobs(self, looks: int) -> None:
        self._world.set_traits(job_polls=looks)

    def days_pass(self, days: int) -> None:
        advance(self._file, f"{days}d")

    key_listed = True
    """Whether the vendor lists keys."""

    def held_key(self) -> HeldKey:
        world = self._world
        user, key = self.fresh(2)
        world.add_user(user, name="held")
        world.add_key(key, user)
        token = world.credentials()[key].token
        return HeldKey(
            user,
            key if self.key_listed else None,
            answers=lambda: self.answers(token),
            revoke=lambda: world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", key),
            credential={self.provider.credential[0]: Secret(token)},
        )

    def answers(self, token: str) -> bool:
        """Whether the vendor lets this token in."""
        raise NotImplementedError

    def ask(self, method: str, path: str, token: str, body: bytes | None = None) -> bool:
        """Whether a request with this token is answered well."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as found:
                return bool(found.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def own_user(self) -> str:
        return "a-admin"

    def switched_off(self) -> str:
        (id,) = self.fresh(1)
        return self._world.add_user(id, name="off", status="inactive")

    def hidden_row(self, content: bytes) -> tuple[str, str]:
        raise NotImplementedError("this vendor archives no rows")

    def hidden(self, kind: Kind) -> Sequence[str]:
        return []

    def close(self) -> None:
        self._server.stop()
        self._world.close()

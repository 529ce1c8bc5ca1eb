"""What the tests of faults, secrets, hostile data and people share: small worlds, runs with time passing, and the end
as the World tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crmstate.sandbox import World

from .site import MANIFEST, Said, Site, small_world

EMBEDDED = "provider: {name: sandbox, embedded: acme.db}"
WITHOUT_ACCOUNT = MANIFEST.replace("  account: {status: deleted}\n", "")
OURS_STAY = WITHOUT_ACCOUNT.replace("  api_keys: {status: revoked}\n", "")
ENDINGS = ("modified_at", "last_used_at", "ended_at", "deleted_at", "last_login_at", "closes_at", "access_until")


def template(folder: Path, manifest: str = MANIFEST, *, users: int = 1, rows: int = 3) -> Path:
    """A folder to copy sites from: building a World costs more than copying it."""
    folder.mkdir(parents=True, exist_ok=True)
    small_world(folder / "acme.db", users=users, rows=rows)
    (folder / "crmstate.yaml").write_text(manifest, encoding="utf-8")
    return folder


def ending(here: Site) -> dict[str, Any]:
    """The truth as it must be in the end, whatever happened on the way: no times, no counts of requests."""
    truth = here.truth()
    for key in ("now", "requests", "effects", "pending"):
        truth.pop(key)
    for part in truth.values():
        for row in part if isinstance(part, list) else [part]:
            for moment in ENDINGS:
                row.pop(moment, None)
    return truth


def calm(here: Site) -> None:
    """No more faults."""
    with World.open(here.data) as world:
        world.clear_faults()


def rows_added(here: Site, dataset: str, *ids: str) -> None:
    """Somebody goes on working."""
    with World.open(here.data) as world:
        world.add_rows(dataset, [{"id": each, "owner_id": "u1", "fields": {"Name": each}} for each in ids])


def lines(said: Said) -> list[dict[str, Any]]:
    """What `--format json` wrote: every line is JSON, and nothing else is there."""
    return [json.loads(line) for line in said.out.splitlines()]


def closing(said: Said) -> dict[str, Any]:
    """The closing table of an `apply --format json`."""
    found = lines(said)
    assert found[0]["event"] == "format" and found[-1]["event"] == "closing", said.out[-500:] + said.err
    assert found[-1]["exit"] == said.code
    return found[-1]


def apply(here: Site, *args: str) -> tuple[int, dict[str, str]]:
    """One `apply`: its exit code and each step's result by `verb address`. The table is held against the truth."""
    said = here.apply("--format", "json", *args)
    if said.code in (1, 3, 5, 7) and "closing" not in said.out:
        return said.code, {}
    table = {f"{each['verb']} {each['address']}": each["result"] for each in closing(said)["steps"]}
    honest(here, table)
    return said.code, table


def honest(here: Site, table: dict[str, str]) -> None:
    """What the table calls done is done in truth; what is gone in truth and was not asked for stands in no table."""
    truth = here.truth()
    gone = set(_gone(truth))
    for step, result in table.items():
        if result == "done" and step.partition(" ")[0] in VERBS:
            assert step in gone, (step, sorted(gone))


VERBS = frozenset({"sign_out", "revoke", "delete", "deactivate", "reset", "disable", "purge", "empty", "cancel"})


def _gone(truth: dict[str, Any]) -> Iterator[str]:
    """Every act of these scenes that really took effect, as `verb address`."""
    yield from (f"sign_out session/{each['id']}" for each in truth["sessions"] if each["ended_at"])
    yield from (f"revoke api_key/{each['id']}" for each in truth["api_keys"] if each["status"] == "revoked")
    yield from (f"delete integration/{each['id']}" for each in truth["integrations"] if each["deleted_at"])
    yield from (
        f"deactivate user/{each['id']}" for each in truth["users"] if each["status"] == "inactive" or each["deleted_at"]
    )
    yield from (f"delete user/{each['id']}" for each in truth["users"] if each["deleted_at"])
    yield from (f"reset setting/{each['id']}" for each in truth["settings"] if not each["customised"])
    yield from (f"disable module/{each['id']}" for each in truth["modules"] if each["status"] == "disabled")
    yield from (f"purge dataset/{each['id']}" for each in truth["datasets"] if not each["rows"])
    yield from (f"empty bin/{each['id']}" for each in truth["datasets"] if not each["bin_rows"])
    if (
        truth["subscription"]["status"] == "cancelled"
        or (truth["subscription"]["pending"] or {}).get("action") == "cancel"
    ):
        yield "cancel subscription/sub-1"


def finish(here: Site, *days: str) -> list[int]:
    """Applies again, with time passing before each: the exit codes."""
    codes = []
    for day in days:
        here.advance(day)
        codes.append(apply(here)[0])
    return codes


def effects(here: Site) -> list[dict[str, Any]]:
    """Everything that really happened at the vendor."""
    with World.open(here.data) as world:
        return world.effects()


def with_credentials(here: Site, manifest: str, field: str = "token") -> str:
    """The manifest with the vendor's address and references to `SANDBOX_READ` and `SANDBOX_WRITE` instead of an
    embedded vendor."""
    assert here.server is not None
    uses = f"read: {{{field}: {{env: SANDBOX_READ}}}}, write: {{{field}: {{env: SANDBOX_WRITE}}}}"
    section = f"provider: {{name: sandbox, tenant: t-1001, url: '{here.server.url}', credentials: {{{uses}}}}}"
    assert EMBEDDED in manifest
    return manifest.replace(EMBEDDED, section)


def written(folder: Path, *without: str) -> dict[str, bytes]:
    """Every file below a folder but the World's own, by its path; `without`: folders to leave out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(("acme.db", *without)):
            found[name] = path.read_bytes()
    return found


def steps(said: Said) -> dict[str, str]:
    """The closing table of an apply: result by step. None of them failed, was refused or is unknown."""
    assert said.code == 0, said.out + said.err
    found = {f"{each['verb']} {each['address']}": each["result"] for each in closing(said)["steps"]}
    assert not {step for step, result in found.items() if result in {"failed", "unknown", "refused"}}, found
    return found


def waiting(said: Said) -> set[str]:
    """The steps that an apply waits for."""
    return {step for step, result in steps(said).items() if result == "waiting"}


def did(here: Site, *addresses: str) -> None:
    """A person says that it is done."""
    for address in addresses:
        said = here.run(
            "confirm", address, str(here.manifest), "--by", "head@example.com", "--note", "as the runbook says"
        )
        assert said.code == 0, said.out + said.err


def certified(here: Site, address: str) -> None:
    """The vendor's document says that it has happened; that it was asked for was not enough."""
    attested = here.run("confirm", address, str(here.manifest), "--by", "head@example.com")
    assert (attested.code, "CRM-C008" in attested.err) == (3, True), attested.out + attested.err
    paper = here.folder / "from-the-vendor.pdf"
    paper.write_bytes(b"has ended: " + address.encode())
    said = here.run("confirm", address, str(here.manifest), "--proof", "certified", "--evidence", str(paper))
    assert said.code == 0, said.out + said.err

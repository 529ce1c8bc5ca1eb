"""What ends things in the sandbox's listings. docs/reference/sandbox-api.md, Batches."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.failure import Code
from crmstate.core.provider import Batch, Result
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.providers.kit import Call, instant
from crmstate.providers.sandbox.vendor import BATCHES, CODES, DATA, IDS, Error, provider


class _Outcome(msgspec.Struct):
    id: str
    status: str
    completes_at: str | None = None
    error: Error | None = None


class _Results(msgspec.Struct):
    results: list[_Outcome]


def batch_of_ids(call: Call, path: str, batch: Batch, **body: Any) -> list[Result]:
    reply = call.post(path, {"ids": [item.id for item in batch.items], **body}, into=_Results)
    return [_result(outcome, reply.request_id) for outcome in reply.value.results]


def _result(found: _Outcome, request_id: str | None) -> Result:
    if found.status == "done":
        return Result(found.id, Outcome.DONE, request_id=request_id)
    if found.status == "accepted":
        return Result(found.id, Outcome.REQUESTED, until=instant(found.completes_at), request_id=request_id)
    if found.status == "error" and found.error is not None:
        code = CODES.get(found.error.code, Code.REJECTED)
        return Result(found.id, Outcome.FAILED, code.value, found.error.message, request_id=request_id)
    return Result(found.id, Outcome.UNKNOWN, Code.AMBIGUOUS.value, found.status, None, request_id, Proof.NONE)


def _plain(kind: Kind, verb: Verb, path: str, undo: Undo, after: Phase, source: str, **facts: Any) -> None:
    """Places a cell whose act is one call with nothing but ids."""

    def act(call: Call, batch: Batch) -> list[Result]:
        return batch_of_ids(call, path, batch)

    act.__name__ = act.__qualname__ = f"{kind.value}_{verb.value}"
    provider.acts(kind, verb, undo=undo, after=after, batch=IDS, requests=(f"POST {path}",), source=source, **facts)(
        act
    )


_plain(
    Kind.USER,
    Verb.DEACTIVATE,
    "/v1/users/deactivate",
    Undo.FREE,
    Phase.INACTIVE,
    BATCHES,
    attributes=frozenset({"not_self", "keys_outlive"}),
    note="Sessions end; the user's keys stay alive.",
)
_plain(Kind.SESSION, Verb.SIGN_OUT, "/v1/sessions/end", Undo.NEVER, Phase.ABSENT, BATCHES)
_plain(
    Kind.API_KEY,
    Verb.REVOKE,
    "/v1/api_keys/revoke",
    Undo.NEVER,
    Phase.ABSENT,
    BATCHES,
    attributes=frozenset({"lives_unseen"}),
    note="A key that is not found may belong to a deleted user, and live.",
)
_plain(Kind.INTEGRATION, Verb.DISABLE, "/v1/integrations/disable", Undo.FREE, Phase.INACTIVE, BATCHES)
_plain(Kind.INTEGRATION, Verb.DELETE, "/v1/integrations/delete", Undo.NEVER, Phase.ABSENT, BATCHES)
_plain(
    Kind.MODULE,
    Verb.DISABLE,
    "/v1/modules/disable",
    Undo.NEVER,
    Phase.INACTIVE,
    BATCHES,
    attributes=frozenset({"undo_by_data_effect"}),
    note="Can be enabled again; where data_effect is clears, its datasets' rows are gone for good.",
)
_plain(Kind.SETTING, Verb.RESET, "/v1/settings/reset", Undo.NEVER, Phase.ABSENT, BATCHES)
_plain(Kind.BIN, Verb.EMPTY, "/v1/bin/empty", Undo.NEVER, Phase.ABSENT, DATA)


@provider.acts(
    Kind.USER,
    Verb.DELETE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=IDS,
    requests=("POST /v1/users/delete",),
    attributes=frozenset({"not_self", "keys_outlive"}),
    note="The user's keys can no longer be listed or revoked, and stay alive: revoke them before.",
    source=BATCHES,
)
def delete_users(call: Call, batch: Batch) -> list[Result]:
    """Deletes people; their rows go to `transfer_to` where it is given."""
    new_owner = batch.items[0].args.transfer_to
    return batch_of_ids(call, "/v1/users/delete", batch, **({"transfer_to": new_owner} if new_owner else {}))

"""Starter: the commented manifest that `crmstate init` writes. It validates as it is, and ends nothing until somebody
fills it in."""

from __future__ import annotations

from collections.abc import Sequence

_HEAD = """\
# yaml-language-server: $schema={schema}
# A manifest says how an account should end. A missing key is left alone; removing a line never deletes anything.
# Check it with `crmstate validate`, look at what would happen with `crmstate plan`. Nothing is done before `crmstate apply`.
apiVersion: crmstate/v1
kind: Decommission
name: {name}                      # names the state; do not change it later
reason: {{code: replaced, text: "Why we leave, in a sentence."}}
owner: owner@example.com                # who answers for the whole

provider:
  name: {provider}
"""

_EMBEDDED = """\
  embedded: sandbox.db                  # a simulated vendor in this file; crmstate starts it by itself
"""

_REAL = """\
  tenant: "0000000000"                  # {tenant}: crmstate refuses to act on any other
{place}  # region: eu
  credentials:                          # references only, never the secrets themselves
    read:
{read}
    # write:                            # needed for apply; a second credential, so that planning cannot write
{write}
"""

_PAPER = """\
  tenant: "0000000000"                  # {tenant}
  exports: exports                      # the folder, beside this file, for what the vendor's own export gives: a CSV file per dataset
  # tables: {{"*": {{encoding: gb18030}}}}  # how they are read, where nothing in them says so
  # coverage: {{by: owner@example.com, why: "All lists of the system were exported on 1 December."}}
"""

_URL = """\
  # url: {url:<31}# needed for another address only
"""

_ADDRESS = """\
  url: {address:<34}# {where}
"""

_WHERE = {
    True: "your own server; its host has to be allowed by the operator, outside the repository",
    False: "the one of the vendor's addresses at which your account is",
}

_EXPECT = """\
# expect: {users: 57}                   # refuse an account that looks different

"""

_TAIL = """\
# contract:                             # needed for `effective: end_of_term`
#   term: {start: 2026-01-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
#   notice: {period: 60 days, before: term_end}
#   calendar: {zone: Europe/Berlin}
#   parties: {customer: Acme GmbH, vendor: Vendor Ltd., number: C-2026-1}   # what letters begin with

# cutover: {freeze: 2026-12-15T18:00Z}  # nothing that takes access or data away starts before it; or `now`

end_state:
  # subscription: {status: cancelled, effective: end_of_term}
  users: {status: active}               # removed | deactivated | deleted | active
  # users: {status: removed, keep: [{email: admin@example.com, why: closes the account}]}
  # sessions: {status: ended}
  # api_keys: {status: revoked}
  # integrations: {status: removed}
  # data:
  #   archive: {to: ./archive, datasets: all, attachments: true}
  #   purge: {status: purged, bin: emptied, holds: []}
  # account: {status: deleted}

# people:                               # steps only a person can do
#   - {id: training, title: Train sales on the new process, owner: hr@example.com, before: freeze}
"""

_APPROVAL = """\
#   - {id: approval, title: Approve the deletion, owner: head@example.com, files: required, before: purged}
"""

_SAFEGUARDS = """\

safeguards:
  max_removals: 100                     # at most so many people and things lose access in one plan
  approvals: {irreversible: 1}          # named people who must approve what cannot be taken back
"""


def starter(
    provider: str,
    fields: Sequence[str] = ("token",),
    env: Sequence[str] = (),
    schema: str = "schemas/manifest.schema.json",
    url: str = "",
    address: str = "",
    tenant: str = "your account's id",
    anywhere: bool = True,
) -> str:
    """The text for a provider: `fields` of its credential, `env` prefixes of its variables, `schema` for the editor's
    modeline; `url` where all its customers have one address, `address` an example where everybody runs a server of
    their own (`anywhere`) or the vendor has several; no `fields`: a vendor without an API; `tenant` what the tenant's id is at this vendor."""
    head = _HEAD.format(schema=schema, name=f"{provider}-exit", provider=provider)
    tail = _EXPECT + _TAIL + _SAFEGUARDS
    if provider == "sandbox":
        return head + _EMBEDDED + "\n" + tail
    if not fields:
        return head + _PAPER.format(tenant=tenant) + "\n" + _TAIL + _APPROVAL
    prefix = env[0] if env else "CRMSTATE_"
    rows = "\n".join(f"      {field}: {{env: {prefix}READ_{field.upper()}}}" for field in fields)
    lines = "\n".join(f"    #   {field}: {{env: {prefix}WRITE_{field.upper()}}}" for field in fields)
    place = _ADDRESS.format(address=address, where=_WHERE[anywhere]) if address else _URL.format(url=url) if url else ""
    return head + _REAL.format(place=place, tenant=tenant, read=rows, write=lines) + "\n" + tail

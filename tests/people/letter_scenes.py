"""What the tests of letters share: manifests of three customers, records of what was done, and the command."""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from crmstate.cli.app import run
from crmstate.core.address import address
from crmstate.core.event import AnyEvent, Confirmed, Evidence, Intended, Settled, Settlement, StepRef
from crmstate.core.record import step_id
from crmstate.core.words import Kind, Outcome, Proof, Undo, Verb
from crmstate.people.letters import LANGUAGES, LETTERS
from crmstate.store import Store
from tests.store.store_scenes import Plain, Ticking

ZOHO = """\
apiVersion: crmstate/v1
kind: Decommission
name: zoho-exit
reason: {code: replaced, text: Sales moves to another CRM.}
owner: revops@example.com
provider:
  name: zoho
  url: https://www.zohoapis.eu
  tenant: "20071234567"
  credentials:
    read: {client_id: {env: ZOHO_ID}, client_secret: {env: ZOHO_SECRET}, refresh_token: {env: ZOHO_READ}}
contract:
  parties:
    customer: Acme GmbH
    customer_address: |
      Hauptstr. 1
      80331 München
    vendor: Zoho Corporation B.V.
    vendor_address: |
      Beneluxlaan 4B
      3527 HT Utrecht
    number: ZH-2025-0117
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 60 days, before: term_end, to: legal@vendor.example}
  price: {amount: "14400.00", currency: USD, per: year}
  early_termination_fee: {amount: "1200.00", currency: USD}
  clauses:
    - {topic: notice, quote: at least sixty (60) days before the end of the term, source: order form p. 3, checked_by: counsel@example.com}
    - {topic: deletion, quote: Customer data is deleted at the end of the term., source: DPA s. 9, checked_by: counsel@example.com}
    - {topic: refund, quote: Prepaid fees are refunded pro rata., source: order form p. 4, checked_by: counsel@example.com}
  regimes: [gdpr, eu-data-act]
  calendar: {zone: Europe/Berlin, holidays: DE-BY, vendor_zone: Europe/Amsterdam}
cutover: {freeze: 2026-12-15T18:00}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
  data:
    archive: {to: archive/, datasets: all}
    discard: [{dataset: Dashboards, why: rebuilt in the new system, by: head@example.com}]
    purge: {status: purged, bin: emptied, holds: [Cases]}
settlement: {owner: finance@example.com, due: 2027-02-28}
replacement: {decision: open, system: "HubSpot Ireland Ltd., Dublin"}
"""
FXIAOKE = """\
apiVersion: crmstate/v1
kind: Decommission
name: fxiaoke-exit
reason: {code: replaced, text: 集团统一更换客户管理系统，原系统不再使用。}
owner: revops@example.com
provider:
  name: fxiaoke
  url: https://open.fxiaoke.com
  tenant: acme
  credentials:
    read:
      app_id: {env: FXIAOKE_APP_ID}
      app_secret: {env: FXIAOKE_APP_SECRET}
      permanent_code: {env: FXIAOKE_PERMANENT_CODE}
      user_id: {env: FXIAOKE_USER_ID}
      open_user_id: {env: FXIAOKE_OPEN_USER_ID}
contract:
  parties:
    customer: 上海示例科技有限公司
    customer_address: 上海市浦东新区示例路1号，200120
    vendor: 示例销客科技有限责任公司
    vendor_address: 北京市海淀区示例大街2号，100080
    number: FX-2025-0117
  term: {start: 2026-01-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 30 days, before: term_end, form: written, to: legal@vendor.example}
  price: {amount: "86000.00", currency: CNY, per: year}
  clauses:
    - {topic: notice, quote: 任何一方不续约的，应于期满前三十日书面通知对方。, source: 服务合同第8.2条, checked_by: counsel@example.com}
  regimes: [pipl]
  calendar: {zone: Asia/Shanghai, holidays: CN}
cutover: {freeze: 2026-12-15T18:00}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
  data:
    archive: {to: archive/, datasets: [AccountObj, ContactObj, LeadsObj]}
    purge: {status: purged}
settlement: {owner: finance@example.com}
replacement: {decision: open, system: 示例云科技有限公司}
"""
JIANDAOYUN = """\
apiVersion: crmstate/v1
kind: Decommission
name: jiandaoyun-exit
owner: revops@example.com
provider:
  name: jiandaoyun
  tenant: "59264073a2a60c0c08e20bfb"
  credentials:
    read: {api_key: {env: JIANDAOYUN_READ_API_KEY}}
contract:
  parties: {customer: 杭州示例贸易有限公司}
  term: {start: 2026-01-01, length: 12 months, end: inclusive, renewal: none}
end_state:
  subscription: {status: active}
"""
GOLDEN = Path(__file__).parent / "golden"
AS_OF = "2026-11-16T02:00:00Z"


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def crmstate(*args: str | Path) -> Said:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(each) for each in args])
    return Said(code, out.getvalue(), err.getvalue())


def written(folder: Path, text: str) -> Path:
    """A manifest in a folder."""
    path = folder / "crmstate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _ref(kind: Kind, id: str, verb: Verb, label: str) -> StepRef:
    place = address(kind, id)
    return StepRef(step_id(place, verb), place, verb, Undo.FREE, label)


def _done(kind: Kind, id: str, verb: Verb, label: str, day: str, rows: int) -> list[AnyEvent]:
    """A step that was carried out and read back."""
    ref, at = _ref(kind, id, verb, label), f"{day}T10:00:00Z"
    proof = Evidence("counts", Proof.OBSERVED, at, "you", sha256="0" * 64, rows=rows)
    result = Settlement(ref.id, Outcome.DONE, Proof.OBSERVED, rows=rows, evidence=(proof,))
    return [Intended(at, "r1", ref.id, (ref,)), Settled(at, "r1", ref.id, (result,))]


def record(folder: Path, name: str, datasets: dict[str, tuple[str, int]]) -> None:
    """A record: these datasets are archived and verified, the first of them is purged, one more is archived and not
    verified, and the vendor acknowledged the cancellation."""
    with Store.open(folder, name, Plain(), Ticking(), "you") as store:
        store.create("lineage-1", "vendor", "20071234567")
        for id, (label, rows) in datasets.items():
            store.append(_done(Kind.ARCHIVE, id, Verb.ARCHIVE, label, "2026-11-02", rows))
            store.append(_done(Kind.ARCHIVE, id, Verb.VERIFY, label, "2026-11-03", rows))
        store.append(_done(Kind.ARCHIVE, "half", Verb.ARCHIVE, "Campaigns", "2026-11-02", 5))
        first, (label, rows) = next(iter(datasets.items()))
        store.append(_done(Kind.DATASET, first, Verb.PURGE, label, "2026-11-10", rows))
        cancel = _ref(Kind.SUBSCRIPTION, "contract", Verb.CANCEL, "")
        store.append([Confirmed("2026-11-05T08:00:00Z", cancel, "you", Proof.ACKNOWLEDGED, "by mail")])


RECORDED = {
    "zoho-exit": {"Contacts": ("Contacts", 12_418), "Deals": ("Deals", 3_021)},
    "fxiaoke-exit": {"AccountObj": ("客户", 5_210), "ContactObj": ("联系人", 18_004)},
}
CUSTOMERS = {"en": ("zoho-exit", ZOHO), "zh-CN": ("fxiaoke-exit", FXIAOKE)}


def customer_of(lang: str, folder: Path) -> Path:
    """The manifest of a customer who writes in a language, with a record beside it."""
    name, text = CUSTOMERS[lang]
    record(folder, name, RECORDED[name])
    return written(folder, text)


def approve() -> None:
    """Writes every golden letter anew: read the difference before you commit it."""
    for lang in LANGUAGES:
        (GOLDEN / lang).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as sparse:
            manifest, gaps = customer_of(lang, Path(full)), written(Path(sparse), JIANDAOYUN)
            wanted = {f"{kind}.txt": (kind, manifest, "text") for kind in LETTERS}
            wanted |= {
                "deletion.md": ("deletion", manifest, "markdown"),
                "with-gaps.txt": ("cancellation", gaps, "text"),
            }
            for name, (kind, path, format) in wanted.items():
                said = crmstate("letter", kind, path, "--format", format, "--lang", lang, "--as-of", AS_OF)
                (GOLDEN / lang / name).write_text(said.out, encoding="utf-8")


if __name__ == "__main__":
    approve()

"""What a person writes down of a destruction document: what is read, and everything that is refused."""

from __future__ import annotations

import pytest

from crmstate.core.diagnostic import Problem
from crmstate.core.event import Destruction
from crmstate.core.words import Exit
from crmstate.people.transcript import destruction, given, parse

WHOLE = Destruction(
    tenant="0071",
    datasets={"Contacts": 7, "Deals": None},
    backups="expire",
    expiry="2027-03-01",
    sub_processors=("Example Hosting", "示例云"),
    day="2026-11-20",
    signatory="Jane Doe",
)


def read(text: str) -> Destruction:
    return destruction(parse(text.encode(), "said.yaml"))


def refusal(text: str) -> str:
    with pytest.raises(Problem) as found:
        read(text)
    assert found.value.exit is Exit.USAGE
    return found.value.diagnostics[0].code


def test_yaml_json_and_fields_say_the_same() -> None:
    yaml = """\
tenant: 0071
datasets: {Contacts: 7, Deals: null}
backups: {expire: 2027-03-01}
sub_processors: [Example Hosting, 示例云]
date: 2026-11-20
signatory: Jane Doe
"""
    json = (
        '{"tenant": "0071", "datasets": {"Contacts": 7, "Deals": null}, "backups": {"expire": "2027-03-01"},'
        ' "sub_processors": ["Example Hosting", "示例云"], "date": "2026-11-20", "signatory": "Jane Doe"}'
    )
    pairs = ["tenant=0071", "datasets.Contacts=7", "datasets.Deals=null", "backups.expire=2027-03-01"]
    pairs += ["sub_processors=Example Hosting, 示例云", "date=2026-11-20", "signatory=Jane Doe"]
    assert [read(yaml), read(json), destruction(given(pairs))] == [WHOLE] * 3


@pytest.mark.parametrize("text", ["tenant:\n", "tenant: null\ndatasets: {}\nsub_processors: []\n", "{}\n"])
def test_what_is_not_written_stays_unknown(text: str) -> None:
    assert read(text) == Destruction()


def test_none_is_an_answer_and_nothing_is_not() -> None:
    assert (read("sub_processors: none\n").sub_processors, read("sub_processors:\n").sub_processors) == ((), None)
    assert destruction(given(["sub_processors=none"])).sub_processors == ()


WRONG = {
    "- 1\n": "CRM-F026",
    "\n": "CRM-F026",
    "tenant: a\ntenant: b\n": "CRM-F026",
    "tenant: !!python/name:os.system x\n": "CRM-F026",
    "tenant: &a [x]\ndatasets: *a\n": "CRM-F026",
    "tenant: [\n": "CRM-F026",
    "[" * 60_000: "CRM-F026",
    "{a: " * 10_000: "CRM-F026",
    "tenant: " + "x" * 70_000: "CRM-F026",
    "tenant: \0\n": "CRM-F026",
    "tennant: t-1001\n": "CRM-F011",
    "tenant: [a]\n": "CRM-F011",
    "datasets: {Contacts: -1}\n": "CRM-F011",
    "datasets: {Contacts: 1.5}\n": "CRM-F011",
    "datasets: {Contacts: 七}\n": "CRM-F011",
    "datasets: {Contacts: [1]}\n": "CRM-F011",
    "datasets: all\n": "CRM-F011",
    "backups: yes\n": "CRM-F011",
    "backups: {expire: soon}\n": "CRM-F011",
    "backups: {until: 2027-03-01}\n": "CRM-F011",
    "sub_processors: [[a]]\n": "CRM-F011",
    "date: 2026-02-30\n": "CRM-F011",
    "date: 20.11.2026\n": "CRM-F011",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: repr(text[:24]))
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    assert refusal(text) == WRONG[text]


@pytest.mark.parametrize(
    "pairs", [["tenant"], ["tenant="], ["tennant=x"], ["tenant=a", "tenant=b"], ["datasets=7"], ["tenant.x=1"]], ids=str
)
def test_a_field_that_cannot_be_meant_is_refused(pairs: list[str]) -> None:
    with pytest.raises(Problem) as found:
        given(pairs)
    assert found.value.diagnostics[0].code == "CRM-F011"

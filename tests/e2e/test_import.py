"""import: what a vendor shows becomes a manifest that changes nothing, and any one end that is written into it gives steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import Phase as Phase_
from hypothesis import strategies as st
from msgspec.structs import replace

from crmstate import providers
from crmstate.core.planning.planner import plan
from crmstate.core.record import State
from crmstate.core.survey import Listing, Survey, survey
from crmstate.core.words import Kind, Mode, Phase
from crmstate.manifest.canonical import canonical
from crmstate.manifest.imported import Source, imported, reference
from crmstate.manifest.load import parse
from crmstate.sandbox import World, seed
from tests.core.scenes import account, contract, integration, key, module, session, user
from tests.e2e.site import Site

ENDS = {
    "users": "removed",
    "sessions": "ended",
    "api_keys": "revoked",
    "integrations": "removed",
    "settings": "reset",
    "account": "deleted",
}


class Place(Site):
    """A folder with a simulated vendor, and no manifest yet."""

    provider = "sandbox"

    def take(self, *args: str) -> Any:
        return self.run(
            "import", "--provider", self.provider, "--embedded", "acme.db", "--out", str(self.manifest), *args
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Place]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made: list[Place] = []

    def build(provider: str) -> Place:
        here = Place(tmp_path)
        here.provider = provider
        seed(here.data, dialect="native" if provider == "sandbox" else provider, contacts=20, users=6)
        here.serve()
        made.append(here)
        return here

    yield build
    for each in made:
        each.stop()


def ended(text: str, section: str) -> str:
    """The manifest with one value changed to its end."""
    if section == "subscription":
        found, n = re.subn(
            r"(?m)^(  subscription:.*\n    status:) active", r"\1 cancelled\n    effective: immediately", text
        )
    elif section == "modules":
        found, n = re.subn(r"(?m)^(      status:) active", r"\1 disabled", text, count=1)
    else:
        found, n = re.subn(rf"(?m)^(  {section}:.*\n    status:) active", rf"\1 {ENDS[section]}", text)
    assert n == 1, section
    return found


SECTIONS = {
    "sandbox": {*ENDS, "subscription", "modules"},
    "zoho": {"users", "integrations", "subscription", "account"},
    "fxiaoke": {"users"},
    "odoo": {"users", "api_keys", "integrations", "modules"},
}
"""What can be left as it is, and ended, of what a vendor shows."""


@pytest.mark.parametrize(("provider", "sections"), SECTIONS.items(), ids=SECTIONS)
def test_it_plans_nothing_and_any_one_end_gives_steps(
    place: Callable[[str], Place], provider: str, sections: set[str]
) -> None:
    here = place(provider)
    said = here.take("--coverage", "an administrator's key")
    assert said.code == 0, said.err
    text = here.manifest.read_text("utf-8")
    assert here.truth()["effects"] == 0 and not (here.folder / ".crmstate").exists()
    assert here.run("fmt", "--check", str(here.manifest)).code == 0
    made = here.plan("--format", "json").json
    assert [each["address"] for each in made["steps"] if each["kind"] != "freeze"] == [] == made.get("blocked", [])
    assert [each for each in made["diagnostics"] if each.get("severity", "error") == "error"] == []
    found = {*re.findall(r"(?m)^  (\w+):.*\n    status: active", text), *re.findall(r"(?m)^  (modules):", text)}
    assert found == sections
    for section in sorted(sections):
        if section == "account" and "subscription" in sections:
            continue  # an account that is closed with a subscription that stays is refused, as it should be
        here.write(ended(text, section))
        made = here.plan("--format", "json").json
        kinds = {each["kind"] for each in made["steps"]} | {
            each["address"].partition("/")[0] for each in made["blocked"]
        }
        assert kinds - {"freeze"}, section
    with World.open(here.data) as world:
        assert f"\n  users: {world.one('SELECT count(*) FROM users')[0]}\n" in text


def test_nothing_is_overwritten_and_no_secret_is_written(place: Callable[[str], Place], tmp_path: Path) -> None:
    here = place("sandbox")
    assert here.take("--mask-people").code == 0
    text = here.manifest.read_text("utf-8")
    keys = here.data.with_name("acme.db.keys.json").read_text("utf-8")
    for secret in re.findall(r'"token": ?"([^"]+)"', keys):
        assert secret not in text
    with World.open(here.data) as world:
        people = [each for row in world.all("SELECT email, name FROM users") for each in row if each]
    assert [each for each in people if each in text] == []
    assert "mask_people: true" in text
    said = here.take()
    assert said.code == 1 and "CRM-C012" in said.err and here.manifest.read_text("utf-8") == text
    assert here.run("import", "--provider", "nobody", "--out", str(tmp_path / "x.yaml")).code == 64
    odd = ("--credential", "nonsense", "--out", str(tmp_path / "y.yaml"))
    assert here.run("import", "--provider", "zoho", *odd).code == 64
    assert sorted(each.name for each in tmp_path.glob("*.yaml")) == ["crmstate.yaml"]


def test_what_is_on_its_way_to_an_end_is_left_out_with_its_reason(place: Callable[[str], Place]) -> None:
    here = place("sandbox")
    with World.open(here.data) as world:
        pending = {"action": "cancel", "effective": "2027-01-31", "requested_at": world.now, "request_id": "q-1"}
        world.set_subscription(pending=pending, renews=False)
    assert here.take().code == 0
    text = here.manifest.read_text("utf-8")
    assert "# subscription: left out" in text and "cancel is pending, effective 2027-01-31" in text
    assert here.plan("--detailed-exitcode").code == 9


def test_a_field_of_a_credential_is_a_variable_or_a_file() -> None:
    assert reference(["a=X", "b=file:k.txt"], ("a", "b", "c"), "V_") == {
        "a": {"env": "X"},
        "b": {"file": "k.txt"},
        "c": {"env": "V_READ_C"},
    }
    with pytest.raises(ValueError, match="d=X"):
        reference(["d=X"], ("a",), "V_")


NAMES = st.sampled_from(
    ("", "Ann", "# x", "a: b", "'q'", 'say "x"', "中文", "a\nb", "- x", "yes", "\u202eevil", "{{x}}")
)
PHASES = st.sampled_from((Phase.PRESENT, Phase.INACTIVE, Phase.ABSENT, Phase.PENDING))
ROWS = (
    user("user-0"),
    session("session-0", "user-0"),
    key("key-0", "user-0"),
    integration("hook-0"),
    module("module-0"),
    account(),
    contract(term_end="2027-01-31"),
)


@st.composite
def surveys(draw: st.DrawFn) -> Survey:
    """Whatever a vendor may list, with odd names and in every phase."""
    listings = []
    for row in ROWS:
        most = 1 if row.kind in (Kind.ACCOUNT, Kind.SUBSCRIPTION) else 4
        rows = tuple(
            replace(row, id=f"{row.kind.value}-{n}", label=draw(NAMES), phase=draw(PHASES))
            for n in range(draw(st.integers(0, most)))
        )
        listings.append(Listing(row.kind, rows, draw(st.booleans())))
    return survey("t-1", listings, [], "2026-11-29T00:00:00Z")


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase_.explicit, Phase_.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(surveys(), st.booleans())
def test_whatever_is_observed_becomes_a_manifest_that_is_right_and_ends_nothing(found: Survey, masked: bool) -> None:
    source = Source({"name": "sandbox", "embedded": "acme.db"}, "x", "a@example.com", "Sandbox", masked)
    raw = imported(source, found)
    assume(raw)
    text = canonical(raw.encode(), Path("crmstate.yaml"))
    loaded = parse(text.encode(), Path("crmstate.yaml"), {"sandbox"})
    made = plan(loaded.desired, found, State("x"), providers.load("sandbox"))
    acts = [each for each in made.steps if each.mode is not Mode.WAIT]
    pending = any(row.phase is Phase.PENDING for row in found.resources)
    assert pending or acts == []
    assert [each.code for each in made.diagnostics if each.code == "CRM-P004"] == []  # nothing is asked back to life
    assert not (masked and re.search(r"- id: user-\d+  #", text))

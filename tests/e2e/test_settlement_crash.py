"""The process ends before, after or in the middle of any effect while somebody hands something in: it is on record whole with
its papers, or not at all, and handing it in again works."""

from __future__ import annotations

import gc
import hashlib
import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from crmstate.cli.commands import certificate, evaluate, migrate, settle
from crmstate.cli.compose import House
from crmstate.cli.screen import Screen
from crmstate.core.record import State
from crmstate.core.secret import Scrubber
from crmstate.manifest.load import load
from crmstate.store.load import read

from .scenes import apply, template
from .site import Site, site
from .test_crash_points import MODES, Counting, Crash
from .test_settlement import ADOPTED, SHEET, TRANSCRIPT, paper

pytestmark = pytest.mark.usefixtures("quick", "as_many_effects_every_time")

COUNTS = "dataset,count\nContacts,3\nDeals,3\n"


@pytest.fixture
def archived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A site whose migration is waited for."""
    made = template(tmp_path_factory.mktemp("template"), ADOPTED)
    with site(tmp_path_factory.mktemp("archived") / "site", made) as here:
        apply(here)
        paper(here, "certificate.pdf.yaml", TRANSCRIPT)
        yield here


def hand_in(here: Site, what: str) -> None:
    """One of the commands, in this process."""
    there, document = here.manifest, Path(paper(here, "certificate.pdf"))
    if what == "settle":
        settle.add(there, settle.Kind.invoice, "5", "EUR", document, to=None, on=None, note="", by="fin")
    elif what == "certificate":
        certificate.check(document, there, said=None, field=None, by="dpo")
    elif what == "migrate":
        counts = Path(paper(here, "counts.csv", COUNTS.replace("Contacts,3", "Contacts,2")))
        migrate.check(counts, there, identity=None, by="ops")
    else:
        evaluate.import_(Path(paper(here, "sheet.csv", SHEET)), there, by="cfo")


def papers(state: State) -> list[Any]:
    """Every paper that the record refers to."""
    found = [each.document for each in (*state.claims, *state.examined)]
    found += [each.transcript for each in state.examined] + [each.counts for each in state.compared.values()]
    found += [each.source for each in state.remarks]
    found += [each for entry in state.entries.values() for each in entry.evidence if each.path.startswith("evidence/")]
    return [each for each in found if each is not None]


def recorded(state: State) -> tuple[int, ...]:
    done = sum(entry.address.startswith("migration/dataset") and entry.by == "ops" for entry in state.entries.values())
    return len(state.claims), len(state.examined), len(state.compared), done, len(state.remarks)


WHOLE = {
    "settle": (1, 0, 0, 0, 0),
    "certificate": (0, 1, 0, 0, 0),
    "migrate": (0, 0, 2, 1, 0),
    "evaluate": (0, 0, 0, 0, 1),
}


@pytest.mark.parametrize("what", ["settle", "migrate"])
def test_what_is_handed_in_is_on_record_whole_or_not_at_all(
    what: str, archived: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(what, archived, tmp_path / "kept", monkeypatch, every=5)


@pytest.mark.deep(seconds=6)
@pytest.mark.parametrize("what", WHOLE)
def test_whatever_is_handed_in_survives_a_stop_at_every_effect(
    what: str, archived: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(what, archived, tmp_path / "kept", monkeypatch, every=1)


def stopped(what: str, archived: Site, place: Path, monkeypatch: pytest.MonkeyPatch, *, every: int) -> None:
    """Stops a command at its effects, `every` so many of them and always at the append, and looks what is there."""
    here, home = archived, archived.folder / ".crmstate"
    kept = shutil.copytree(home, place)
    effects = Counting()
    loaded = load(here.manifest, known_providers=("sandbox",))

    def opened(path: Path, screen: Screen, as_of: str | None = None) -> House:
        return House(loaded, Scrubber(), effects)

    for module in (settle, certificate, migrate, evaluate):
        monkeypatch.setattr(module, "open_house", opened)
    hand_in(here, what)
    assert recorded(read(here.folder, "exit").state) == WHOLE[what]
    places, crashes, seen = effects.seen, 0, set()
    link = next(number for number, (kind, _) in enumerate(places) if kind == "link")
    wanted = sorted({*range(0, len(places), every), link})
    for at, mode in itertools.product(wanted, MODES):
        if mode == "torn" and not places[at][1]:
            continue
        shutil.rmtree(home)
        shutil.copytree(kept, home)
        effects = Counting(at, mode)
        with pytest.raises(Crash):
            hand_in(here, what)
        gc.collect()
        crashes += 1
        state = read(here.folder, "exit").state
        seen.add(recorded(state))
        assert recorded(state) in (WHOLE[what], (0, 0, 0, 0, 0)), (at, mode)
        for each in papers(state):
            assert hashlib.sha256((home / "exit" / each.path).read_bytes()).hexdigest() == each.sha256, (at, mode)
        effects = Counting()
        if recorded(state) != WHOLE[what]:
            hand_in(here, what)
            assert recorded(read(here.folder, "exit").state) == WHOLE[what], (at, mode)
            assert not list(home.rglob("*.tmp")), (at, mode)
    assert (crashes >= len(wanted) * 2, len(seen)) == (True, 2)

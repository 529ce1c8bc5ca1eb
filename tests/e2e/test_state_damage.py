"""A state that was damaged: every command works rightly, or names the one command that mends it; that very command
mends it; and nothing claims to be done that is not, nor does anything irreversible happen twice."""

from __future__ import annotations

import contextlib
import gc
import random
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.record import State
from crmstate.core.words import Outcome, Undo, Verb
from crmstate.store.load import read

from .outside import agrees, lock_is_free
from .scenes import effects, ending
from .site import MANIFEST, Said, Site, small_world
from .test_crash_points import MODES, Counting, Crash, apply_once

HALF = ("--exclude", "dataset/*")
MENDS = re.compile(r"`(crmstate state repair \S+)`")
OUT = {"list", "show", "history"}


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site half-way to its end: keys are revoked, sessions ended, integrations gone; the data is archived and still
    there."""
    folder = tmp_path_factory.mktemp("half")
    small_world(folder / "acme.db")
    (folder / "crmstate.yaml").write_text(MANIFEST, encoding="utf-8")
    with served(folder) as here:
        assert here.apply("--parallel", "1", *HALF).code == 0
        assert len(chunks(here)) >= 12
    return folder


@pytest.fixture(scope="module")
def whole(half: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[State, dict[str, Any]]:
    """What the record said before it was damaged, and the end where it never was."""
    with copied(tmp_path_factory.mktemp("whole") / "site", half) as here:
        before = recorded(here)
        finished(here)
        return before, ending(here)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Site]:
    """What lies in a folder, served."""
    here = Site(folder)
    here.serve()
    try:
        yield here
    finally:
        here.stop()
        (folder / "acme.db.server.json").unlink()


def copied(folder: Path, template: Path) -> contextlib.AbstractContextManager[Site]:
    """A copy of everything in a folder, the state too, served."""
    shutil.copytree(template, folder)
    return served(folder)


@pytest.fixture
def here(half: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with copied(tmp_path / "site", half) as made:
        monkeypatch.chdir(made.folder)
        yield made


def recorded(here: Site) -> State:
    return read(here.folder, "exit").state


def chunks(here: Site) -> list[Path]:
    return sorted((here.folder / ".crmstate" / "exit" / "journal").glob("*.jsonl"))


def snapshot(here: Site) -> Path:
    return here.folder / ".crmstate" / "exit" / "state.json"


def said_by(here: Site, *args: str) -> Said:
    """What a command answers, in the manifest's folder; never a traceback, never a bug."""
    said = here.run(*args)
    assert "Traceback" not in said.err and said.code != 70, said.err
    return said


def finished(here: Site) -> None:
    """Everything comes to its end, with time passing."""
    for _ in range(2):
        said = said_by(here, "apply", str(here.manifest), "--yes")
        assert said.code == 0, said.out[-1500:] + said.err
        here.advance("8d")
    assert said_by(here, "apply", str(here.manifest), "--yes").code == 0
    assert said_by(here, "plan", str(here.manifest), "--detailed-exitcode").code == 0


def flipped(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes() or b"\0")
    data[int(at * (len(data) - 1))] ^= 0x10
    path.write_bytes(data)


def cut(path: Path, at: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: min(int(at * len(data)), len(data) - 1)])


# The snapshot is a cache: whatever happens to it, the journal says the same.


@pytest.mark.parametrize("at", [0.0, 0.001, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("harm", [cut, flipped])
def test_a_damaged_snapshot_is_made_again_without_anybody_doing_anything(
    harm: Callable[[Path, float], None], at: float, here: Site, whole: Any
) -> None:
    harm(snapshot(here), at)
    for args in (("plan",), ("status",), ("state", "show", "exit")):
        said = said_by(here, *args)
        assert said.code == 0, said.err
    assert "CRM-S018" in said_by(here, "state", "show", "exit").err
    assert recorded(here) == whole[0]
    before = effects(here)
    assert said_by(here, "apply", "--yes", *HALF).code == 0
    assert effects(here) == before
    assert "CRM-S018" not in said_by(here, "state", "show", "exit").err
    assert recorded(here).entries == whole[0].entries


def test_a_snapshot_that_is_gone_or_garbage_is_made_again(here: Site, whole: Any) -> None:
    for content in (None, b"", b"{}", b"\0" * 5000, b'{"format":1}\n', "客户".encode("utf-16")):
        snapshot(here).unlink() if content is None else snapshot(here).write_bytes(content)
        assert said_by(here, "plan").code == 0
        assert recorded(here) == whole[0]
    finished(here)
    assert ending(here) == whole[1]
    assert here.twice() == []


# The journal is the record: where it is damaged nothing is shown, and one command mends it.


def missing(here: Site, place: int) -> None:
    chunks(here)[place].unlink()


def torn(here: Site, place: int) -> None:
    cut(chunks(here)[place], 0.6)


def emptied(here: Site, place: int) -> None:
    cut(chunks(here)[place], 0)


def altered(here: Site, place: int) -> None:
    flipped(chunks(here)[place], 0.5)


def altered_in_its_head(here: Site, place: int) -> None:
    flipped(chunks(here)[place], 0.02)


def doubled(here: Site, place: int) -> None:
    """A copy of a chunk under the number of another."""
    found = chunks(here)
    shutil.copy(found[place], found[place - 1])


def added(here: Site, place: int) -> None:
    """A copy of a chunk behind the last one."""
    found = chunks(here)
    shutil.copy(found[place], found[0].with_name(f"{len(found) + 1:08d}.jsonl"))


def exchanged(here: Site, place: int) -> None:
    found = chunks(here)
    one, other = found[place], found[place - 1]
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


HARMS = (missing, torn, emptied, altered, altered_in_its_head, doubled, added, exchanged)
PLACES = (0, 1, 5, -2, -1)
ALL = [(harm, place, kept) for harm in HARMS for place in PLACES for kept in (True, False)]


def names_the_cure(here: Site) -> str:
    """Every command that needs the state names the same cure, and does nothing."""
    before = effects(here)
    cures = set()
    for args in (
        ("plan",),
        ("status",),
        ("status", "--offline"),
        ("state", "show", "exit"),
        ("state", "list"),
        ("apply", "--yes"),
        ("state", "restore", "exit", "--serial", "1"),
    ):
        said = said_by(here, *args)
        assert said.code == 1, (args, said.out, said.err)
        cures |= set(MENDS.findall(said.err))
        assert len(MENDS.findall(said.err)) == 1, (args, said.err)
        if args[0] != "state" or args[1] in OUT:
            told = said_by(here, *args, "--format", "json")
            assert told.code == 1
            assert [len(MENDS.findall(each["hint"])) for each in told.json["diagnostics"]] == [1]
    assert effects(here) == before
    assert said_by(here, "state", "history", "exit").code == 0
    assert lock_is_free(here)
    (cure,) = cures
    return str(cure)


def mended(here: Site, whole: tuple[State, dict[str, Any]], cure: str) -> None:
    """The very command that was named mends it; what the record claims then is true and was on record before; the end
    is the same."""
    _, *args = shlex.split(cure)
    said = said_by(here, *args)
    assert said.code == 0, said.err
    state = recorded(here)
    agrees(here, state)
    claimed = {key for key, entry in state.entries.items() if entry.outcome is Outcome.DONE}
    assert claimed <= {key for key, entry in whole[0].entries.items() if entry.outcome is Outcome.DONE}
    assert state.lineage == whole[0].lineage
    for args in (["plan"], ["status"], ["state", "show", "exit"], ["state", "list"], ["state", "history", "exit"]):
        assert said_by(here, *args).code == 0
    before = {(each["verb"], each["kind"], each["id"]) for each in effects(here) if each["irreversible"]}
    finished(here)
    assert here.twice() == []
    assert ending(here) == whole[1]
    happened = [(each["verb"], each["kind"], each["id"]) for each in effects(here) if each["irreversible"]]
    assert before <= set(happened) and len(set(happened)) == len(happened)
    agrees(here, recorded(here))
    last = recorded(here)
    assert {entry.verb for entry in last.open().values()} <= (
        {Verb.CLOSE} if not last.tenant else set()
    )  # whose account it was, is lost too
    again = said_by(here, "state", "repair", "exit")
    assert (again.code, "is whole" in again.err) == (0, True)


def damage(here: Site, whole: Any, harm: Callable[[Site, int], None], place: int, kept: bool) -> None:
    if not kept:
        snapshot(here).unlink()
    harm(here, place)
    mended(here, whole, names_the_cure(here))


def _named(case: tuple[Any, int, bool]) -> str:
    harm, place, kept = case
    return f"{harm.__name__}-{place}-{'with' if kept else 'without'}-snapshot"


@pytest.mark.parametrize("case", ALL[::8] + ALL[5::16], ids=_named)
def test_some_damage_to_the_journal_is_noticed_named_and_mended(case: Any, here: Site, whole: Any) -> None:
    """Some of all damage; the rest: `make test-deep`."""
    damage(here, whole, *case)


@pytest.mark.deep
@pytest.mark.parametrize("case", ALL, ids=_named)
def test_any_damage_to_the_journal_is_noticed_named_and_mended(case: Any, here: Site, whole: Any) -> None:
    damage(here, whole, *case)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(24))
def test_damage_in_several_places_at_once_is_mended_too(seed: int, here: Site, whole: Any) -> None:
    chance = random.Random(seed)
    for _ in range(chance.randint(2, 4)):
        chance.choice(HARMS)(here, chance.randrange(-3, 3))
    if chance.random() < 0.5:
        chance.choice((cut, flipped))(snapshot(here), chance.random())
    said = said_by(here, "plan")
    if said.code == 0:
        finished(here)
        assert ending(here) == whole[1] and here.twice() == []
        return
    mended(here, whole, MENDS.findall(said.err)[0])


def crashed_and_damaged(
    seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[State, dict[str, Any]]
) -> None:
    """A run that is stopped at some effect, so that steps are open; then chunks are damaged, the last ones most of
    all."""
    chance = random.Random(seed)
    folder.mkdir()
    small_world(folder / "acme.db")
    (folder / "crmstate.yaml").write_text(MANIFEST, encoding="utf-8")
    with served(folder) as here:
        monkeypatch.chdir(folder)
        with contextlib.suppress(Crash):
            apply_once(here, Counting(chance.randrange(60, 330), chance.choice(MODES)))
        gc.collect()
        for _ in range(chance.randint(1, 2)):
            chance.choice(HARMS)(here, chance.choice((-1, -1, -2, 1)))
        said = said_by(here, "plan")
        if said.code == 1:
            assert said_by(here, *shlex.split(MENDS.findall(said.err)[0])[1:]).code == 0
        agrees(here, recorded(here))
        finished(here)
        assert here.twice() == []
        assert ending(here) == whole[1]


@pytest.mark.parametrize("seed", range(4))
def test_a_crash_and_damage_together_do_nothing_twice(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Any
) -> None:
    crashed_and_damaged(seed, tmp_path / "site", monkeypatch, whole)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 140))
def test_any_crash_and_any_damage_together_do_nothing_twice(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Any
) -> None:
    crashed_and_damaged(seed, tmp_path / "site", monkeypatch, whole)


def test_a_journal_that_is_gone_altogether_is_missed_and_mended_from_its_snapshot(here: Site, whole: Any) -> None:
    for path in chunks(here):
        path.unlink()
    mended(here, whole, names_the_cure(here))


def test_where_nothing_says_whose_state_it_was_that_is_said_and_nothing_is_touched(here: Site) -> None:
    for path in chunks(here):
        path.write_bytes(b"")
    snapshot(here).unlink()
    said = said_by(here, "plan")
    assert said.code == 1
    before = sorted(path.name for path in here.folder.rglob("*"))
    said = said_by(here, *shlex.split(MENDS.findall(said.err)[0])[1:])
    assert (said.code, "CRM-S025" in said.err) == (1, True)
    assert "backup" in said.err
    assert [name for name in before if "lease" not in name and "lock" not in name] == [
        name
        for name in sorted(path.name for path in here.folder.rglob("*"))
        if "lease" not in name and "lock" not in name
    ]


@pytest.mark.parametrize("content", [b"", b"garbage", b"0" * 500])
def test_the_marks_beside_the_journal_may_be_damaged(content: bytes, here: Site, whole: Any) -> None:
    folder = here.folder / ".crmstate" / "exit"
    for name in ("head", "lease.json", "lock"):
        (folder / name).write_bytes(content)
    assert said_by(here, "plan").code == 0
    assert recorded(here) == whole[0]
    assert said_by(here, "apply", "--yes", *HALF).code == 0
    assert recorded(here).entries == whole[0].entries


def test_after_the_end_damage_is_mended_and_nobody_claims_what_is_not_so(
    half: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor is out of reach for ever then, so nothing can be looked at again."""
    with copied(tmp_path / "end", half) as here:
        finished(here)
        total = len(chunks(here))
        here.stop()
        for place in (0, 4, -3, -1):
            with copied(tmp_path / f"at{place}", tmp_path / "end") as then:
                monkeypatch.chdir(then.folder)
                altered(then, place)
                said = said_by(then, "plan")
                assert said.code == 1
                assert said_by(then, *shlex.split(MENDS.findall(said.err)[0])[1:]).code == 0
                agrees(then, recorded(then))
                before = effects(then)
                for args in (["plan"], ["status"], ["apply", "--yes"]):
                    assert said_by(then, *args).code in (0, 7), args
                assert effects(then) == before
        assert total > 20
        here.serve()


# Surgery.


def test_history_names_what_is_damaged_and_shows_the_rest(here: Site) -> None:
    altered(here, 4)
    said = said_by(here, "state", "history", "exit", "--format", "json")
    assert said.code == 0
    found = said.json["history"]
    assert {each["serial"]: each["damage"] for each in found if each["damage"]} == {5: "CRM-S010", 6: "CRM-S013"}
    assert len(found) == len(chunks(here))


def test_a_restored_state_forgets_nothing_that_may_have_been_sent(here: Site, whole: Any) -> None:
    serial = len(chunks(here)) // 2
    then = said_by(here, "state", "show", "exit", "--serial", str(serial), "--format", "json").json
    said = said_by(here, "state", "restore", "exit", "--serial", str(serial), "--by", "ann@example.com")
    assert said.code == 0, said.err
    state = recorded(here)
    agrees(here, state)
    assert state.serial == len(chunks(here)) > serial
    unknown = {key for key, entry in state.entries.items() if entry.outcome is Outcome.UNKNOWN}
    lost = {
        key
        for key, entry in whole[0].entries.items()
        if entry.undo is not Undo.FREE and then["entries"].get(key, {}).get("outcome") != "done"
    }
    assert lost and lost <= unknown
    assert "restored" in said_by(here, "state", "history", "exit").out
    finished(here)
    assert here.twice() == []
    assert ending(here) == whole[1]


def test_a_restored_state_can_be_damaged_and_mended(here: Site, whole: Any) -> None:
    assert said_by(here, "state", "restore", "exit", "--serial", "6").code == 0
    altered(here, 3)
    _, *args = shlex.split(names_the_cure(here))
    assert said_by(here, *args).code == 0
    agrees(here, recorded(here))
    finished(here)
    assert ending(here) == whole[1] and here.twice() == []


@pytest.mark.parametrize("serial", ["0", "999", "-1"])
def test_a_number_that_the_history_does_not_hold_is_refused(serial: str, here: Site, whole: Any) -> None:
    for args in (("state", "restore", "exit", f"--serial={serial}"), ("state", "show", "exit", f"--serial={serial}")):
        said = said_by(here, *args)
        assert (said.code, "CRM-S024" in said.err) == (1, True), said.err
    assert recorded(here) == whole[0]


def test_a_name_that_no_state_has_is_refused_by_every_command(here: Site) -> None:
    for args in (
        ("show",),
        ("history",),
        ("restore", "--serial", "1"),
        ("unlock",),
        ("repair",),
        ("release", "Deals", "--why", "so"),
    ):
        for name in ("nothing", "../exit", "exit/../exit"):
            said = said_by(here, "state", args[0], name, *args[1:])
            assert (said.code, "CRM-C013" in said.err) == (1, True), (args, name, said.err)

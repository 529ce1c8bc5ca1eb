"""An export by hand whose file is replaced while its archive is made: the archive holds one file whole, never some of
each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from archive_vendor import Clock, Effects

from crmstate import providers
from crmstate.archive.folder import FolderArchive
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Page
from crmstate.core.words import Kind
from crmstate.providers.paper import folder as exports
from crmstate.providers.paper.session import Paper

ROWS = [(f"id-{n}", f"old {n}") for n in range(20)]


def text(rows: Sequence[tuple[str, str]]) -> str:
    return "id,name\n" + "".join(f"{id},{name}\n" for id, name in rows)


class Broken(Paper):
    """One whose folder goes away after so many pages."""

    pages = 2

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        if not self.pages:
            raise Failure(Code.UNAVAILABLE, "the disk is away")
        self.pages -= 1
        return super().read(dataset, cursor, ids)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 4)


def session(folder: Path, kind: type[Paper] = Paper, **ways: dict[str, str]) -> Paper:
    return kind(providers.load("paper"), folder, "K-1", "read", True, ways)


def archived(root: Path, source: Paper, dataset: str = "t") -> list[tuple[str, bytes]]:
    archive = FolderArchive(root, Effects(), Clock(), "me")
    row = next(each for each in source.list(Kind.DATASET).resources if each.id == dataset)
    archive.archive(source, row, True)
    archive.verify(source, row)
    return sorted((each.id, each.raw) for each in archive.rows(dataset))


def replaced(path: Path, rows: Sequence[tuple[str, str]], times: tuple[int, int] | None = None) -> None:
    """As a person does it: another file takes its place. `times`: which keeps the old one's."""
    fresh = path.with_name("fresh.tmp")
    fresh.write_text(text(rows))
    if times is not None:
        os.utime(fresh, ns=times)
    fresh.replace(path)


OTHERS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "other rows": lambda: [(id, name.replace("old", "new")) for id, name in ROWS],
    "fewer rows": lambda: ROWS[:3],
    "one more in front": lambda: [("id-x", "new x"), *ROWS],
    "another at the end": lambda: [*ROWS[:-1], ("id-19", "new 9")],
}


@pytest.mark.parametrize("ways", [{}, {"t": {"id": "id"}}], ids=["by number", "by column"])
@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("other", OTHERS)
def test_an_archive_that_goes_on_holds_the_file_that_is_there_and_nothing_of_the_other(
    tmp_path: Path, other: str, same_time: bool, ways: dict[str, dict[str, str]]
) -> None:
    folder, rows = tmp_path / "exports", OTHERS[other]()
    folder.mkdir()
    path = folder / "t.csv"
    path.write_text(text(ROWS))
    facts = path.stat()
    with pytest.raises(Failure):
        archived(tmp_path / "a", session(folder, Broken, **ways))
    replaced(path, rows, (facts.st_atime_ns, facts.st_mtime_ns) if same_time else None)
    found = archived(tmp_path / "a", session(folder, **ways))
    assert found == archived(tmp_path / "whole", session(folder, **ways))
    assert len(found) == len(rows)


def test_a_file_that_is_replaced_between_two_pages_is_noticed_at_the_second(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text(ROWS))
    line = session(tmp_path)
    cursor = line.read("t").next
    replaced(path, [*ROWS, ("id-x", "one more")])
    with pytest.raises(Failure) as refused:
        line.read("t", cursor)
    assert refused.value.code is Code.REJECTED and "replaced" in refused.value.summary
    line.close()


def test_one_that_nobody_touched_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "t.csv").write_text(text(ROWS))
    with pytest.raises(Failure):
        archived(tmp_path / "a", session(tmp_path / "exports", Broken))
    asked: list[str | None] = []

    class Watched(Paper):
        def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
            asked.append(cursor)
            return super().read(dataset, cursor, ids)

    assert len(archived(tmp_path / "a", session(tmp_path / "exports", Watched))) == 20
    assert asked[0] is not None and asked[0].startswith("8:"), "two pages were durable"


def test_a_cursor_of_an_earlier_version_leads_to_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text(ROWS))
    with pytest.raises(Failure) as refused:
        session(tmp_path).read("t", "4")
    assert refused.value.code is Code.REJECTED and "from its beginning" in refused.value.summary


def test_a_guess_stays_a_guess_in_the_coverage_and_a_declared_encoding_is_none(tmp_path: Path) -> None:
    import json

    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "客户.csv").write_text("编号,姓名\n1,李雷\n2,韩梅梅\n", encoding="gb18030")
    for name, ways, guessed in (("a", {}, True), ("b", {"客户": {"encoding": "gb18030"}}, False)):
        archived(tmp_path / name, session(folder, **ways), "客户")
        said = json.loads((tmp_path / name / "coverage.json").read_text())
        (line,) = [each for each in said["datasets"] if each["dataset"] == "客户"]
        assert (line["encoding"], line.get("guessed", False)) == ("gb18030", guessed)
        assert ("guessed" in said) is guessed

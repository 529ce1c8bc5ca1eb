"""A plan file is written whole, for its owner only, and never over something that is no plan."""

from __future__ import annotations

import contextlib
import stat

import pytest
from store_scenes import Crash, Crashing, Failing, Plain, record

from crmstate.core.diagnostic import Problem
from crmstate.store import planfile

PLAN = b'{"format_version":"1.0","plan_id":"abc","steps":[]}\n'
OTHER = b'{"plan_id":"def"}\n'


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "plan.json"
    planfile.save(path, PLAN, Plain())
    assert planfile.load(path) == PLAN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    planfile.save(path, OTHER, Plain())
    assert planfile.load(path) == OTHER
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    "content", [b"", b"precious", b"[]", b"{}", b'{"plan_id":""}', b'{"plan_id":7}', PLAN[:-3], b"\xff"]
)
def test_a_file_that_is_no_plan_is_neither_written_over_nor_loaded(tmp_path, content):
    path = tmp_path / "crmstate.yaml"
    path.write_bytes(content)
    with pytest.raises(Problem, match="CRM-S040"):
        planfile.save(path, PLAN, Plain())
    with pytest.raises(Problem, match="CRM-S044"):
        planfile.load(path)
    assert path.read_bytes() == content


def test_a_plan_never_lands_in_the_folder_of_a_state(tmp_path):
    record(tmp_path)
    (tmp_path / "way").symlink_to(tmp_path / ".crmstate")
    for place in (tmp_path / ".crmstate" / "plan.json", tmp_path / "way" / "plan.json"):
        with pytest.raises(Problem, match="CRM-S041"):
            planfile.save(place, PLAN, Plain())
    assert not (tmp_path / ".crmstate" / "plan.json").exists()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real.json").write_bytes(PLAN)
    (tmp_path / "plan.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(Problem, match="CRM-S002"):
        planfile.save(tmp_path / "plan.json", OTHER, Plain())
    assert (tmp_path / "real.json").read_bytes() == PLAN


def test_a_folder_through_a_link_is_fine(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "real")
    planfile.save(tmp_path / "way" / "plan.json", PLAN, Plain())
    assert planfile.load(tmp_path / "real" / "plan.json") == PLAN


def test_what_is_missing_or_too_large_is_said(tmp_path, monkeypatch):
    with pytest.raises(Problem, match="CRM-S042"):
        planfile.load(tmp_path / "plan.json")
    with pytest.raises(Problem, match="CRM-S045"):
        planfile.save(tmp_path / "no" / "plan.json", PLAN, Plain())
    with pytest.raises(Problem, match="CRM-S002"):
        planfile.load(tmp_path)
    planfile.save(tmp_path / "plan.json", PLAN, Plain())
    monkeypatch.setattr(planfile, "LIMIT", len(PLAN) - 1)
    with pytest.raises(Problem, match="CRM-S043"):
        planfile.load(tmp_path / "plan.json")


@pytest.mark.parametrize("mode", ["before", "after", "torn"])
def test_a_crash_leaves_the_old_plan_or_the_new_one(tmp_path, mode):
    for at in range(6):
        path = tmp_path / f"{at}.json"
        planfile.save(path, PLAN, Plain())
        with contextlib.suppress(Crash):
            planfile.save(path, OTHER, Crashing(at, mode))
        assert planfile.load(path) in (PLAN, OTHER)


def test_a_full_disk_leaves_the_old_plan(tmp_path):
    path = tmp_path / "plan.json"
    planfile.save(path, PLAN, Plain())
    with pytest.raises(Problem, match="CRM-S003"):
        planfile.save(path, OTHER, Failing(0))
    assert planfile.load(path) == PLAN
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]

"""A location names a folder on this machine, or is refused with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmstate.archive.location import resolve
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit


@pytest.mark.parametrize(
    ("to", "path"),
    [
        ("file:///srv/archives", "/srv/archives"), ("file:///srv/a%20b/", "/srv/a b"), ("file://localhost/srv/a", "/srv/a"),
        ("file://archives/crm", "{base}/archives/crm"), ("./archives", "{base}/archives"), ("FILE:///a", "/a"),
        ("file:///srv/%E5%BD%92%E6%A1%A3", "/srv/归档"),
    ],
)  # fmt: skip
def test_a_folder_on_this_machine(tmp_path: Path, to: str, path: str) -> None:
    assert resolve(to, tmp_path) == Path(path.format(base=tmp_path))


@pytest.mark.parametrize("to", ["s3://bucket/x", "gs://b", "sftp://host/x", "http://host/"])
def test_a_scheme_that_is_not_carried_out(tmp_path: Path, to: str) -> None:
    with pytest.raises(Problem) as found:
        resolve(to, tmp_path)
    assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.INVALID, "CRM-A016")


@pytest.mark.parametrize(
    "to",
    [
        "file://",
        "file:///",
        "",
        "file://../x",
        "file:///srv/../etc",
        "file://%2e%2e/x",
        "file://a%00b",
        "file:///a?b",
        "file:///%ff",
    ],
)
def test_what_names_no_folder_or_leads_out(tmp_path: Path, to: str) -> None:
    with pytest.raises(Problem) as found:
        resolve(to, tmp_path)
    assert found.value.diagnostics[0].code == "CRM-A017"


def test_a_relative_path_through_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(Problem):
        resolve("file://link/crm", tmp_path)

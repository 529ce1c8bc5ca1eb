"""What all tests share. In CI, properties are tried on the same examples every time, so that red means a change and not a
die; and what can be installed may not be skipped for want of it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

from .order import dealt, said_of

CI = bool(os.environ.get("CI"))
settings.register_profile("ci", derandomize=True, deadline=None)
if CI:
    settings.load_profile("ci")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As it is behind `make test &`: whoever is started here would not hear a Ctrl-C either, of which tests are made.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Once it is known which tests are run: the long ones first, where several workers share them."""
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, said_of, workers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one, but for the named deviations of the contract suite (their marker says why)
    and for vendors' descriptions that are not the project's to ship."""
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        knob = item.get_closest_marker("skip") is not None and item.nodeid.startswith("tests/contract/")
        if not knob and "shared/specs" not in reason:
            report.outcome = "failed"
            report.longrepr = f"nothing is skipped in CI: {reason}"
    return report

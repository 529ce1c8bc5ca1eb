"""`python -m tests.e2e.odoo.prepare`: everything that the deep tests of the real server need, made before they start:
PostgreSQL where there is none, the package, its environment and the prepared databases. Where that cannot be done the
tests say so themselves: skipped, or failed in CI."""

from __future__ import annotations

import contextlib

import pytest

from ...contract.odoo_stage import SEED as SUITE
from .office import SEED
from .place import prepared

if __name__ == "__main__":
    with contextlib.suppress(pytest.skip.Exception, pytest.fail.Exception):
        for each in (SUITE, SEED):
            print(prepared(each))

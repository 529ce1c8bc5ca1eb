"""What all tests share: in CI, properties are tried on the same examples every time, so that red means a change and not a die."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

"""Heap: tells the C library how to keep the memory that pages and segments are made in. Only glibc needs to be told, and
only here can it be.

Left alone it keeps what is freed apart for each thread, a third of all memory with eight datasets side by side, and
gives the memory of every page back to the system and takes it again for the next, which costs a third of the reading.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def settle() -> None:
    """One arena; blocks of up to a mebibyte lie in it, and of what is free at its end 4 MiB are kept."""
    with suppress(AttributeError, OSError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        tell(_ARENA_MAX, 1)
        tell(_MMAP_THRESHOLD, 1 << 20)
        tell(_TRIM_THRESHOLD, 4 << 20)

"""What was freed goes back to the system."""

import ctypes
import gc

import pytest

from components import memory
from components.memory import release_memory, status_mib

MIB = 2**20


def resident() -> float:
    found = status_mib("VmRSS")
    assert found is not None
    return found


def test_what_was_freed_is_given_back_where_there_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LARGE_MIB", 0)
    release_memory()  # of what earlier tests freed, which would be used again
    before = resident()
    circle: list[object] = [bytearray(b"x") * (200 * MIB)]
    circle.append(circle)
    blocks = [bytes(1000) for _ in range(200_000)]
    last = blocks[-1]  # the C library gives back by itself what lies above it
    del circle, blocks
    gc.disable()
    try:
        monkeypatch.setattr(memory, "LARGE_MIB", 1e6)
        release_memory()
        left = resident()
        monkeypatch.setattr(memory, "LARGE_MIB", 0)
        release_memory()
    finally:
        gc.enable()
    assert len(last) == 1000
    assert left - before > 350
    assert resident() - before < (50 if hasattr(ctypes.CDLL(None), "malloc_trim") else 250)


def test_of_what_proc_does_not_have_nothing_is_said() -> None:
    assert status_mib("VmNothing") is None

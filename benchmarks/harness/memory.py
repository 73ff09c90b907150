"""The most memory that this process has held. Linux only."""

from __future__ import annotations

from pathlib import Path

__all__ = ["forget_peak", "peak_memory"]


def peak_memory() -> int:
    """Bytes: ``VmHWM`` of ``/proc/self/status``, which, unlike ``getrusage``, begins anew with a program."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def forget_peak() -> None:
    """Put the peak back to what is held now."""
    Path("/proc/self/clear_refs").write_text("5")

"""A check takes as many draws and further steps as on an idle machine."""

import pytest

from virgil.infer.trust import effort


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself a check takes as many as its seconds are enough for, which depends on the load."""
    for name in ("_BEGUN", "_PATIENCE"):
        monkeypatch.setattr(effort, name, 1e6)

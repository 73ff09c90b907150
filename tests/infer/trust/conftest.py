"""A check takes as many draws and further steps as on an idle machine."""

import pytest

from virgil.infer.trust import check


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself a check takes as many as ten seconds are enough for, which depends on the load."""
    monkeypatch.setattr(check, "_PATIENCE", 1e6)

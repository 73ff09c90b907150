"""The bar of a run: it moves while the run lasts, shows where it ended, and costs a short run one line."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from virgil import settings
from virgil.infer.run import progress
from virgil.infer.run.progress import progress_bar


@pytest.fixture(autouse=True)
def on_a_terminal(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "100")


def shown(capsys, reported, total=30):
    """What stands on the terminal before the run's end and after it."""
    with settings.context(progress=True), progress_bar(total, True) as display:
        for done in reported:
            display.report(done, 1.25)
        before = capsys.readouterr().err
    return before, capsys.readouterr().err


@pytest.mark.parametrize("last", [12, 30])
def test_a_short_run_shows_where_it_ended(capsys, last):
    before, after = shown(capsys, range(1, last + 1))
    assert before == ""
    assert after.count(" steps ") == 1
    assert f"{last}/30 steps" in after
    assert "loss 1.25" in after


@pytest.mark.parametrize("last", [12, 30])
def test_a_bar_moves_while_a_run_lasts(capsys, monkeypatch, last):
    monkeypatch.setattr(progress, "_REFRESH", 0.0)
    before, after = shown(capsys, range(1, last + 1))
    assert all(f" {done}/30 steps" in before for done in range(1, last + 1))
    assert f"{last}/30 steps" in after


def test_a_run_without_steps_shows_none(capsys):
    assert shown(capsys, []) == ("", "")


def test_nothing_is_shown_where_nobody_looks(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    assert shown(capsys, range(1, 31)) == ("", "")


def test_one_run_at_a_time_shows_its_bar(capsys):
    """Two bars would write over each other, and over what a program prints."""

    def report(done):
        with progress_bar(7, True) as display:
            display.report(done, 1.25)

    with settings.context(progress=True), progress_bar(30, True) as display:
        display.report(12, 1.25)
        report(5)  # a run inside a run
        with ThreadPoolExecutor(1) as pool:
            pool.submit(report, 6).result()
    assert capsys.readouterr().err.count(" steps ") == 1
    with settings.context(progress=True):
        report(7)
    assert "7/7 steps" in capsys.readouterr().err

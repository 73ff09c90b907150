"""``Fit``: what its table and its picture say."""

from __future__ import annotations

import builtins

import pytest
import torch
from matplotlib.figure import Figure

from virgil.errors import ArgumentError
from virgil.infer import Fit


def _fit(steps=200, **changes):
    fields = {
        "losses": torch.linspace(3.0, 1.0, steps),
        "gradient_norms": {"guide.loc": torch.full((steps,), 2.0), "guide.scale": torch.linspace(4.0, 0.5, steps)},
        "params": {"guide.loc": torch.tensor(1.5), "guide.scale": torch.tensor([[1.0, 2.0], [3.0, 6.0]])},
        "wall_time": 2.0,
    }
    return Fit(**{**fields, **changes})


def _cells(line):
    return line.split()


def test_the_summary_says_what_happened():
    lines = _fit().summary().splitlines()
    assert lines[0] == "200 steps in 2.0 s (100 steps/s, eager)"
    # the last 20 of 200 losses are evenly spaced from 1.191 to 1
    assert lines[1] == "loss over the last tenth: 1.095 nats, sd 0.058 from step to step"
    assert _cells(lines[-2]) == ["guide.loc", "scalar", "1.5", "2"]
    assert _cells(lines[-1]) == ["guide.scale", "2×2", "3", "1", "6", "0.667"]
    assert not any(line != line.rstrip() for line in lines)


def test_the_summary_of_an_interrupted_run_says_so():
    assert _fit(interrupted=True).summary().splitlines()[0].endswith("eager), interrupted")


def test_a_run_without_steps_has_a_summary_but_no_picture():
    empty = _fit(0, gradient_norms={}, params={"none": torch.zeros(0)})
    assert "0 steps" in empty.summary()
    with pytest.raises(ArgumentError, match="without steps has nothing to draw"):
        empty.plot()


def test_the_picture_has_two_labelled_panels(tmp_path):
    figure = _fit().plot(tmp_path / "fit.png")
    upper, lower = figure.axes
    assert upper.get_ylabel() == "loss (nats)"
    assert lower.get_yscale() == "log"
    assert lower.get_xlabel() == "step"
    # the guide's name in front of both says nothing
    assert [text.get_text() for text in lower.get_legend().get_texts()] == ["loc", "scale"]
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_curves_are_trailing_means_from_the_first_step_on():
    losses = torch.randn(200).double()
    _, smooth = _fit(losses=losses).plot().axes[0].lines
    drawn = torch.as_tensor(smooth.get_ydata())
    expected = torch.stack([losses[max(0, step - 3) : step + 1].mean() for step in range(200)])
    torch.testing.assert_close(drawn, expected)
    assert list(smooth.get_xdata()) == list(range(1, 201))


def test_ticks_within_a_decade_are_plain_numbers():
    lower = _fit().plot().axes[1]
    lower.figure.canvas.draw()
    labels = [label.get_text() for label in lower.get_yticklabels()]
    assert {"1", "2"} <= set(labels)


def test_several_runs_share_a_figure():
    figure = Figure()
    panels = figure.subplots(2, 2)
    assert _fit().plot(axes=list(panels[:, 0])) is figure
    assert _fit().plot(axes=list(panels[:, 1])) is figure
    assert all(panel.lines for panel in panels.flat)


def test_one_panel_is_too_few():
    with pytest.raises(ArgumentError, match="got 1 axes; it takes two"):
        _fit().plot(axes=[Figure().subplots()])


@pytest.mark.parametrize("steps", [1, 2, 60])
def test_short_runs_are_drawn(steps):
    figure = _fit(steps).plot()
    figure.canvas.draw()
    for panel in figure.axes:
        assert panel.lines
        assert all(list(line.get_xdata()) == list(range(1, steps + 1)) for line in panel.lines)


def test_a_loss_that_falls_by_orders_of_magnitude_stays_in_sight():
    upper = _fit(losses=torch.logspace(6, 0, 200)).plot().axes[0]
    low, high = upper.get_ylim()
    assert low < 1.5
    assert high > 1.5


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    ordinary = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return ordinary(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ArgumentError, match=r'pip install "virgil-ppl\[plot\]"'):
        _fit().plot()

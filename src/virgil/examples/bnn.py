"""A Bayesian network on the diabetes data, and whether its intervals hold what they promise.

Ten measurements of 442 patients predict how far diabetes has progressed a year later *(Efron, Hastie, Johnstone and
Tibshirani 2004)*. The prediction is a linear map plus a small network, all weights are random variables, and so is the
noise, whose sd may grow with the mean. A network is a program here: its layers are ``PyroModule`` and its weights
``PyroSample``, and ``AutoNormal`` makes the guide from it.

An interval of 90 % should hold 90 % of what is observed, by patients that the fit has not seen. So the patients are
split in three, each third is predicted by a fit on the other two, and every patient counts once. Of the sizes and
priors that were tried these have the lowest loss on the patients learnt from: 348 nats in the first fit, 353 with a
constant noise, 367 with 20 units whose output weights have twice the prior sd. The linear model beside it is that of
``regression.py`` in closed form; its noise was set by least squares on all patients.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

import virgil
import virgil.distributions as dist
from virgil.examples.data.diabetes import load
from virgil.examples.regression import NOISE, posterior
from virgil.examples.reports.bnn import Prediction, draw, report
from virgil.infer import SVI, Predictive, Trace_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.nn import PyroModule, PyroSample
from virgil.params import ParamStore

__all__ = ["Network", "fit", "folds", "held_out", "main", "predict", "predict_linear"]

HIDDEN = 10  # units
FOLDS = 3
DRAWS = 1000  # of the weights, to predict from


def prior(sd: float, *shape: int) -> PyroSample:
    """Independent normal weights around zero."""
    return PyroSample(dist.Normal(0.0, sd).expand(shape).to_event(len(shape)))


class Network(PyroModule):
    """A linear map plus one hidden layer, with a noise whose sd is ``noise * exp(growth * mean)``."""

    noise = PyroSample(dist.LogNormal(-0.5, 0.5))
    growth = PyroSample(dist.Normal(0.0, 0.5))

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = PyroModule[nn.Linear](inputs, 1, bias=False)
        self.linear.weight = prior(0.3, 1, inputs)
        self.hidden = PyroModule[nn.Linear](inputs, HIDDEN)
        self.hidden.weight, self.hidden.bias = prior(1 / math.sqrt(inputs), HIDDEN, inputs), prior(1.0, HIDDEN)
        self.output = PyroModule[nn.Linear](HIDDEN, 1)
        self.output.weight, self.output.bias = prior(0.5 / math.sqrt(HIDDEN), 1, HIDDEN), prior(1.0, 1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Patients; ``y`` is drawn where it is not given. Shape: ``(patients, inputs)`` to ``(patients,)``."""
        mean = (self.linear(x) + self.output(torch.tanh(self.hidden(x)))).squeeze(-1)
        virgil.deterministic("mean", mean)
        sd = virgil.deterministic("sd", self.noise * torch.exp(self.growth * mean))
        with virgil.plate("patients", len(x)):  # an attribute read in here would be a variable of each patient's own
            value: Tensor = virgil.sample("y", dist.Normal(mean, sd), obs=y)
        return value


def folds(size: int) -> list[tuple[Tensor, Tensor]]:
    """For each part of the patients the places of all others, and its own; the same in every run."""
    parts = torch.randperm(size, generator=torch.Generator().manual_seed(0)).chunk(FOLDS)
    return [(torch.cat([*parts[:place], *parts[place + 1 :]]), part) for place, part in enumerate(parts)]


def fit(x: Tensor, y: Tensor, steps: int) -> tuple[Network, AutoNormal]:
    """A network and its guide, fitted to patients."""
    network = Network(x.shape[1])
    guide = AutoNormal(network, init_scale=0.05)
    optim = virgil.optim.ClippedAdam({"lr": 0.02, "lrd": 0.02 ** (1 / steps)})  # the rate falls to 0.02 of itself
    with ParamStore():
        SVI(network, guide, optim, Trace_ELBO()).run(steps, x, y)
    return network, guide


def predict(network: Network, guide: AutoNormal, x: Tensor, y: Tensor) -> Prediction:
    """The predictive distribution of patients, a mixture over draws of the weights, held against what they have."""
    draws = Predictive(network, guide=guide, num_samples=DRAWS, return_sites=("mean", "sd", "y"))(x)
    normal = dist.Normal(draws["mean"], draws["sd"])
    return Prediction(
        observed=y,
        mean=draws["mean"].mean(0),
        interval=draws["y"].quantile(torch.tensor([0.05, 0.95]), 0),
        log_density=normal.log_prob(y).logsumexp(0) - math.log(DRAWS),
        below=normal.cdf(y).mean(0),
    )


def predict_linear(train_x: Tensor, train_y: Tensor, x: Tensor, y: Tensor) -> Prediction:
    """The same of the linear model, in closed form."""
    beta, rows = posterior(train_x, train_y), x.double()
    variance = (rows @ beta.covariance_matrix * rows).sum(-1) + NOISE**2
    normal = dist.Normal(rows @ beta.mean, variance.sqrt())
    interval = normal.icdf(torch.tensor([[0.05], [0.95]], dtype=torch.double))
    of_y = normal.log_prob(y.double()), normal.cdf(y.double())
    return Prediction(y, *(each.float() for each in (normal.mean, interval, *of_y)))


def held_out(x: Tensor, y: Tensor, steps: int) -> dict[str, Prediction]:
    """The predictions of both models for all patients, each by a fit without them."""
    parts: dict[str, list[Prediction]] = {"network": [], "linear regression": []}
    for others, part in folds(len(x)):
        network, guide = fit(x[others], y[others], steps)
        parts["network"].append(predict(network, guide, x[part], y[part]))
        parts["linear regression"].append(predict_linear(x[others], y[others], x[part], y[part]))
    return {name: Prediction.of_all(each) for name, each in parts.items()}


def main(steps: int = 2000, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit three times, print errors, densities and coverage beside the linear model's, draw intervals and coverage."""
    virgil.set_rng_seed(seed)
    _, x, y = load()
    predictions = held_out(x, y, steps)
    report(predictions, FOLDS)
    draw(predictions, out / "bnn.png")


if __name__ == "__main__":
    main()

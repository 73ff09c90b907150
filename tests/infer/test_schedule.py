"""Schedulers under ``SVI``: ``run`` advances them, ``step`` leaves that to the user."""

import math

import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import ExponentialLR, ReduceLROnPlateau


def model():
    virgil.sample("z", dist.Normal(3.0, 1.0))


def guide():
    virgil.sample("z", dist.Delta(virgil.param("loc", torch.tensor(0.0))))


def rate(svi):
    return svi.optim.torch_optimizer.param_groups[0]["lr"]


def exponential():
    return ExponentialLR({"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.5}, "gamma": 0.9})


def test_a_run_advances_the_schedule_after_every_step():
    svi = SVI(model, guide, exponential(), Trace_ELBO())
    svi.run(5)
    assert math.isclose(rate(svi), 0.5 * 0.9**5)
    # gradient of the loss at loc is loc - 3, so each step multiplies the distance by 1 - rate
    distance = 3.0 * math.prod(1 - 0.5 * 0.9**step for step in range(5))
    assert math.isclose(virgil.param("loc").item(), 3.0 - distance, rel_tol=1e-5)


def test_single_steps_leave_the_schedule_to_the_user():
    scheduler = exponential()
    svi = SVI(model, guide, scheduler, Trace_ELBO())
    svi.step()
    svi.step()
    assert rate(svi) == 0.5
    scheduler.step()
    assert math.isclose(rate(svi), 0.45)


def test_a_schedule_that_watches_a_metric_gets_the_loss():
    options = {"optimizer": torch.optim.SGD, "optim_args": {"lr": 0.1}, "patience": 0, "factor": 0.5, "threshold": 1e9}
    svi = SVI(model, guide, ReduceLROnPlateau({**options, "threshold_mode": "abs"}), Trace_ELBO())
    svi.run(3)  # an improvement of 1e9 is not to be had: halved after every step but the first
    assert math.isclose(rate(svi), 0.1 * 0.25)


def test_a_fit_holds_the_parameters_that_its_run_read():
    virgil.param("of another program", torch.zeros(2))
    fit = SVI(model, guide, exponential(), Trace_ELBO()).run(1)
    assert set(fit.params) == {"loc"}

"""A batch dim right of the innermost plate, of no plate of its own, is summed as one of the event is.

Each program has a twin that declares the dim by ``to_event``; on the same noise both have the same loss and gradient.
"""

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import FitWarning
from virgil.infer import (
    SVI,
    Predictive,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceMeanField_ELBO,
    config_enumerate,
    infer_discrete,
)
from virgil.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal, AutoNormal

DATA = torch.arange(15.0).reshape(5, 3) / 10
KINDS = [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO]


def _rows(taken=None):
    return virgil.plate("rows", 5, subsample_size=taken, dim=-2)


def _as_event(fn, declared):
    """A distribution over the columns of each row. Shape: batch ``(rows, 1)``, event ``(columns,)`` if declared."""
    return fn.to_event(1) if declared else fn


def _of_columns(value, declared):
    return value.unsqueeze(-2) if declared else value


def observed(declared, taken=None):
    """A scalar for each row, and data that have columns."""

    def model():
        with _rows(taken) as rows:
            z = virgil.sample("z", dist.Normal(0.0, 1.0).expand([len(rows), 1]))
            data = DATA[rows]
            loc = (z.unsqueeze(-1) if declared else z) + torch.zeros(3)
            virgil.sample("x", _as_event(dist.Normal(loc, 1.0), declared), obs=_of_columns(data, declared))

    def guide():
        loc = virgil.param("loc", torch.linspace(-1.0, 1.0, 5).unsqueeze(-1))
        with _rows(taken) as rows:
            virgil.sample("z", dist.Normal(loc[rows], 0.5))

    return model, guide


def latent(declared, family=dist.Normal):
    """A latent variable that has columns itself."""

    def shaped(parameter):
        return parameter.unsqueeze(-2) if declared else parameter

    def of(parameter, fn):
        return _as_event(fn(shaped(parameter)), declared)

    def model():
        with _rows(2) as rows:
            prior = torch.zeros(len(rows), 3)
            if family is dist.Normal:
                z = virgil.sample("z", of(prior, lambda loc: dist.Normal(loc, 1.0)))
            else:
                z = virgil.sample("z", of(prior, lambda logits: dist.Bernoulli(logits=logits)))
            virgil.sample("x", of(DATA[rows] * 0, lambda zero: dist.Normal(z + zero, 1.0)), obs=shaped(DATA[rows]))

    def guide():
        free = virgil.param("free", DATA - 0.5)
        with _rows(2) as rows, poutine.scale(scale=1.0):
            if family is dist.Normal:
                virgil.sample("z", of(free[rows], lambda loc: dist.Normal(loc, 0.7)))
            else:
                virgil.sample("z", of(free[rows], lambda logits: dist.Bernoulli(logits=logits)))

    return model, guide


PROGRAMS = {
    "observed": observed,
    "observed, mini-batches": lambda declared: observed(declared, 2),
    "latent": latent,
    "latent, scored": lambda declared: latent(declared, dist.Bernoulli),
}


def _loss_and_slopes(pair, objective):
    virgil.set_rng_seed(1)
    loss = objective.differentiable_loss(*pair)
    leaves = [virgil.get_param_store()[name].unconstrained() for name in virgil.get_param_store()]
    return loss.detach(), *torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("particles", [1, 4])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_it_is_as_if_declared(kind, particles, program):
    options = {"num_particles": particles}
    if kind is TraceEnum_ELBO:
        options["strict_enumeration_warning"] = False
    found = _loss_and_slopes(program(False), kind(**options))
    expected = _loss_and_slopes(program(True), kind(**options))
    torch.testing.assert_close(found, expected)


def mixed(declared):
    """A row's kind is summed out; its drawn scale has columns, as the data have."""

    @config_enumerate
    def model():
        share = virgil.param("share", torch.tensor([0.3, 0.7]), constraint=constraints.simplex)
        with _rows(3) as rows:
            k = virgil.sample("k", dist.Categorical(share))
            z = virgil.sample("z", _as_event(dist.Normal(torch.zeros(3, *(1,) * declared, 3), 1.0), declared))
            loc = torch.tensor([-1.0, 1.0])[k]
            loc = loc.unsqueeze(-1) + z if declared else loc + z
            virgil.sample("x", _as_event(dist.Normal(loc, 1.0), declared), obs=_of_columns(DATA[rows], declared))

    def guide():
        loc = virgil.param("loc", DATA - 0.3)
        with _rows(3) as rows:
            virgil.sample("z", _as_event(dist.Normal(_of_columns(loc[rows], declared), 0.5), declared))

    return model, guide


def averaged(declared):
    """The guide enumerates a row's kind, and draws coins for each column without a pathwise derivative."""

    def model():
        with _rows(3) as rows:
            k = virgil.sample("k", dist.Bernoulli(0.4))
            coins = virgil.sample(
                "coins", _as_event(dist.Bernoulli(torch.full((3, *(1,) * declared, 3), 0.5)), declared)
            )
            loc = k.unsqueeze(-1) + coins if declared else k + coins
            virgil.sample("x", _as_event(dist.Normal(loc, 1.0), declared), obs=_of_columns(DATA[rows], declared))

    def guide():
        logit, free = virgil.param("logit", torch.tensor(0.2)), virgil.param("free", DATA - 0.3)
        with _rows(3) as rows, poutine.scale(scale=1.0):
            virgil.sample("k", dist.Bernoulli(logits=logit), infer={"enumerate": "parallel"})
            virgil.sample("coins", _as_event(dist.Bernoulli(logits=_of_columns(free[rows], declared)), declared))

    return model, guide


@pytest.mark.parametrize("particles", [1, 4])
@pytest.mark.parametrize("program", [mixed, averaged])
def test_beside_enumerated_variables_too(particles, program):
    objective = {declared: TraceEnum_ELBO(num_particles=particles) for declared in (False, True)}
    found, expected = (_loss_and_slopes(program(declared), objective[declared]) for declared in (False, True))
    torch.testing.assert_close(found, expected)


def test_the_evidence_of_a_mixture_of_rows():
    """Each row has one kind for its three columns: brute force over kinds."""

    @config_enumerate
    def model():
        with _rows():
            k = virgil.sample("k", dist.Categorical(torch.tensor([0.3, 0.7])))
            virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[k], 1.0).expand([*k.shape[:-1], 3]), obs=DATA)

    logs = dist.Normal(torch.tensor([-1.0, 1.0]), 1.0).log_prob(DATA.unsqueeze(-1)).sum(1)
    expected = (torch.tensor([0.3, 0.7]).log() + logs).logsumexp(-1)
    assert TraceEnum_ELBO().loss(model, lambda: None) == pytest.approx(-float(expected.sum()))
    marginal = TraceEnum_ELBO().compute_marginals(model, lambda: None)["k"]
    posterior = (torch.tensor([0.3, 0.7]).log() + logs).softmax(-1)
    torch.testing.assert_close(marginal.probs, posterior.unsqueeze(1))
    with poutine.trace() as traced:
        infer_discrete(model, temperature=0)()
    assert torch.equal(traced.trace.nodes["k"].value, posterior.argmax(-1, keepdim=True))


@pytest.mark.parametrize("family", [AutoNormal, AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal])
def test_automatic_guides_have_it(family):
    def model():
        with _rows():
            z = virgil.sample("z", dist.Normal(torch.zeros(5, 3), 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=DATA)

    guide = family(model)
    optim = virgil.optim.ClippedAdam({"lr": 0.1, "lrd": 0.97})
    SVI(model, guide, optim, Trace_ELBO(num_particles=20)).run(200, engine="eager")
    torch.testing.assert_close(guide.median()["z"], DATA / 2, atol=0.15, rtol=0)
    draws = Predictive(model, guide=guide, num_samples=7, parallel=True, return_sites=["z", "x"])()
    assert {name: tuple(value.shape) for name, value in draws.items()} == {"z": (7, 5, 3), "x": (7, 5, 3)}


@pytest.mark.long
def test_compiled_runs_have_it():
    losses = []
    for declared in (False, True):
        virgil.set_rng_seed(0)
        with virgil.ParamStore():
            svi = SVI(*observed(declared, 2), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
            losses.append(svi.run(20, engine="xla").losses)
    torch.testing.assert_close(*losses)


def test_a_report_notes_it():
    report = virgil.explain(*observed(False))
    (note,) = [each for each in report.problems if each.site == "x"]
    assert note.severity == "note"
    assert (
        "size 3 at batch dim -1, right of plate 'rows', and no plate is there: its entries are summed" in note.message
    )
    assert not virgil.explain(*observed(True)).problems


def test_a_column_of_data_that_counts_for_each_entry_is_warned_of():
    def model():
        with _rows():
            virgil.sample("x", dist.Normal(torch.zeros(5, 3), 1.0), obs=torch.zeros(5, 1))

    with pytest.warns(FitWarning, match=r"shape \(5, 1\).*size 3 at dim -1, where no plate is: each .* counts 3 times"):
        loss = Trace_ELBO().loss(model, lambda: None)
    assert loss == pytest.approx(15 * 0.5 * math.log(2 * math.pi))

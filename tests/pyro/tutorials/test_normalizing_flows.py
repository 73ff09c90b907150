"""Flows in the style of the tutorial on them: fitted by maximum likelihood, given a context, coupled, and as guides."""

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.nn import PyroModule

NUMBER = 256


def fitted(modules, log_likelihood, steps, rate, flow=None):
    """Maximise a mean log-likelihood as the tutorials do, by torch's optimiser, and return it."""
    optimizer = torch.optim.Adam([p for each in modules for p in each.parameters()], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -log_likelihood().mean()
        loss.backward()
        optimizer.step()
        if flow is not None:
            flow.clear_cache()
    with torch.no_grad():
        return log_likelihood().mean().item()


@pytest.mark.long
def test_a_spline_learns_two_peaks():
    pyro.set_rng_seed(0)
    peaks = dist.MixtureSameFamily(
        dist.Categorical(torch.tensor([0.4, 0.6])), dist.Normal(torch.tensor([-1.5, 1.0]), torch.tensor([0.4, 0.5]))
    )
    data = peaks.sample((NUMBER, 1))
    spline = T.Spline(1, count_bins=8, bound=4.0)
    flow = dist.TransformedDistribution(dist.Normal(torch.zeros(1), torch.ones(1)), [spline])
    found = fitted([spline], lambda: flow.log_prob(data), 120, 0.1, flow)
    normal = dist.Normal(data.mean(), data.std()).log_prob(data).mean().item()
    truth = peaks.log_prob(data).mean().item()
    # the best normal density is far behind; 23 parameters of a spline may fit chance by 23 / 2 / 256 and a little more
    assert normal < truth - 0.15
    assert truth - 0.05 < found < truth + 0.12
    draws = flow.sample((4000,))
    assert (draws > -0.2).float().mean().item() == pytest.approx(0.6, abs=0.12)


def test_a_flow_given_a_context():
    """One factor of the joint density is a spline, the other a spline whose parameters a network gives."""
    pyro.set_rng_seed(0)
    first = torch.randn(NUMBER, 1)
    second = 0.8 * first + 0.3 * torch.randn(NUMBER, 1)
    marginal, given = T.spline(1, bound=4.0), T.conditional_spline(1, context_dim=1, hidden_dims=[16], bound=4.0)
    base = dist.Normal(torch.zeros(1), torch.ones(1))
    of_first = dist.TransformedDistribution(base, [marginal])
    of_second = dist.ConditionalTransformedDistribution(base, [given])

    def log_likelihood():
        return of_first.log_prob(first) + of_second.condition(first).log_prob(second)

    found = fitted([marginal, given], log_likelihood, 100, 0.03, of_second)
    truth = dist.Normal(0.0, 1.0).log_prob(first) + dist.Normal(0.8 * first, 0.3).log_prob(second)
    assert found == pytest.approx(truth.mean().item(), abs=0.15)
    of_second.clear_cache()
    draws = of_second.condition(torch.tensor([-1.0])).sample((2000,))
    assert draws.mean().item() == pytest.approx(-0.8, abs=0.2)


def bent():
    """A curved density of two numbers."""
    first = pyro.sample("first", dist.Normal(0.0, 1.0))
    return pyro.sample("second", dist.Normal(0.7 * first**2, 0.5))


@pytest.mark.long
def test_coupled_layers_learn_a_curve():
    pyro.set_rng_seed(0)
    with pyro.plate("data", NUMBER):
        trace = pyro.poutine.trace(bent).get_trace()
    trace.compute_log_prob()
    data = torch.stack([trace.nodes["first"]["value"], trace.nodes["second"]["value"]], -1)
    coupling = T.spline_coupling(2, count_bins=8, hidden_dims=[32], bound=5.0)
    base = dist.Normal(torch.zeros(2), torch.ones(2))
    flow = dist.TransformedDistribution(base, [coupling])
    found = fitted([coupling], lambda: flow.log_prob(data), 250, 0.05, flow)
    truth = trace.log_prob_sum().item() / NUMBER
    normal = dist.MultivariateNormal(data.mean(0), data.T.cov()).log_prob(data).mean().item()
    assert normal < truth - 0.3
    assert found == pytest.approx(truth, abs=0.15)


class Guide(PyroModule):
    """Draws both numbers from a flow."""

    def __init__(self):
        super().__init__()
        self.map = T.spline_autoregressive(2, hidden_dims=[8], bound=5.0)
        self.base = dist.Normal(torch.zeros(2), torch.ones(2)).to_event(1)

    def forward(self):
        both = pyro.sample("both", dist.TransformedDistribution(self.base, [self.map]), infer={"is_auxiliary": True})
        pyro.sample("first", dist.Delta(both[..., 0]))
        pyro.sample("second", dist.Delta(both[..., 1]))


@pytest.mark.long
def test_a_flow_is_a_guide():
    """Without data the loss is the divergence from the prior: zero at best, 0.4 or more for one normal density."""
    pyro.set_rng_seed(0)
    guide = Guide()
    loss = Trace_ELBO(num_particles=64, vectorize_particles=True)
    svi = SVI(bent, guide, pyro.optim.ClippedAdam({"lr": 0.02, "lrd": 0.99}), loss)
    losses = [svi.step() for _ in range(300)]
    assert losses[0] > 0.3
    assert sum(losses[-50:]) / 50 == pytest.approx(0.0, abs=0.1)

"""ChiRho: a question about what would have been, asked of a model that was fitted to what was."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from chirho.counterfactual.handlers import MultiWorldCounterfactual
from chirho.indexed.ops import IndexSet, gather
from chirho.interventional.handlers import do
from chirho.observational.handlers import condition
from pyro.infer import SVI, Trace_ELBO
from pyro.infer.autoguide import AutoMultivariateNormal

SEEN, DRAWS = torch.tensor(1.5), 10_000


def model():
    """A cause that two others share: ``y = 2 u + n + e`` has the variance 6, and 2 as its covariance with ``u``."""
    u = pyro.sample("u", dist.Normal(0.0, 1.0))
    x = pyro.sample("x", dist.Normal(u, 1.0))
    return pyro.sample("y", dist.Normal(x + u, 1.0))


def worlds():
    """The model in the world that was seen, and in one where ``x`` is zero."""
    return MultiWorldCounterfactual(), do(actions={"x": torch.tensor(0.0)}), condition(data={"y": SEEN})


def test_worlds_are_a_plate():
    split, intervened, seen = worlds()
    with pyro.poutine.trace() as recorded, split, intervened, seen:
        y = model()
        assert gather(y, IndexSet(x={0})).item() == SEEN
    sites = recorded.trace.nodes
    assert [(frame.dim, frame.size) for frame in sites["y_counterfactual"]["cond_indep_stack"]] == [(-5, 2)]
    recorded.trace.compute_log_prob()
    x, u = sites["x"]["value"], sites["u"]["value"]
    expected = dist.Normal(x + u, 1.0).log_prob(SEEN)
    assert sites["y_factual"]["log_prob_sum"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_mean_of_a_counterfactual():
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    given = condition(model, data={"y": SEEN})
    guide = AutoMultivariateNormal(given)
    svi = SVI(given, guide, pyro.optim.Adam({"lr": 0.03}), Trace_ELBO(num_particles=4, vectorize_particles=True))
    for _ in range(800):
        svi.step()
    with torch.no_grad():
        values = dict(zip(("u", "x"), guide.get_posterior().sample((DRAWS,)).unbind(-1), strict=True))
    assert values["u"].mean().item() == pytest.approx(2 / 6 * 1.5, abs=0.1)
    split, intervened, seen = worlds()
    with pyro.plate("draws", DRAWS), split, intervened, seen, pyro.poutine.condition(data=values):
        y = model()
        would_have_been = gather(y, IndexSet(x={1})).flatten()
    # u given y has the variance 1 - 4 / 6, and e is drawn anew: ten thousand draws, ten standard errors and the fit's
    assert would_have_been.shape == (DRAWS,)
    assert would_have_been.mean().item() == pytest.approx(0.5, abs=0.2)
    assert would_have_been.var().item() == pytest.approx(4 / 3, rel=0.15)

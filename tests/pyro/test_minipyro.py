"""Programs that import `pyro.contrib.minipyro` run on the language itself."""

import torch


def test_a_fit_by_its_names_reaches_the_posterior() -> None:
    import pyro.contrib.minipyro as mini
    import pyro.distributions as dist

    data = torch.tensor([1.0, 2.0, 4.5])

    def model(data):
        loc = mini.sample("loc", dist.Normal(0.0, 1.0))
        with mini.plate("data", len(data)):
            mini.sample("obs", dist.Normal(loc, 1.0), obs=data)

    def guide(data):
        mean = mini.param("mean", torch.tensor(0.0))
        scale = mini.param("scale", torch.tensor(1.0), constraint=dist.constraints.positive)
        mini.sample("loc", dist.Normal(mean, scale))

    with mini.seed(rng_seed=0):
        svi = mini.SVI(model, guide, mini.Adam({"lr": 0.02}), mini.Trace_ELBO(num_particles=20))
        for _ in range(600):
            svi.step(data)
    store = mini.get_param_store()
    # precision 4, mean 7.5 / 4; twenty draws a step at Adam's last rate leave a few hundredths
    torch.testing.assert_close(store["mean"].detach(), torch.tensor(7.5 / 4), atol=0.1, rtol=0)
    torch.testing.assert_close(store["scale"].detach(), torch.tensor(0.5), atol=0.1, rtol=0)


def test_its_handlers_nest() -> None:
    import pyro.contrib.minipyro as mini
    import pyro.distributions as dist

    def model():
        return mini.sample("a", dist.Normal(0.0, 1.0)) + mini.sample("b", dist.Normal(0.0, 1.0))

    first = mini.trace(mini.seed(model, rng_seed=1)).get_trace()
    second = mini.trace(mini.block(mini.replay(model, first), hide_fn=lambda site: site["name"] == "b")).get_trace()
    assert "b" not in second.nodes
    assert second.nodes["a"]["value"] == first.nodes["a"]["value"]

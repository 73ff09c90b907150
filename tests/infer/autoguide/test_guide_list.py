"""Guides of several parts, and guides as attributes of others."""

import pickle

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, DuplicateSiteError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import (
    AutoCallable,
    AutoDelta,
    AutoDiagonalNormal,
    AutoGuideList,
    AutoMultivariateNormal,
    AutoNormal,
    init_to_feasible,
)
from virgil.nn import PyroModule
from virgil.poutine import block, trace

Y = torch.tensor([1.0, -0.5, 2.0, 0.3])


def model(y):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.LogNormal(a, 1.0))
    with virgil.plate("data", 4, subsample_size=2) as index:
        z = virgil.sample("z", dist.Normal(a, b))
        w = virgil.sample("w", dist.Normal(0.0, 1.0))
        virgil.sample("y", dist.Normal(z + w, 1.0), obs=y[index])


def parts():
    guide = AutoGuideList(model)
    guide.append(AutoDelta(block(model, expose=["a", "b"]), init_loc_fn=init_to_feasible))
    guide.append(AutoNormal(block(model, expose=["z", "data"])))
    guide.append(AutoNormal(block(model, expose=["w", "data"])))
    return guide


class Attributes(PyroModule):
    """The same parts as attributes."""

    def __init__(self):
        super().__init__()
        self.scalars, self.z, self.w = parts()

    def forward(self, y):
        return {**self.scalars(y), **self.z(y), **self.w(y)}


@pytest.mark.parametrize("make", [parts, Attributes])
def test_parts_share_the_mini_batch_of_a_plate(make):
    guide = make()
    for seed in range(5):
        virgil.set_rng_seed(seed)
        nodes = trace(guide).get_trace(Y).nodes
        assert [name for name, site in nodes.items() if site.is_latent] == ["a", "b", "z", "w"]
        assert [name for name, site in nodes.items() if site.kind == "plate"] == ["data"]
        index = nodes["data"].value
        locs = [each for name, each in guide.named_parameters() if "locs" in name]
        assert {tuple(each.shape) for each in locs} == {(4,)}
        assert nodes["z"].value.shape == index.shape == (2,)
        assert nodes["z"].frames == nodes["w"].frames


@pytest.mark.parametrize("engine", ["eager", "xla"])
@pytest.mark.parametrize("make", [parts, Attributes])
def test_parts_are_fitted(make, engine):
    svi = SVI(model, make(), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    fit = svi.run(200, Y, engine=engine, progress=False)
    assert fit.losses[-50:].mean() < fit.losses[:50].mean()


def test_names_follow_the_place_of_a_part():
    def names(guide):
        return set(trace(guide).get_trace(Y).param_nodes)

    assert names(AutoDelta(block(model, expose=["a"]))) == {"AutoDelta.a"}
    assert names(parts()) == {
        *("AutoGuideList.0.a", "AutoGuideList.0.b"),
        *("AutoGuideList.1.locs.z", "AutoGuideList.1.scales.z", "AutoGuideList.2.locs.w", "AutoGuideList.2.scales.w"),
    }
    assert names(Attributes()) == {"scalars.a", "scalars.b", "z.locs.z", "z.scales.z", "w.locs.w", "w.scales.w"}


def test_the_joint_density_of_parts_is_the_sum_of_theirs():
    """Two vectors, of which each is a part: log q is that of both guides alone, at the same draws."""
    shown = [["a", "b"], ["z", "w"]]

    guide = AutoGuideList(whole_plate, create_plates=lambda y: virgil.plate("data", 4))
    for kind, names in zip((AutoDiagonalNormal, AutoMultivariateNormal), shown, strict=True):
        guide.append(kind(block(whole_plate, expose=[*names, "data"]), init_to_feasible))
    together = trace(guide).get_trace(Y)
    for position, names in enumerate(shown):
        vector = together.nodes[f"_AutoGuideList.{position}_latent"]
        expected = guide[position].get_posterior().log_prob(vector.value)
        for name in names:
            if name == "b":
                expected = expected - together.nodes["b"].value.log()
        got = sum(together.nodes[name].log_prob_sum for name in names) + vector.log_prob_sum
        torch.testing.assert_close(got, expected)


def whole_plate(y):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    b = virgil.sample("b", dist.LogNormal(a, 1.0))
    with virgil.plate("data", 4):
        virgil.sample("z", dist.Normal(a, b))
        virgil.sample("w", dist.Normal(0.0, 1.0))


def test_a_list_is_one():
    guide = parts()
    assert len(guide) == 3
    assert isinstance(guide[0], AutoDelta)
    assert [type(each) for each in guide[1:]] == [AutoNormal, AutoNormal]
    assert list(guide(Y)) == ["a", "b", "z", "w"]
    assert guide[1].__dict__["_pyro_name"] == "AutoGuideList.1"  # a slice moves nothing


def test_medians_and_quantiles_are_those_of_the_parts():
    guide = AutoGuideList(model)
    guide.add(AutoNormal(block(model, expose=["a", "b"])))
    guide.append(AutoNormal(block(model, expose=["z", "data"])))
    guide.append(AutoCallable(model, lambda y: None, median=lambda *args: {"w": torch.zeros(4)}))
    medians = guide.median(Y)
    assert list(medians) == ["a", "b", "z", "w"]
    torch.testing.assert_close(medians["b"], guide[0].median(Y)["b"])
    with pytest.raises(NotImplementedError, match="Part 2 of the AutoGuideList, AutoCallable, has no quantiles"):
        guide.quantiles([0.5], Y)
    del guide[2]
    quantiles = guide.quantiles([0.1, 0.5], Y)
    torch.testing.assert_close(quantiles["b"][1], medians["b"])


def test_a_function_that_returns_its_values_is_a_part():
    guide = AutoGuideList(model).append(lambda y: {"a": virgil.sample("a", dist.Normal(0.0, 1.0))})
    assert list(guide(Y)) == ["a"]


def test_restarts_begin_with_other_values_in_every_part():
    guide = AutoGuideList(model)
    guide.append(AutoDelta(block(model, expose=["a"]), init_loc_fn=virgil.infer.autoguide.init_to_sample))
    before = guide(Y)["a"].item()
    guide.reset_parameters()
    assert guide(Y)["a"].item() != before


def test_a_live_guide_is_unharmed_by_being_pickled():
    guide = parts()
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    svi.step(Y)
    leaves = {id(each) for each in guide.parameters()}
    again = pickle.loads(pickle.dumps(guide))
    for own, other in zip(guide.parameters(), again.parameters(), strict=True):
        assert torch.equal(own, other)
        assert own is not other
    svi.step(Y)
    assert {id(each) for each in guide.parameters()} == leaves
    assert not all(map(torch.equal, guide.parameters(), again.parameters()))


REFUSED = {
    "no parts": (lambda: AutoGuideList(model)(Y), ArgumentError, "has no parts"),
    "one site in two parts": (
        lambda: AutoGuideList(model).append(AutoDelta(ONLY_A)).append(AutoDelta(ONLY_A))(Y),
        DuplicateSiteError,
        "'a' is stated by part 1",
    ),
    "a part that cannot be called": (lambda: AutoGuideList(model).append(3), ArgumentError, "guide=3"),
}
ONLY_A = block(model, expose=["a"])


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_is_refused(mistake):
    make, kind, says = REFUSED[mistake]
    with pytest.raises(kind, match=says):
        make()

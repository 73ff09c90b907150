"""Enumeration of sites: which dims they get, when a dim is used again, and what marks a site."""

import itertools

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import TraceEnum_ELBO, config_enumerate
from virgil.poutine.enumeration import Enumerate, enumerated_dim

MOVES = torch.tensor([[0.3, -0.8, 0.1], [-0.2, 0.9, 0.5], [0.0, -0.6, 1.1]], dtype=torch.float64)
LOCS = torch.tensor([-1.0, 0.4, 2.0], dtype=torch.float64)


def pick(name, parent=None, **options):
    return virgil.sample(name, dist.Categorical(logits=MOVES[0 if parent is None else parent]), **options)


def enumerate_from(first, program):
    return poutine.trace(poutine.enum(config_enumerate(program), first_available_dim=first)).get_trace()


def dims_of(first, program):
    nodes = enumerate_from(first, program).nodes
    return {name: enumerated_dim(site) for name, site in nodes.items() if enumerated_dim(site) is not None}


def loop(length, history=1):
    def program():
        past = [None] * max(history, 1)
        for t in virgil.markov(range(length), history=history):
            past.append(pick(f"z{t}", past[-history] if history else None))

    return program


def test_values_lie_along_a_dim_of_their_own():
    def program():
        with virgil.plate("data", 4):
            pick("z")
        virgil.sample("on", dist.Bernoulli(0.5))
        virgil.sample("which", dist.OneHotCategorical(torch.ones(2)))

    nodes = enumerate_from(-2, program).nodes
    assert nodes["z"].value.shape == (3, 1)
    assert nodes["on"].value.shape == (2, 1, 1)
    assert nodes["which"].value.shape == (2, 1, 1, 1, 2)
    assert nodes["z"].value.flatten().tolist() == [0, 1, 2]
    assert nodes["z"].log_prob.shape == (3, 4)


def test_observed_and_given_values_are_left_alone():
    def program():
        pick("seen", obs=torch.tensor(1))
        pick("given")

    given = poutine.condition(program, data={"given": torch.tensor(2)})
    replayed = poutine.replay(program, trace=poutine.trace(program).get_trace())
    assert dims_of(-1, given) == {}
    assert dims_of(-1, replayed) == {}


@pytest.mark.parametrize("history", [0, 1, 2, 3])
def test_a_chain_takes_as_many_dims_as_its_history_and_one(history):
    assert set(dims_of(-2, loop(20, history)).values()) == set(range(-2, -3 - history, -1))


def test_a_long_chain_takes_two_dims_and_gives_the_value_of_the_forward_algorithm():
    data = torch.linspace(-2.0, 3.0, 1_000, dtype=torch.float64)

    @config_enumerate
    def model():
        state = None
        for t in virgil.markov(range(1_000)):
            state = pick(f"z{t}", state)
            virgil.sample(f"x{t}", dist.Normal(LOCS[state], 1.0), obs=data[t])

    assert len(set(dims_of(-1, model).values())) == 2
    shapes = {site.log_prob.dim() for site in enumerate_from(-1, model).nodes.values() if site.kind == "sample"}
    assert max(shapes) <= 2
    alpha = MOVES[0].log_softmax(-1)
    for t in range(1_000):
        if t:
            alpha = (alpha.unsqueeze(-1) + MOVES.log_softmax(-1)).logsumexp(0)
        alpha = alpha + torch.distributions.Normal(LOCS, 1.0).log_prob(data[t])
    assert TraceEnum_ELBO().loss(model, lambda: None) == pytest.approx(-alpha.logsumexp(0).item(), rel=1e-9)


def test_loops_in_loops_use_dims_again():
    def program():
        outer = None
        for t in virgil.markov(range(6)):
            outer = pick(f"z{t}", outer)
            inner = outer
            for u in virgil.markov(range(6)):
                inner = pick(f"y{t}_{u}", inner)

    assert len(set(dims_of(-1, program).values())) <= 6


def test_loops_after_loops_use_dims_again():
    def program():
        for k in range(10):
            state = None
            for t in virgil.markov(range(4)):
                state = pick(f"z{k}_{t}", state)

    assert len(set(dims_of(-1, program).values())) == 2


def test_rounds_of_a_plate_use_dims_again():
    def program():
        top = pick("top")
        for i in virgil.plate("rows", 5):
            row = pick(f"row{i}", top)
            for j in virgil.plate(f"columns{i}", 4):
                pick(f"cell{i}_{j}", row)

    dims = dims_of(-1, program)
    assert dims["top"] == -1
    assert {dims[f"row{i}"] for i in range(5)} == {-2}
    assert {dims[f"cell{i}_{j}"] for i in range(5) for j in range(4)} == {-3}


def branching(keep):
    def program():
        @virgil.markov(keep=keep)
        def node(name, parent, depth):
            state = pick(name, parent)
            for side in "lr" if depth else "":
                node(name + side, state, depth - 1)

        node("t", None, 3)

    return program


def test_branches_of_a_tree_use_dims_again_and_an_open_node_keeps_its_own():
    dims = dims_of(-1, branching(keep=False))
    assert len(dims) == 15
    assert all(dims[name] == -len(name) for name in dims)


def test_branches_that_are_kept_have_dims_of_their_own():
    dims = dims_of(-1, branching(keep=True))
    assert dims["tl"] != dims["tr"]
    assert dims["tll"] != dims["tlr"]


def test_the_three_forms_of_markov_are_the_same():
    chain = virgil.markov()

    def context():
        state = None
        for t in range(6):
            with chain:
                state = pick(f"z{t}", state)

    @virgil.markov
    def step(t, state):
        return pick(f"z{t}", state)

    def decorated():
        state = None
        for t in range(6):
            state = step(t, state)

    expected = dims_of(-1, loop(6))
    assert dims_of(-1, context) == expected
    assert dims_of(-1, decorated) == expected
    assert dims_of(-1, decorated) == expected  # steps are counted on, and only their differences matter


def test_without_handlers_a_loop_is_a_loop():
    assert list(virgil.markov(range(3))) == [0, 1, 2]
    loop(4)()


def test_a_loop_left_early_leaves_nothing_behind():
    def program():
        for t in virgil.markov(range(5)):
            pick(f"z{t}")
            if t == 1:
                break
        return pick("last")

    nodes = poutine.trace(program).get_trace().nodes
    assert len(nodes["z1"].steps) == 1
    with poutine.trace():
        assert poutine.trace(lambda: pick("alone")).get_trace().nodes["alone"].steps == ()


@pytest.mark.parametrize("history", [-1, 1.5, True, "1"])
def test_history_is_a_whole_number(history):
    with pytest.raises(ArgumentError, match=f"history={history!r}; it takes a whole number"):
        virgil.markov(range(3), history=history)


def test_a_test_run_keeps_variables_apart():
    program = Enumerate(-1, apart=True)(config_enumerate(loop(40)))
    nodes = poutine.trace(program).get_trace().nodes
    dims = [enumerated_dim(site) for name, site in nodes.items() if site.kind == "sample"]
    assert len(set(dims)) > 20
    assert min(dims) >= -60
    for earlier, later in itertools.pairwise(dims):
        assert earlier != later


# marks


def marks(program):
    return {
        name: site.infer.get("enumerate")
        for name, site in poutine.trace(program).get_trace().nodes.items()
        if site.kind == "sample"
    }


def sites():
    pick("plain")
    pick("turn", infer={"enumerate": "sequential"})
    pick("never", infer={"enumerate": None})
    pick("seen", obs=torch.tensor(0))
    virgil.sample("normal", dist.Normal(0.0, 1.0))
    virgil.sample("count", dist.Poisson(1.0))


def test_config_enumerate_marks_discrete_latent_sites_that_have_no_mark():
    own = {"turn": "sequential", "never": None, "seen": None, "normal": None, "count": None}
    for default in ("parallel", "sequential", None):
        expected = {"plain": default, **own}
        assert marks(config_enumerate(sites, default=default)) == expected
        assert marks(config_enumerate(default=default)(sites)) == expected
        assert marks(config_enumerate(sites, default)) == expected
    assert marks(config_enumerate(sites)) == {"plain": "parallel", **own}
    assert marks(config_enumerate()(sites)) == {"plain": "parallel", **own}


def test_config_enumerate_with_draws_marks_every_latent_site():
    expected = {"plain": "parallel", "turn": "sequential", "never": None, "seen": None}
    assert marks(config_enumerate(sites, num_samples=5)) == {**expected, "normal": "parallel", "count": "parallel"}


def test_config_enumerate_decorates_with_and_without_arguments():
    @config_enumerate
    def bare():
        return pick("z")

    @config_enumerate(default="parallel", expand=True)
    def called():
        return pick("z")

    assert marks(bare) == marks(called) == {"z": "parallel"}
    assert dims_of(-1, bare) == dims_of(-1, called) == {"z": -1}


def test_the_outer_of_two_configurations_adds_nothing():
    assert marks(config_enumerate(config_enumerate(sites, "sequential"), "parallel"))["plain"] == "sequential"


def test_config_enumerate_and_enum_refuse_what_makes_no_sense():
    with pytest.raises(ArgumentError, match="default='serial'; it takes 'parallel', 'sequential' or None"):
        config_enumerate(sites, default="serial")
    for number in (0, -1, 2.5, True):
        with pytest.raises(ArgumentError, match=f"num_samples={number!r}; it takes a whole number, 1 or more, or None"):
            config_enumerate(sites, num_samples=number)
    with pytest.raises(ArgumentError, match="num_samples=5 for sequential enumeration.*num_particles="):
        config_enumerate(sites, default="sequential", num_samples=5)
    with pytest.raises(ArgumentError, match="tmc='both'; it takes 'diagonal' or 'mixture'"):
        config_enumerate(sites, tmc="both")
    with pytest.raises(ArgumentError, match="needs first_available_dim="):
        poutine.enum(sites)
    with pytest.raises(ArgumentError, match="first_available_dim=0; it takes a negative dim"):
        poutine.enum(sites, first_available_dim=0)

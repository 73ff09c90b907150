"""Pairs of model and guide with enumerated variables: mistakes with their errors, and pairs that fit."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import raised
from virgil import poutine
from virgil.errors import ArgumentError, MismatchError, NonFiniteError, PlateError, ShapeError, SupportError
from virgil.infer import config_enumerate

MOVES = torch.tensor([[0.3, -0.8], [-0.2, 0.9]])
ONE = torch.tensor(1.0)
EACH = {"infer": {"enumerate": "parallel"}}
SEVERAL = {"infer": {"enumerate": "parallel", "num_samples": 3}}
IN_TURN = {"infer": {"enumerate": "sequential"}}


def pick(name, parent=0, **options):
    return virgil.sample(name, dist.Categorical(logits=MOVES[parent]), **options)


def flip(name, logit=0.0, **options):
    return virgil.sample(name, dist.Bernoulli(logits=torch.as_tensor(logit)), **options)


def see(name, loc):
    virgil.sample(name, dist.Normal(loc, 1.0), obs=ONE)


def nothing(*args):
    pass


def all_sites(program):
    return config_enumerate(program)


def plated(inside, size=3):
    def program():
        with virgil.plate("data", size):
            inside()

    return program


# mistakes


def two_back(length, history):
    past = [torch.tensor(0)] * 2
    for t in virgil.markov(range(length), history=history):
        past.append(pick(f"z{t}", past[-1]))
        see(f"x{t}", past[-1] + 0.5 * past[-3])


@all_sites
def first_step_after_the_loop():
    past = [torch.tensor(0)]
    for t in virgil.markov(range(5)):
        past.append(pick(f"z{t}", past[-1]))
    see("x", past[1].float())


@all_sites
def from_loop_to_loop():
    state = torch.tensor(0)
    for name in "ab":
        for t in virgil.markov(range(4)):
            state = pick(f"{name}{t}", state)


@all_sites
def sum_over_rounds():
    see("x", sum(pick(f"z{i}") for i in virgil.plate("data", 3)).float())


@all_sites
def rounds_entered_twice():
    plate = virgil.plate("data", 3)
    z = [pick(f"z{i}") for i in plate]
    for i in plate:
        see(f"x{i}", z[i] + pick(f"y{i}"))


@all_sites
def another_round():
    plate = virgil.plate("data", 3)
    z = [pick(f"z{i}") for i in plate]
    for i in plate:
        see(f"x{i}", z[(i + 1) % 3] + pick(f"y{i}"))


@all_sites
def branches_that_meet():
    @virgil.markov
    def node(name, parent, depth):
        state = pick(name, parent)
        if depth:
            left, right = (node(name + side, state, depth - 1) for side in "lr")
            see(f"x{name}", (left * right).float())
        return state

    node("t", torch.tensor(0), 2)


@all_sites
def grandparent():
    @virgil.markov
    def node(name, parent, before, depth):
        state = pick(name, parent)
        see(f"x{name}", state + 0.5 * before)
        if depth:
            node(name + "l", state, parent, depth - 1)

    node("t", torch.tensor(0), torch.tensor(0), 3)


@all_sites
def long_without_markov():
    state = torch.tensor(0)
    for t in range(70):
        state = pick(f"z{t}", state)


@all_sites
def outside_its_plate():
    with virgil.plate("data", 3):
        z = pick("z")
    see("x", z.float().sum(-1, keepdim=True))


@all_sites
def mean_over_values():
    with virgil.plate("data", 3):
        z = flip("z", 0.7)
    see("x", z.mean())


@all_sites
def table_beside_its_plate():
    """The table's dim of plates is taken for one that goes with the values."""
    z = pick("z")
    with virgil.plate("data", 2):
        see("x", MOVES[:, z].reshape(-1)[:2])


@all_sites
def crossing():
    rows, columns = virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 2, dim=-1)
    with rows:
        r = flip("r")
    with columns:
        c = flip("c")
    with rows, columns:
        see("x", r + c)


@all_sites
def scales_that_differ():
    with poutine.scale(scale=2.0):
        a = flip("a")
    see("x", a + flip("b"))


def below_scaled_slots(top):
    with virgil.plate("data", 3), poutine.scale(scale=torch.tensor([0.5, 1.0, 2.0])):
        see("x", flip("z", top))


@all_sites
def batch_of_rounds_below():
    top = flip("top")
    for i in virgil.plate("data", 4, subsample_size=2):
        see(f"x{i}", flip(f"z{i}", top))


@all_sites
def model_above_guide():
    top = flip("top")
    with virgil.plate("data", 3):
        see("x", top + flip("z", top - 0.5))


def _sum_of_slots():
    with virgil.plate("data", 3):
        z = flip("z")
    see("x", z.sum())


def _difference_of_slots():
    with virgil.plate("data", 3):
        z = flip("z")
    see("x", z[..., 0] - z[..., 1])


def _drawn_below(options):
    """``v`` reads what is drawn in the slots, and not their enumerated variable."""
    with virgil.plate("data", 3):
        z = flip("z", **options)
        u = virgil.sample("u", dist.Normal(3.0 * z, 0.1))
    virgil.sample("v", dist.Normal(u.sum(), 0.1))


@all_sites
def _below_one_of_the_model():
    top = flip("top")
    with virgil.plate("data", 3):
        see("x", 2 * top + flip("z", top - 0.4))


def _decides():
    with virgil.plate("data", 3):
        z = flip("z", **IN_TURN)
    if bool(z.sum() > 2):
        flip("more", infer={"is_auxiliary": True})


def chain(t, loop, options=EACH):
    state = torch.tensor(0)
    for i in loop(t):
        state = pick(f"z{i}", state, **options)
    return state


def _chain_in_guide():
    chain(4, lambda t: virgil.markov(range(t)))


def _chain_without_markov():
    chain(4, range)


def _marked(fn, way="parallel"):
    return lambda: virgil.sample("z", fn, infer={"enumerate": way})


def uniforms(*observed):
    """Two unit intervals beside each other, one of which all data come from."""

    @all_sites
    def model():
        z = flip("z")
        with virgil.plate("data", len(observed)):
            virgil.sample("x", dist.Uniform(z, z + 1.0), obs=torch.tensor(observed))

    return model


_MISTAKES = {
    "impossible under every value": (
        uniforms(0.5, 2.5, 1.5),
        nothing,
        SupportError,
        [
            "At site 'x' of the model, the observed value lies outside the support of Uniform under every value",
            "1 of 3 do, such as 2.5 at index (1,)",
        ],
    ),
    "impossible together": (
        uniforms(0.5, 1.5),
        nothing,
        NonFiniteError,
        ["at site 'x' of the model, the value is impossible under some values of 'z'", "must allow all that depends"],
    ),
    "impossible under a value of the guide": (
        uniforms(0.5, 0.7),
        lambda: flip("z", 0.3, **EACH),
        NonFiniteError,
        ["at site 'x' of the model, the value is impossible under some values of 'z'", "every such value must"],
    ),
    "missing in the guide": (
        lambda: see("x", flip("z")),
        nothing,
        MismatchError,
        ["Site 'z' is latent", "TraceEnum_ELBO sums a discrete variable out", "config_enumerate"],
    ),
    "countless values": (
        lambda: see("x", _marked(dist.Poisson(ONE))()),
        nothing,
        ArgumentError,
        ["Site 'z' is marked to be enumerated, but Poisson has no finite support", "sample it in the guide"],
    ),
    "countless values, in the guide": (
        lambda: see("x", virgil.sample("z", dist.Normal(0.0, 1.0))),
        _marked(dist.Normal(0.0, 1.0)),
        ArgumentError,
        ["Site 'z' is marked to be enumerated, but Normal has no finite support"],
    ),
    "countless values, in turn": (
        lambda: see("x", virgil.sample("z", dist.Normal(0.0, 1.0))),
        _marked(dist.Normal(0.0, 1.0), "sequential"),
        ArgumentError,
        ["Site 'z' is marked to be enumerated, but Normal has no finite support"],
    ),
    "an event of several": (
        lambda: see("x", _marked(dist.Bernoulli(torch.full((3,), 0.5)).to_event(1))().sum(-1)),
        nothing,
        ArgumentError,
        ["Site 'z' is marked to be enumerated, but the values of", "Declare its dims by plates instead of .to_event()"],
    ),
    "two steps back": (
        all_sites(lambda: two_back(5, history=1)),
        nothing,
        ShapeError,
        ["At site 'x2'", "values of 'z0'", "declared not to depend on", "larger history="],
    ),
    "the first step, after the loop": (first_step_after_the_loop, nothing, ShapeError, ["At site 'x'", "of 'z0'"]),
    "from one loop to the next": (from_loop_to_loop, nothing, ShapeError, ["At site 'b0'", "of 'a3'"]),
    "several rounds": (sum_over_rounds, nothing, ShapeError, ["At site 'x'", "write range(n) in place of the plate"]),
    "another round of a second loop": (another_round, nothing, ShapeError, ["At site 'x0'", "of 'z1'"]),
    "branches that meet": (branches_that_meet, nothing, ShapeError, ["At site 'xtl'", "of 'tll'", "keep=True"]),
    "a parent's parent": (grandparent, nothing, ShapeError, ["At site 'xtll'", "of 't'", "larger history="]),
    "too many dims": (
        long_without_markov,
        nothing,
        ArgumentError,
        ["Site 'z60' would be enumerated along batch dim -61", "Use virgil.markov around steps"],
    ),
    "outside its plate": (
        outside_its_plate,
        nothing,
        PlateError,
        ["Site 'x' depends on 'z', which is enumerated in plate 'data', but is itself outside"],
    ),
    "a mean over values": (
        mean_over_values,
        nothing,
        ShapeError,
        ["At site 'x'", "with all values of 'z' at once is not that with one value at a time", "not z.sum() or z.mean"],
    ),
    "an index beside a plate": (table_beside_its_plate, nothing, ShapeError, ["At site 'x'", "one value at a time"]),
    "plates that cross": (
        crossing,
        nothing,
        PlateError,
        ["'c' (in plates ['columns']) and 'r' (in plates ['rows'])", "Make the plates a tree"],
    ),
    "scales that differ": (
        scales_that_differ,
        nothing,
        PlateError,
        ["'a', 'b' are summed together, but have different scales", "the same poutine.scale"],
    ),
    "slots of other scales below a variable": (
        all_sites(lambda: below_scaled_slots(flip("top"))),
        nothing,
        PlateError,
        ["'top', 'z' are summed together, but have different scales"],
    ),
    "rounds of a mini-batch below a variable": (
        batch_of_rounds_below,
        nothing,
        PlateError,
        ["have different scales", "iterate no subsampled plate below an enumerated variable"],
    ),
    "slots of the guide below one of the model": (
        model_above_guide,
        all_sites(plated(lambda: flip("z"))),
        PlateError,
        ["Variable 'z', which the guide enumerates in plate 'data', meets a variable outside this plate"],
    ),
    "in turn, read outside its plate": (
        _sum_of_slots,
        plated(lambda: flip("z", **IN_TURN)),
        PlateError,
        ["Site 'x' depends on 'z', which is enumerated one value after another in plate 'data'", "outside this plate"],
    ),
    "in turn, a difference of slots read outside": (
        _difference_of_slots,
        plated(lambda: flip("z", **IN_TURN)),
        PlateError,
        ["Site 'x' depends on 'z', which is enumerated one value after another in plate 'data'"],
    ),
    "in turn, read in another slot": (
        plated(lambda: see("x", flip("z").sum())),
        plated(lambda: flip("z", **IN_TURN)),
        PlateError,
        ["At site 'x', the log-probability in a slot depends on the values of 'z' in other slots"],
    ),
    "in turn, read through what is drawn": (
        lambda: _drawn_below({}),
        lambda: _drawn_below(IN_TURN),
        PlateError,
        ["Site 'v' depends on 'z', which is enumerated one value after another in plate 'data'"],
    ),
    "in turn, below one of the model": (
        _below_one_of_the_model,
        plated(lambda: flip("z", **IN_TURN)),
        PlateError,
        ["What the model sums out at 'top', 'x', 'z' depends on 'z'", "in plate 'data'"],
    ),
    "in turn, deciding what is stated": (
        plated(lambda: flip("z")),
        _decides,
        PlateError,
        ["What the programs state depends on 'z', which is enumerated one value after another in plate 'data'"],
    ),
    "in turn, in the model": (
        lambda: see("x", flip("z", **IN_TURN)),
        nothing,
        MismatchError,
        ["Site 'z' is marked to be enumerated sequentially in the model, but missing in the guide", "'parallel'"],
    ),
    "several draws in the model": (
        lambda: see("x", flip("z", **SEVERAL)),
        nothing,
        ArgumentError,
        ["Site 'z' is marked with num_samples=3", "logarithm of an average of draws is biased", "in the guide"],
    ),
    "several draws, in turn": (
        lambda: see("x", flip("z")),
        lambda: flip("z", infer={"enumerate": "sequential", "num_samples": 3}),
        ArgumentError,
        ["Site 'z' got num_samples=3 for sequential enumeration"],
    ),
    "no whole number of draws": (
        lambda: see("x", flip("z")),
        lambda: flip("z", infer={"enumerate": "parallel", "num_samples": 0}),
        ArgumentError,
        ["Site 'z' got num_samples=0; it takes a whole number"],
    ),
    "a mean over draws": (
        lambda: see("x", flip("z").mean()),
        lambda: flip("z", **SEVERAL),
        ShapeError,
        ["At site 'x'", "is not that with one value at a time", "not z.sum() or z.mean"],
    ),
    "draws of a chain beyond its history": (
        lambda: see("x", chain(4, lambda t: virgil.markov(range(t)), {}).float()),
        lambda: chain(4, lambda t: virgil.markov(range(t)), SEVERAL),
        ShapeError,
        ["At site 'z2'", "larger history="],
    ),
    "a chain in the guide alone": (
        lambda: see("x", chain(4, range, {}).float()),
        _chain_in_guide,
        MismatchError,
        ["Sites 'z0' and 'z2' are enumerated in the guide", "Use the same virgil.markov"],
    ),
}
MISTAKES = {name: raised(*row) for name, row in _MISTAKES.items()}


# pairs that fit


COUNTS = torch.tensor([2.0, 5.0, 0.0])


@all_sites
def some_counts_too_small():
    n = virgil.sample("n", dist.Categorical(logits=virgil.param("sizes", torch.zeros(8))))
    with virgil.plate("data", 3):
        virgil.sample("x", dist.Binomial(n, logits=virgil.param("rate", torch.tensor(0.3))), obs=COUNTS)


@all_sites
def some_bounds_too_low():
    """Which bounds there are depends on a drawn variable as well."""
    low = virgil.sample("low", dist.Uniform(-3.0, -1.0))
    with virgil.plate("data", 3):
        z = pick("z")
        virgil.sample("x", dist.Uniform(low, low + 2.0 + 8.0 * z), obs=COUNTS)


def some_bounds_guide():
    virgil.sample("low", dist.Uniform(-2.0 - virgil.param("width", torch.tensor(0.5)), -1.5))


def probability_zero_in_the_guide():
    """What the guide enumerates may forbid an observation where the guide says that it does not happen."""
    virgil.sample("n", dist.Categorical(logits=torch.tensor([-torch.inf] * 5 + [0.0, 1.0, 0.5])), **EACH)


@all_sites
def mixture():
    shares = virgil.param("shares", torch.tensor([0.2, 0.3]))
    with virgil.plate("data", 4):
        z = virgil.sample("z", dist.Categorical(logits=shares))
        see("x", torch.tensor([-1.0, 1.0])[z])


@all_sites
def mixture_of_drawn():
    with virgil.plate("components", 2):
        locs = virgil.sample("locs", dist.Normal(0.0, 2.0))
    with virgil.plate("data", 4, subsample_size=2):
        see("x", locs[..., pick("z")] if locs.dim() == 1 else _at(locs, pick("z")))


def _at(locs, z):
    return torch.where(z == 0, locs[..., :1], locs[..., 1:])


def mixture_of_drawn_guide():
    with virgil.plate("components", 2):
        virgil.sample("locs", dist.Normal(virgil.param("m", torch.tensor([-0.5, 0.5])), 1.0))


def mixture_guide():
    logits = virgil.param("q", torch.zeros(4, 2))
    with virgil.plate("data", 4):
        virgil.sample("z", dist.Categorical(logits=logits), **EACH)


@all_sites
def hidden_markov():
    state = torch.tensor(0)
    for t in virgil.markov(range(5)):
        state = pick(f"z{t}", state)
        see(f"x{t}", virgil.param("locs", torch.tensor([-1.0, 1.0]))[state])


def _two_of_model():
    see("x", flip("a") + flip("b"))


def _two(**options):
    a = flip("a", virgil.param("a_logit", torch.tensor(0.3)), **options)
    flip("b", virgil.param("b_logit", torch.tensor(0.1)) + a, **options)


def _with_noise_after():
    w = virgil.sample("w", dist.Normal(0.0, 1.0))
    with virgil.plate("data", 3):
        see("x", w + flip("z"))


PAIRS = {
    "some counts too small": (some_counts_too_small, nothing),
    "some bounds too low": (some_bounds_too_low, some_bounds_guide),
    "too small ones without probability": (some_counts_too_small, probability_zero_in_the_guide),
    "mixture": (mixture, nothing),
    "mixture, in the guide": (mixture, mixture_guide),
    "mixture of drawn components": (mixture_of_drawn, mixture_of_drawn_guide),
    "chain": (hidden_markov, nothing),
    "chain in both": (lambda: see("x", chain(4, lambda t: virgil.markov(range(t)), {}).float()), _chain_in_guide),
    "chain in neither": (lambda: see("x", chain(4, range, {}).float()), _chain_without_markov),
    "chain in the model": (
        lambda: see("x", chain(4, lambda t: virgil.markov(range(t)), {}).float()),
        _chain_without_markov,
    ),
    "rounds entered twice": (rounds_entered_twice, nothing),
    "in turn": (_two_of_model, lambda: _two(**IN_TURN)),
    "in turn, in a plate": (plated(_two_of_model), plated(lambda: _two(**IN_TURN))),
    "in turn, in a plate, beside one summed out": (
        all_sites(plated(lambda: see("x", flip("c", flip("z"))))),
        plated(lambda: flip("z", 0.4, **IN_TURN)),
    ),
    "in turn, in a plate that others draw after": (
        _with_noise_after,
        lambda: (plated(lambda: flip("z", 0.4, **IN_TURN))(), virgil.sample("w", dist.Normal(0.3, 1.0))),
    ),
    "at once": (_two_of_model, lambda: _two(**EACH)),
    "drawn": (all_sites(_two_of_model), _two),
    "several draws": (_two_of_model, lambda: _two(**SEVERAL)),
    "several draws of the components": (mixture_of_drawn, config_enumerate(mixture_of_drawn_guide, num_samples=3)),
    "two back": (all_sites(lambda: two_back(5, history=2)), nothing),
    "scaled by slot": (poutine.scale(mixture, scale=torch.tensor([0.5, 1.0, 2.0, 3.0])), nothing),
    "scaled by a tensor": (poutine.scale(mixture, scale=torch.tensor(0.5)), nothing),
    "scaled": (poutine.scale(mixture, scale=0.5), poutine.scale(nothing, scale=0.5)),
    "masked": (poutine.mask(mixture, mask=torch.tensor([True, False, True, True])), nothing),
}

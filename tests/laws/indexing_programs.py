"""Programs that index or reduce from the left, as users write them: by name, latent shapes and the mean of the data.

None of them works with a dim of draws on the left; all see one draw at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

import virgil
import virgil.distributions as dist
import virgil.infer

__all__ = ["MEANS", "OTHERS", "Y", "pair_of"]

Shapes = Mapping[str, tuple[int, ...]]

_generator = torch.Generator().manual_seed(0)
X = torch.randn(6, 3, generator=_generator)
SQUARE = torch.randn(3, 3, generator=_generator)
INDEX = torch.tensor([2, 0, 1, 1, 0, 2])
MASK = torch.tensor([True, False, True, False, True, False])
CHOSEN = torch.tensor([True, False, True])
EYE = torch.eye(3)
network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).requires_grad_(False)


def _filled(w: Tensor) -> Tensor:
    out = torch.zeros(6)
    for place in range(6):
        out[place] = w[place % 3] * place
    return out


def _imputed(w: Tensor) -> Tensor:
    whole = X[:, 0].clone()
    whole[MASK] = w
    return whole


def _unpacked(w: Tensor) -> Tensor:
    level, slope = w
    return level + slope * X[:, 0]


def _recursion(w: Tensor) -> Tensor:
    levels = [w[0]]
    for row in X[1:]:
        levels.append(0.5 * levels[-1] + row[0] * w[1])
    return torch.stack(levels)


def _kernel(log_scale: Tensor, f: Tensor) -> Tensor:
    distances = (X[:, None] - X[None]).square().sum(-1)
    covariance = (-0.5 * distances / log_scale[0].exp()).exp() + 0.1 * torch.eye(6)
    return torch.linalg.cholesky(covariance) @ f


def _layers(first: Tensor, second: Tensor) -> Tensor:
    return (torch.tanh(X @ first) @ second).squeeze()


MEANS: dict[str, tuple[Shapes, Callable[..., Tensor]]] = {
    "an entry": ({"w": (3,)}, lambda w: w[0] * X[:, 0]),
    "the last but one": ({"w": (3,)}, lambda w: w[1:].sum() + X[:, 0]),
    "an entry for each datum": ({"w": (3,)}, lambda w: w[INDEX]),
    "group and slope": ({"a": (3,), "b": (3,)}, lambda a, b: a[INDEX] + X @ b),
    "a matrix times a vector": ({"w": (3,)}, lambda w: X @ w),
    "a vector times a matrix": ({"w": (3,)}, lambda w: w @ X.T),
    "numbers stacked": ({"a": (), "b": (), "c": ()}, lambda a, b, c: X @ torch.stack([a, b, c])),
    "vectors joined": ({"a": (2,), "b": ()}, lambda a, b: X @ torch.cat([a, b.view(1)])),
    "a view": ({"w": (3,)}, lambda w: (X @ w.view(3, 1)).view(6)),
    "a sum": ({"w": (3,)}, lambda w: w.sum() * X[:, 1]),
    "a mean over rows": ({"w": (4, 6)}, lambda w: w.mean(0)),
    "a cumulative sum": ({"w": (6,)}, lambda w: w.cumsum(0)),
    "a mask": ({"w": (6,)}, lambda w: w[MASK].sum() + X[:, 0]),
    "columns by a mask": ({"w": (3,)}, lambda w: X[:, CHOSEN] @ w[CHOSEN]),
    "a loop over entries": ({"w": (3,)}, lambda w: sum(w[k] * X[:, k] for k in range(3))),
    "a loop over a vector": ({"w": (3,)}, lambda w: sum(each * X[:, k] for k, each in enumerate(w))),
    "a list that grows": ({"w": (2,)}, _recursion),
    "a tensor that is filled": ({"w": (3,)}, _filled),
    "missing values put in": ({"w": (3,)}, _imputed),
    "a network of a vector": ({"w": (3,)}, lambda w: network(w) * X[:, 0]),
    "weights of two layers": ({"first": (3, 2), "second": (2, 1)}, _layers),
    "a product of factors": ({"L": (3, 3)}, lambda L: X @ (L @ L.T)[0]),
    "a triangle": ({"L": (3, 3)}, lambda L: X @ torch.tril(L).t()[2]),
    "a system solved": ({"w": (3,)}, lambda w: X @ torch.linalg.solve(SQUARE + 3 * EYE, w)),
    "a system of the draw": ({"A": (3, 3)}, lambda A: X @ torch.linalg.solve(A @ A.T + EYE, SQUARE[0])),
    "einsum": ({"w": (3,), "v": (3,)}, lambda w, v: torch.einsum("ij,j,j->i", X, w, v)),
    "an outer product": ({"w": (3,)}, lambda w: torch.outer(w, w)[INDEX, 0]),
    "differences": ({"w": (3,)}, lambda w: (w[:, None] - w[None, :])[INDEX, 1]),
    "unpacking": ({"w": (2,)}, _unpacked),
    "rows added by index": ({"w": (6,)}, lambda w: torch.zeros(6).index_add(0, INDEX, w)),
    "sorted": ({"w": (6,)}, lambda w: w.sort().values),
    "a diagonal": ({"w": (3,)}, lambda w: X @ torch.diag(w)[0]),
    "flipped": ({"w": (6,)}, lambda w: w.flip(0) + w[0]),
    "a kernel": ({"log_scale": (1,), "f": (6,)}, _kernel),
}


def pair_of(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A model of this mean, and a guide of all its latent variables."""
    shapes, mean = MEANS[name]

    def model(y: Tensor) -> None:
        latent = {each: virgil.sample(each, _normal(0.0, shape)) for each, shape in shapes.items()}
        located = virgil.deterministic("mean", mean(**latent))
        with virgil.plate("data", 6):
            virgil.sample("y", dist.Normal(located, 0.5), obs=y)

    def guide(y: Tensor) -> None:
        for place, (each, shape) in enumerate(shapes.items()):
            loc = virgil.param(f"loc_{each}", torch.full(shape, 0.1 + 0.2 * place))
            virgil.sample(each, dist.Normal(loc, 0.3).to_event(len(shape)))

    return model, guide


def _normal(loc: float, shape: tuple[int, ...]) -> Any:
    return dist.Normal(torch.full(shape, loc), 1.0).to_event(len(shape))


Y = torch.linspace(-1.0, 1.0, 6)


# programs of other kinds: by name, model, guide and arguments


def scored_model(y: Tensor) -> None:
    """A discrete vector, whose entries the data read by index."""
    b = virgil.sample("b", dist.Bernoulli(torch.full((3,), 0.4)).to_event(1))
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(b[INDEX] + b[0], 0.5), obs=y)


def scored_guide(y: Tensor) -> None:
    logits = virgil.param("logits", torch.tensor([0.2, -0.1, 0.5]))
    virgil.sample("b", dist.Bernoulli(logits=logits).to_event(1))


def simplex_model(y: Tensor) -> None:
    """A simplex and a positive number, each read by index."""
    share = virgil.sample("share", dist.Dirichlet(torch.ones(3)))
    scale = virgil.sample("scale", dist.Gamma(torch.tensor([2.0]), 1.0).to_event(1))
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(share[INDEX], scale[0]), obs=y)


def simplex_guide(y: Tensor) -> None:
    ones = virgil.param("ones", torch.tensor([1.5, 2.0, 1.0]), constraint=dist.constraints.positive)
    virgil.sample("share", dist.Dirichlet(ones))
    virgil.sample("scale", dist.LogNormal(virgil.param("loc", torch.zeros(1)), 0.3).to_event(1))


def batched_model(y: Tensor) -> None:
    """A mini-batch, the same for all draws."""
    a = virgil.sample("a", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    with virgil.plate("data", 6, subsample_size=2) as rows:
        virgil.sample("y", dist.Normal(a[INDEX[rows]], 0.5), obs=y[rows])


def groups_model(y: Tensor) -> None:
    """A variable of each group in a plate, read by the index of each datum's group."""
    spread = virgil.sample("spread", dist.HalfNormal(1.0))
    with virgil.plate("groups", 3):
        a = virgil.sample("a", dist.Normal(0.0, spread))
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(a[INDEX], 0.5), obs=y)


def groups_guide(y: Tensor) -> None:
    spread = virgil.sample("spread", dist.LogNormal(virgil.param("log_spread", torch.tensor(-0.3)), 0.2))
    with virgil.plate("groups", 3):
        virgil.sample("a", dist.Normal(virgil.param("loc", torch.tensor([0.1, 0.3, -0.2])) * spread, 0.3))


def batched_guide(y: Tensor) -> None:
    virgil.sample("a", dist.Normal(virgil.param("loc", torch.zeros(3)), 0.3).to_event(1))


@virgil.infer.config_enumerate
def mixture_model(y: Tensor) -> None:
    """Labels that are summed out choose among the entries of a vector."""
    share = virgil.sample("share", dist.Dirichlet(torch.ones(2)))
    locs = virgil.sample("locs", dist.Normal(torch.tensor([-1.0, 1.0]), 1.0).to_event(1))
    with virgil.plate("data", 6):
        label = virgil.sample("label", dist.Categorical(share))
        virgil.sample("y", dist.Normal(locs[label], 0.5), obs=y)


def mixture_guide(y: Tensor) -> None:
    share = virgil.param("for_share", torch.tensor([1.5, 2.0]), constraint=dist.constraints.positive)
    virgil.sample("share", dist.Dirichlet(share))
    virgil.sample("locs", dist.Normal(virgil.param("for_locs", torch.tensor([-0.5, 0.7])), 0.3).to_event(1))


@virgil.infer.config_enumerate
def chain_model(y: Tensor) -> None:
    """States of a chain that are summed out choose rows of a matrix and entries of a vector."""
    rows = virgil.sample("rows", dist.Dirichlet(torch.ones(2, 2)).to_event(1))
    locs = virgil.sample("locs", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    state = torch.tensor(0)
    for t in virgil.markov(range(len(y))):
        state = virgil.sample(f"state_{t}", dist.Categorical(rows[state]))
        virgil.sample(f"y_{t}", dist.Normal(locs[state], 0.5), obs=y[t])


def chain_guide(y: Tensor) -> None:
    rows = virgil.param("for_rows", torch.ones(2, 2) + torch.eye(2), constraint=dist.constraints.positive)
    virgil.sample("rows", dist.Dirichlet(rows).to_event(1))
    virgil.sample("locs", dist.Normal(virgil.param("for_locs", torch.tensor([-0.5, 0.5])), 0.3).to_event(1))


@virgil.infer.config_enumerate
def both_guide(y: Tensor) -> None:
    """The guide enumerates the labels itself."""
    mixture_guide(y)
    probs = virgil.param("probs", torch.tensor([0.3, 0.7]), constraint=dist.constraints.simplex)
    with virgil.plate("data", 6):
        virgil.sample("label", dist.Categorical(probs))


def sequential_guide(y: Tensor) -> None:
    """The guide's discrete variable has one value an execution."""
    virgil.sample("w", dist.Normal(virgil.param("loc", torch.zeros(2)), 0.3).to_event(1))
    probs = virgil.param("probs", torch.tensor([0.4, 0.6]), constraint=dist.constraints.simplex)
    virgil.sample("k", dist.Categorical(probs), infer={"enumerate": "sequential"})


def sequential_model(y: Tensor) -> None:
    w = virgil.sample("w", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    k = virgil.sample("k", dist.Categorical(torch.ones(2)))
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(w[k], 0.5), obs=y)


OTHERS: dict[str, tuple[Any, Any, tuple[Tensor, ...]]] = {
    "scored": (scored_model, scored_guide, (Y,)),
    "a simplex": (simplex_model, simplex_guide, (Y,)),
    "a mini-batch": (batched_model, batched_guide, (Y,)),
    "groups in a plate": (groups_model, groups_guide, (Y,)),
    "enumerated mixture": (mixture_model, mixture_guide, (Y,)),
    "enumerated chain": (chain_model, chain_guide, (Y,)),
    "enumerated in the guide": (mixture_model, both_guide, (Y,)),
    "enumerated in sequence": (sequential_model, sequential_guide, (Y,)),
}

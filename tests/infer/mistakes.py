"""A table of mistakes: model, guide, the exception that names them, and what its message must say."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from virgil.errors import DuplicateSiteError, MismatchError, ShapeError, SupportError

ONE = torch.tensor(1.0)
NORMAL = dist.Normal(0.0, 1.0)


def program(*statements):
    """A program from (name, distribution, options) of its sample statements; a plate stands in the options."""

    def run():
        for name, fn, *options in statements:
            given = options[0] if options else {}
            plate = given.get("plate")
            rest = {key: value for key, value in given.items() if key != "plate"}
            if plate is None:
                virgil.sample(name, fn, **rest)
            else:
                with virgil.plate(*plate[:2], **(plate[2] if len(plate) > 2 else {})):
                    virgil.sample(name, fn, **rest)

    return run


def with_argument(data):
    virgil.sample("z", NORMAL)


def without_argument():
    virgil.sample("z", NORMAL)


P3 = {"plate": ("data", 3)}
MISTAKES = {
    "duplicate": (
        program(("z", NORMAL), ("z", NORMAL)),
        program(("z", NORMAL)),
        DuplicateSiteError,
        ["Site 'z' is declared twice in one execution", "Names must be unique"],
    ),
    "missing in the guide": (
        program(("mu", NORMAL), ("sigma", dist.Gamma(2.0, 1.0))),
        program(("mu", NORMAL)),
        MismatchError,
        [
            "Site 'sigma' is latent in the model, Gamma of batch shape () and event shape (), but missing in the guide",
            "Add",
        ],
    ),
    "an empty guide": (
        program(("mu", NORMAL)),
        program(),
        MismatchError,
        ["'mu' is latent in the model", "The guide has no sample site at all"],
    ),
    "a discrete site missing in the guide": (
        program(("k", dist.Bernoulli(0.5)), ("z", NORMAL)),
        program(("z", NORMAL)),
        MismatchError,
        [
            "'k' is latent in the model",
            "TraceEnum_ELBO sums a discrete variable out where the model is marked by config_enumerate",
        ],
    ),
    "a misspelt site": (
        program(("sigma", NORMAL), ("mu", NORMAL)),
        program(("sigmma", NORMAL), ("mu", NORMAL)),
        MismatchError,
        ["Site 'sigmma' is in the guide but not in the model", "Did you mean 'sigma'?", "is_auxiliary"],
    ),
    "observed in the guide": (
        program(("z", NORMAL), ("x", NORMAL, {"obs": ONE})),
        program(("z", NORMAL), ("x", NORMAL, {"obs": ONE})),
        MismatchError,
        ["Site 'x' is observed in the guide", "take the obs= away"],
    ),
    "observed in the model": (
        program(("x", NORMAL, {"obs": ONE})),
        program(("x", NORMAL)),
        MismatchError,
        ["Site 'x' is observed in the model, but the guide samples it", "take the statement out of the guide"],
    ),
    "an undeclared factor in the guide": (
        program(("z", NORMAL)),
        lambda: (virgil.sample("z", NORMAL), virgil.factor("f", ONE)),
        MismatchError,
        ["Factor 'f' is in the guide without has_rsample", "has_rsample=True", "has_rsample=False"],
    ),
    "a plate that the model lacks": (
        program(("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))),
        program(("z", NORMAL, P3)),
        MismatchError,
        ["The guide has site 'z' in plate 'data', which the model lacks", "use .to_event()"],
    ),
    "a plate with a misspelt name": (
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("dada", 3)})),
        MismatchError,
        ["in plate 'dada', which the model lacks. Did you mean 'data'?"],
    ),
    "plates of other sizes": (
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("data", 4)})),
        MismatchError,
        ["Plate 'data' has full size 4 in the guide and 3 in the model. Give both the same size."],
    ),
    "a plate that the guide lacks": (
        program(("z", NORMAL, P3)),
        program(("z", NORMAL)),
        MismatchError,
        ["At site 'z', the model has plate 'data', which the guide lacks around this site"],
    ),
    "plates at other dims": (
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("data", 3, {"dim": -2})})),
        MismatchError,
        ["At site 'z', plate 'data' is at dim -2 in the guide and at dim -1 in the model", "the same dim="],
    ),
    "a batch without a plate": (
        program(("z", dist.Normal(torch.zeros(3), 1.0))),
        program(("z", dist.Normal(torch.zeros(3), 1.0))),
        ShapeError,
        [
            "At site 'z', the distribution has size 3 at batch dim -1, batch shape (3,), and no plate is there",
            ".to_event(n)",
            "Shapes in the guide:",
            "z dist     3 |",
        ],
    ),
    "data with a dim too many": (
        program(("x", NORMAL, {"obs": torch.zeros(3, 1), **P3})),
        program(),
        ShapeError,
        [
            "At site 'x', the value of shape (3, 1) against batch shape (3,)",
            "shape (3, 3)",
            "no plate is there",
            "squeeze",
            "Shapes in the model:",
            "value    3 1 |",
        ],
    ),
    "data that do not broadcast": (
        program(("x", NORMAL, {"obs": torch.zeros(4), **P3})),
        program(),
        ShapeError,
        [
            "At site 'x', the observed value has shape (4,), which does not broadcast with",
            "batch shape (3,)",
            "a shape that ends in (3,)",
            "Shapes in the model:",
        ],
    ),
    "a distribution that does not fit its plate": (
        program(("z", dist.Normal(torch.zeros(4), 1.0), P3)),
        program(("z", NORMAL, P3)),
        ShapeError,
        [
            "At site 'z', the distribution's batch shape (4,) has size 4 at dim -1, where plate 'data' has size 3",
            "Shapes up to",
        ],
    ),
    "other event shapes": (
        program(("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))),
        program(("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))),
        ShapeError,
        ["At site 'z', the guide's distribution has event shape (2,) and the model's has (3,)", "the same event shape"],
    ),
    "a mask of another shape": (
        lambda: virgil.poutine.mask(program(("z", NORMAL)), mask=torch.tensor([True, False]))(),
        program(("z", NORMAL)),
        ShapeError,
        ["At site 'z', the mask has shape (2,), but the log-probability has shape ()", "plate of the mask's size"],
    ),
    "a scale of another shape": (
        lambda: virgil.poutine.scale(program(("z", NORMAL, P3)), scale=torch.ones(2))(),
        program(("z", NORMAL, P3)),
        ShapeError,
        ["At site 'z', the scale has shape (2,), but the log-probability has shape (3,)"],
    ),
    "data outside the support": (
        program(("x", dist.Gamma(2.0, 1.0), {"obs": torch.tensor([1.0, -2.0, 3.0]), **P3})),
        program(),
        SupportError,
        [
            "At site 'x' of the model, the observed value lies outside the support of Gamma",
            "1 of 3 do, such as -2 at index (1,)",
            "The support is",
            "mask what is missing",
        ],
    ),
    "missing data": (
        program(("x", NORMAL, {"obs": torch.tensor([1.0, float("nan"), 3.0]), **P3})),
        program(),
        SupportError,
        ["At site 'x'", "nan at index (1,) (not finite)", "mask what is missing"],
    ),
    "a guide outside the model's support": (
        program(("s", dist.Gamma(2.0, 1.0))),
        program(("s", dist.Normal(-50.0, 1.0))),
        SupportError,
        [
            "At site 's', the guide's Normal draws from all real numbers, but the support of the model's Gamma is real",
            "such as LogNormal or Gamma",
        ],
    ),
    "a model with an argument": (
        with_argument,
        without_argument,
        MismatchError,
        [
            "The model with_argument(data) cannot be called with 0 positional arguments:",
            "missing a required argument: 'data'",
        ],
    ),
}

"""Values outside supports, shapes that do not fit, names said twice. Model, guide and what is said."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import Mistake
from tests.pairs.statements import NORMAL, ONE, P3, program
from virgil.errors import DuplicateSiteError, MismatchError, ShapeError, SupportError


def with_argument(data):
    virgil.sample("z", NORMAL)


def without_argument():
    virgil.sample("z", NORMAL)


MISTAKES = {
    "duplicate": Mistake(
        program(("z", NORMAL), ("z", NORMAL)),
        program(("z", NORMAL)),
        "z",
        ["Site 'z' is declared twice in one execution", "Names must be unique"],
        DuplicateSiteError,
    ),
    "observed in the guide": Mistake(
        program(("z", NORMAL), ("x", NORMAL, {"obs": ONE})),
        program(("z", NORMAL), ("x", NORMAL, {"obs": ONE})),
        "x",
        ["Site 'x' is observed in the guide", "take the obs= away"],
        MismatchError,
    ),
    "an undeclared factor in the guide": Mistake(
        program(("z", NORMAL)),
        lambda: (virgil.sample("z", NORMAL), virgil.factor("f", ONE)),
        "f",
        ["Factor 'f' is in the guide without has_rsample", "has_rsample=True", "has_rsample=False"],
        MismatchError,
    ),
    "a plate that the model lacks": Mistake(
        program(("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))),
        program(("z", NORMAL, P3)),
        "z",
        ["The guide has site 'z' in plate 'data', which the model lacks", "use .to_event()"],
        MismatchError,
    ),
    "data that do not broadcast": Mistake(
        program(("x", NORMAL, {"obs": torch.zeros(4), **P3})),
        program(),
        "x",
        [
            "At site 'x', the observed value has shape (4,), which does not broadcast with",
            "batch shape (3,)",
            "a shape that ends in (3,)",
            "Shapes in the model:",
        ],
        ShapeError,
    ),
    "a distribution that does not fit its plate": Mistake(
        program(("z", dist.Normal(torch.zeros(4), 1.0), P3)),
        program(("z", NORMAL, P3)),
        "z",
        [
            "At site 'z', the distribution's batch shape (4,) has size 4 at dim -1, where plate 'data' has size 3",
            "Shapes up to",
        ],
        ShapeError,
    ),
    "a mask of another shape": Mistake(
        lambda: virgil.poutine.mask(program(("z", NORMAL)), mask=torch.tensor([True, False]))(),
        program(("z", NORMAL)),
        "z",
        ["At site 'z', the mask has shape (2,), but the log-probability has shape ()", "plate of the mask's size"],
        ShapeError,
    ),
    "a scale of another shape": Mistake(
        lambda: virgil.poutine.scale(program(("z", NORMAL, P3)), scale=torch.ones(2))(),
        program(("z", NORMAL, P3)),
        "z",
        ["At site 'z', the scale has shape (2,), but the log-probability has shape (3,)"],
        ShapeError,
    ),
    "data outside the support": Mistake(
        program(("x", dist.Gamma(2.0, 1.0), {"obs": torch.tensor([1.0, -2.0, 3.0]), **P3})),
        program(),
        "x",
        [
            "At site 'x' of the model, the observed value lies outside the support of Gamma",
            "1 of 3 do, such as -2 at index (1,)",
            "The support is",
            "mask what is missing",
        ],
        SupportError,
    ),
    "missing data": Mistake(
        program(("x", NORMAL, {"obs": torch.tensor([1.0, float("nan"), 3.0]), **P3})),
        program(),
        "x",
        ["At site 'x'", "nan at index (1,) (not finite)", "mask what is missing"],
        SupportError,
    ),
    "a guide outside the model's support": Mistake(
        program(("s", dist.Gamma(2.0, 1.0))),
        program(("s", dist.Normal(-50.0, 1.0))),
        "s",
        [
            "At site 's', the guide's Normal draws from all real numbers, but the support of the model's Gamma is real",
            "such as LogNormal or Gamma",
        ],
        SupportError,
    ),
    "a model with an argument": Mistake(
        with_argument,
        without_argument,
        None,
        [
            "The model with_argument(data) cannot be called with 0 positional arguments:",
            "missing a required argument: 'data'",
        ],
        MismatchError,
    ),
}

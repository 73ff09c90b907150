"""Likely causes of numbers that are not finite, and their cures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.infer.blame.summary import summary
from virgil.poutine.site import Site

__all__ = ["FaultyOperation", "GIVEN", "LEARNING_RATE", "likely_cause", "named", "of_derivative", "operation"]

GIVEN = "given"
LEARNING_RATE = "A smaller learning rate, or ClippedAdam, may help."

_EXP = "exp overflows above 88: bound what it is given, use softplus, or begin with a smaller scale."
_LOG = "the logarithm of zero or less: keep its argument above zero, by clamp(min=...), or compute in logarithms."
_DIVISION = "a division by zero: a count may be zero, so divide by count.clamp(min=1), or add a small number."
_ROOT = "the root of a negative number: rounding may have made it negative, so clamp(min=0)."
_CHOLESKY = (
    "the matrix is not positive definite: add jitter to its diagonal, such as 1e-6 * torch.eye(n), or state its factor "
    "by scale_tril."
)
_SUM = "numbers this large overflow in sums and products: scale the data, or bound what grows."
_EMPTY = "a mean or deviation of too few entries: the data, or a plate, are empty here."
_OPERATIONS = {
    "exp": _EXP, "expm1": _EXP, "sinh": _EXP, "cosh": _EXP,
    "log": _LOG, "log1p": _LOG, "log2": _LOG, "log10": _LOG, "logit": _LOG, "xlogy": _LOG, "digamma": _LOG,
    "division": _DIVISION, "reciprocal": _DIVISION, "rsqrt": _DIVISION, "remainder": _DIVISION,
    "sqrt": _ROOT, "cholesky": _CHOLESKY, "linalg_cholesky": _CHOLESKY,
    "mean": _EMPTY, "std": _EMPTY, "var": _EMPTY, "median": _EMPTY,
}  # fmt: skip
_GROWING = frozenset({"sum", "product", "difference", "matmul", "linear", "einsum", "power", "square", "cumsum"})
_NAMES = {
    "truediv": "division", "rtruediv": "division", "div": "division", "true_divide": "division", "divide": "division",
    "rdiv": "division", "mul": "product", "rmul": "product", "multiply": "product", "prod": "product", "add": "sum",
    "radd": "sum", "sub": "difference", "rsub": "difference", "pow": "power", "rpow": "power", "mm": "matmul",
    "bmm": "matmul",
}  # fmt: skip


@dataclass(frozen=True)
class FaultyOperation:
    """An operation that made NaN or infinity out of numbers.

    Attributes:
        operation: what it is called.
        inputs: its arguments that are tensors or numbers.
        line: the user's line.
    """

    operation: str
    inputs: tuple[Any, ...]
    line: str | None

    @property
    def sentence(self) -> str:
        """The operation and its line, in words."""
        if self.operation == GIVEN:
            return f"What is not finite came in from outside: {self._place('read')}"
        given = ", ".join(summary(torch.as_tensor(each)) for each in self.inputs[:3])
        return f"The first number that is not finite came from {self.operation}({given}){self._place('')}"

    def _place(self, how: str) -> str:
        return f"{how} at\n  {self.line}\n" if self.line else f"{how}."


def named(operation: str) -> str:
    """The name of an operation, whichever way it was written: ``__truediv__`` is a division."""
    plain = operation.strip("_")
    return _NAMES.get(plain, plain)


def likely_cause(
    site: Site, wrong: Tensor | None = None, constraint: Any = None, origin: FaultyOperation | None = None
) -> str:
    """A sentence with the cause and the cure, if one is likely.

    Args:
        site: at fault.
        wrong: the argument, or value, that is not finite or outside; ``None`` if all are as they should be.
        constraint: on it.
        origin: of what is not finite in it.
    """
    if origin is not None and origin.operation == GIVEN:
        return "Correct the data, or use poutine.mask or obs_mask for what is missing."
    if origin is not None and origin.operation in _OPERATIONS:
        return f"Likely cause: {_OPERATIONS[origin.operation]}"
    if origin is not None and origin.operation in _GROWING:
        return f"Likely cause: {_SUM}"
    if wrong is None:
        return _of_density(site)
    if wrong is site.value:
        return (
            "" if site.observed else "Likely cause: the draw overflows, though its arguments are numbers: bound them."
        )
    if not bool(wrong.isfinite().all()):
        return "" if origin is None else LEARNING_RATE
    if constraint is constraints.positive_definite:
        return f"Likely cause: {_CHOLESKY}"
    if bool((wrong == 0).any()):
        return (
            "Likely cause: a positive number that underflows to zero, or is zero in the data: add a small number, or "
            "clamp(min=1e-6)."
        )
    return "Likely cause: a sign, or a map onto the support that is missing, such as softplus or softmax."


def _of_density(site: Site) -> str:
    values = getattr(site.fn, "__dict__", {}).values()
    tensors = [each for each in values if isinstance(each, Tensor) and each.is_floating_point() and each.numel()]
    if any(bool(each.isinf().any()) for each in tensors) or not tensors:
        return "Likely cause: a probability of zero for what was observed or drawn; give every value some probability."
    return (
        "Likely cause: the density under- or overflows there; begin nearer to the data, or use a distribution with "
        "heavier tails."
    )


_DERIVATIVES: dict[str, str] = {
    "Sqrt": "the derivative of a square root at zero is infinite: take (x + 1e-8).sqrt()",
    "Rsqrt": "the derivative of 1 / sqrt(x) near zero is infinite: take (x + 1e-8).rsqrt()",
    "Norm": "the derivative of a norm at zero is not defined: add a small number before the root",
    "LinalgVectorNorm": "the derivative of a norm at zero is not defined: add a small number before the root",
    "Pow": "the derivative of this power at zero is infinite: keep its base away from zero",
    "Log": "the derivative of a logarithm at zero is infinite: keep its argument away from zero",
    "Div": "a division by a number near zero: keep the denominator away from it",
    "Reciprocal": "a division by a number near zero: keep the denominator away from it",
    "Exp": "exp is so large that its derivative overflows, or is multiplied by zero: bound what it is given",
    "Logsumexp": "every term of a logsumexp is minus infinity, where it has no derivative: mask such rows before it",
    "LogSoftmax": "every logit is minus infinity, where softmax has no derivative: mask such rows before it",
    "Softmax": "every logit is minus infinity, where softmax has no derivative: mask such rows before it",
    "Acos": "the derivative at one is infinite: keep the argument inside",
    "Asin": "the derivative at one is infinite: keep the argument inside",
    "Std": "the derivative of a standard deviation of equal numbers is not defined: take the variance",
    "LinalgEigh": "equal eigenvalues have eigenvectors without a derivative",
    "LinalgSvd": "equal singular values have vectors without a derivative",
    "Mul": "zero times infinity: one factor has overflowed",
}
_WHERE = (
    " In a torch.where, the branch that is not taken has a derivative too: give that branch a harmless argument by a "
    "torch.where of its own."
)


def operation(node: Any) -> str:
    """The operation whose derivative a node of autograd's graph is: ``Sqrt`` for ``SqrtBackward0``."""
    return str(node.name()).rstrip("0123456789").removesuffix("Backward")


def of_derivative(name: str, is_chosen: bool) -> str:
    """The likely cause of a derivative that is not finite.

    Args:
        name: of the operation, as autograd's graph has it, such as ``"Sqrt"``.
        is_chosen: whether its result goes through a ``torch.where``.
    """
    known = _DERIVATIVES.get(name, "a factor of it has overflowed, or is taken at a point where it is not defined")
    return f"Likely cause: {known}.{_WHERE if is_chosen else ''}"

"""``AutoLaplaceApproximation``: the posterior's maximum, and the normal that has its curvature there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Delta, constraints
from virgil.errors import ArgumentError, NonFiniteError
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.joint.auto_multivariate_normal import AutoMultivariateNormal
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.initialization import InitFn, init_to_median
from virgil.infer.density.posterior_of import posterior_of
from virgil.nn.parameter import read_parameter
from virgil.ops.hessian import hessian
from virgil.params.constraint import Constraint

__all__ = ["AutoLaplaceApproximation"]


class AutoLaplaceApproximation(AutoContinuous):
    r"""A point in unconstrained space, fitted to the posterior's maximum there, and the normal around it.

    The guide itself is the point :math:`\hat u`. After the fit :meth:`laplace_approximation` makes

    .. math:: q(u) = \mathcal{N}\bigl(\hat u, (-\nabla^2 \log p(x, f(\hat u)) \lvert \det f'(\hat u) \rvert)^{-1}\bigr)

    with :math:`f` the bijection from real vectors onto the supports *(MacKay 2003, chapter 27)*. It is the posterior
    itself where that is normal.

    Parameter: ``loc``, shape ``(latent_dim,)``; in the store ``"AutoLaplaceApproximation.loc"``.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoLaplaceApproximation
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     virgil.sample("y", dist.Normal(x, 1.0), obs=torch.tensor(2.0))
        >>> guide = AutoLaplaceApproximation(model)
        >>> guide.laplace_approximation().get_posterior().covariance_matrix.detach()
        tensor([[0.5000]])
    """

    parameter_names = ("loc",)
    normal_family: type[AutoMultivariateNormal] = AutoMultivariateNormal

    def __init__(self, model: Callable[..., Any], init_loc_fn: InitFn = init_to_median) -> None:
        super().__init__(model, init_loc_fn)

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        return {"loc": (loc, constraints.real)}

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        return Delta(parameters["loc"], event_dim=1)

    def laplace_approximation(self, *args: Any, **kwargs: Any) -> AutoMultivariateNormal:
        """The normal guide with the location of this one and the inverse curvature of the posterior there.

        Args:
            *args: the model's arguments, data among them.
            **kwargs: its keyword arguments.

        Raises:
            NonFiniteError: the curvature is not that of a maximum.
            ArgumentError: the model has no latent site, or its posterior no density over real vectors.
        """
        self._ensure_setup(args, kwargs)
        if not self.latents:
            raise ArgumentError(f"{type(self).__name__} has no normal around its point: the model has no latent site.")
        loc = self._read(read_parameter)["loc"].detach()
        with unmarked(), torch.enable_grad():
            point = loc.clone().requires_grad_()
            precision = -hessian(posterior_of(self.model, args, kwargs)(point), point)
        factor = self._factor(precision.detach().double()).to(loc)
        scale = factor.diagonal()
        normal = self.normal_family(self.model, self.init_loc_fn)
        normal.add("loc", loc, constraints.real)
        normal.add("scale", scale, normal.scale_constraint)
        normal.add("scale_tril", factor / scale.unsqueeze(-1), normal.scale_tril_constraint)
        return normal

    @staticmethod
    def _factor(precision: Tensor) -> Tensor:
        """The lower Cholesky factor of the inverse. Shape: ``(latent_dim, latent_dim)``."""
        flipped, failed = torch.linalg.cholesky_ex(precision.flip(0, 1))
        if bool(failed) or not bool(flipped.isfinite().all()):
            raise NonFiniteError(
                "The posterior's curvature at the guide's point is not that of a maximum: the matrix of second "
                "derivatives of minus the log-density has an eigenvalue that is not positive. Fit the guide for more "
                "steps first, or take a guide with a scale of its own, such as AutoMultivariateNormal."
            )
        identity = torch.eye(len(precision), dtype=precision.dtype, device=precision.device)
        factor: Tensor = torch.linalg.solve_triangular(flipped.flip(0, 1).mT, identity, upper=False)
        return factor

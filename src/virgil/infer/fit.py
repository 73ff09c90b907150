"""``Fit``: what a run returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor

from virgil.infer.approximation.corrected import NUM_DRAWS, SEED, Covariance, covariance, posterior_draws
from virgil.infer.export.arviz import to_arviz
from virgil.infer.export.samples import marginal_draws
from virgil.infer.plots.fit import plot_fit
from virgil.infer.plots.posterior import plot_posterior
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.check import Check, check_fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import DataTree

__all__ = ["Fit"]


@dataclass(frozen=True)
class Fit(Outcome):
    """The course and result of a run, with the questions that can be asked of them.

    Attributes: those of :class:`Outcome`, and

        restarts: the fits from all initial values, if there were several, in their order; this one is the best of them.
    """

    restarts: tuple[Fit, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome, restarts: Sequence[Outcome] = ()) -> Fit:
        """The fit that an outcome is, beside those of the other restarts."""
        return cls(**vars(outcome), restarts=tuple(map(cls.of, restarts)))

    def summary(self) -> str:
        """A table for the terminal: steps, time, loss, and each parameter's shape, range and last gradient norm."""
        mean, deviation = self.tail_loss()
        rate = self.num_steps / self.wall_time if self.wall_time > 0 else float("nan")
        found = self.evaluations
        counted = "" if found is None else f"; {found.gradients:,} gradients, {found.products:,} products with Hessians"
        title = (
            f"{self.num_steps} steps in {self.wall_time:.1f} s ({rate:,.0f} steps/s, "
            f"{self.engine}){', interrupted' * self.interrupted}{counted}\n"
            f"loss over the last tenth: {mean:.3f} nats, sd {deviation:.3f} from step to step{self._beside()}"
        )
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("parameter", "shape", "mean", "min", "max", "gradient norm"):
            table.add_column(heading, justify="left" if heading == "parameter" else "right")
        for name, value in self.params.items():
            shape = "×".join(map(str, value.shape)) or "scalar"
            table.add_row(name, shape, *_numbers(value), _last_norm(self.gradient_norms.get(name)))
        console = Console(width=120, no_color=True)
        with console.capture() as capture:
            console.print(table)
        lines = [line.rstrip() for line in capture.get().splitlines()]
        return "\n".join([title, "", *(line for line in lines if line)])

    def _beside(self) -> str:
        """The losses of the restarts."""
        if not self.restarts:
            return ""
        losses = sorted(each.tail_loss()[0] for each in self.restarts if each.failure is None)
        failed = len(self.restarts) - len(losses)
        return f"\nbest of {len(self.restarts)} restarts: {', '.join(f'{each:.3f}' for each in losses)} nats" + (
            f"; {failed} failed" if failed else ""
        )

    def draws(
        self, num: int = 1000, *args: Any, method: str = "guide", seed: int | None = None, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Draws of the latent sites.

        Args:
            num: how many.
            *args: arguments of model and guide. Default: those of the run's last step.
            method: ``"guide"`` for draws of the guide; ``"linear-response"`` for those of the normal in unconstrained
                space that :meth:`covariance` gives; ``"importance"`` for draws of the guide, resampled with replacement
                by Pareto-smoothed importance weights (needs the extra ``arviz``).
            seed: of the draws. Default: where the generator stands; it is left there.
            **kwargs: keyword arguments of model and guide.

        Returns:
            By latent site. Shape: ``(num, *shape of the site)``.

        Raises:
            ArgumentError: the fit does not know what it was fitted from, an argument is out of range, there is no
                linear response, or k-hat of the weights is above its threshold.
        """
        return posterior_draws(self, (args, kwargs) if args or kwargs else None, num, method, seed)

    def covariance(
        self,
        *args: Any,
        method: str = "guide",
        sites: Sequence[str] | None = None,
        num_draws: int = NUM_DRAWS,
        fixed_seed: int = SEED,
        **kwargs: Any,
    ) -> Covariance:
        """Means and covariances of the latent variables in unconstrained space.

        A mean-field guide leaves correlations out and has spreads that are too small where there are any. Linear
        response *(Giordano, Broderick and Jordan 2018)* corrects both: it asks how the means of the best mean-field
        normal move when the posterior is tilted. It is exact where the posterior is normal. The guide is first improved
        on fixed draws, as :class:`virgil.infer.DADVI` does; a fit by ``DADVI`` with the same draws stays as it is.

        Args:
            *args: arguments of model and guide. Default: those of the run's last step.
            method: ``"guide"`` for those of the guide itself, or ``"linear-response"``.
            sites: which ones. Default: all latent sites. Beyond 200 entries conjugate gradients solve for these alone.
            num_draws: how many fixed draws, as for ``DADVI``.
            fixed_seed: of these.
            **kwargs: keyword arguments of model and guide.

        Raises:
            ArgumentError: the fit does not know what it was fitted from, there is no such method or site, the posterior
                has no density over real vectors, or the guide leads to no minimum.

        Example:
            >>> import torch, virgil, virgil.distributions as dist
            >>> from virgil.infer import DADVI
            >>> def model(data):
            ...     a = virgil.sample("a", dist.Normal(0.0, 1.0))
            ...     b = virgil.sample("b", dist.Normal(0.0, 1.0))
            ...     virgil.sample("x", dist.Normal(a + b, 1.0), obs=data)
            >>> fit = DADVI(model).run(torch.tensor(3.0))
            >>> fit.covariance().matrix.diagonal()  # independent normals
            tensor([0.5000, 0.5000], dtype=torch.float64)
            >>> fit.covariance(method="linear-response").matrix
            tensor([[ 0.6667, -0.3333],
                    [-0.3333,  0.6667]], dtype=torch.float64)
        """
        return covariance(self, (args, kwargs) if args or kwargs else None, method, sites, num_draws, fixed_seed)

    def check(
        self,
        *args: Any,
        draws: int | None = None,
        steps: int | None = None,
        modes: bool = True,
        calibration: int = 0,
        seconds: float | None = None,
        **kwargs: Any,
    ) -> Check:
        """How far to trust the fit: its guide against the posterior, and its steps against where they lead.

        Everything is computed at the fit's own parameters, and afterwards parameters, optimiser, networks' buffers and
        random generators are as before. Needs the extra ``arviz``.

        Args:
            *args: arguments of model and guide, such as the whole data after a run on mini-batches. Default: those of
                the run's last step.
            draws: of the guide, 100 or more. Default: 10,000; where the programs take one draw an execution, 1,000, or
                as many as take ten seconds.
            steps: further steps to take from a copy of the fit's end, to see whether it has arrived; 0 for none.
                Default: 512, or as many as take ten seconds at the run's pace, but 128 at least.
            modes: whether to look for modes of the posterior that the guide misses.
            calibration: to how many simulated data sets to fit anew, 20 or more; 0 for none.
            seconds: that draws and steps left to the check may take. Default: as long as the run took, but one at least
                and ten at most.
            **kwargs: keyword arguments of model and guide.

        Raises:
            ArgumentError: the fit does not know what it was fitted from, an argument is out of range, or arviz-stats
                is not installed.

        Example:
            >>> import torch, virgil, virgil.distributions as dist
            >>> from virgil.infer import SVI, Trace_ELBO
            >>> from virgil.infer.autoguide import AutoNormal
            >>> def model(data):
            ...     mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
            ...     with virgil.plate("data", len(data)):
            ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
            >>> guide, optim = AutoNormal(model), virgil.optim.Adam({"lr": 0.01})
            >>> svi = SVI(model, guide, optim, Trace_ELBO(num_particles=10))
            >>> check = svi.run(1000, torch.tensor([1.0, 2.0, 3.0])).check()
            >>> check.verdict.trusts
            'all'
        """
        given = (args, kwargs) if args or kwargs else None
        return check_fit(self, given, draws, steps, modes, calibration, seconds)

    def to_arviz(self, *args: Any, num_samples: int = 1000, seed: int | None = None, **kwargs: Any) -> DataTree:
        """The fit for ArviZ: draws of the guide, what they predict, and the likelihood of each observation.

        Groups: ``posterior``, with deterministic sites, and with discrete ones that are summed out drawn from their
        exact posterior; ``posterior_predictive``; ``prior`` and ``prior_predictive``, unless a prior is improper;
        ``observed_data``; ``constant_data``, the tensors among the arguments that are no observations;
        ``log_likelihood``, for each slot of the plates, with discrete sites summed out, and left out where one sum
        joins all observations, as in a single Markov chain; ``sample_stats``: ``lp``, log p(x, z), ``log_q``, log q(z),
        and ``log_weight``, their difference, in nats, with k-hat as an attribute. Dims have the names of plates. The
        draws are independent, so they stand as one chain. Needs the extra ``arviz``.

        Args:
            *args: arguments of model and guide, such as the whole data after a run on mini-batches. Default: those of
                the run's last step.
            num_samples: how many draws.
            seed: of the draws. Default: where the generator stands; it is left there.
            **kwargs: keyword arguments of model and guide.

        Raises:
            ArgumentError: the fit does not know what it was fitted from, an argument is out of range, or arviz-base
                is not installed.

        Example:
            >>> import torch, virgil, virgil.distributions as dist
            >>> from virgil.infer import SVI, Trace_ELBO
            >>> from virgil.infer.autoguide import AutoNormal
            >>> def model(data):
            ...     mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
            ...     with virgil.plate("data", len(data)):
            ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
            >>> svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.01}), Trace_ELBO())
            >>> tree = svi.run(100, torch.tensor([1.0, 2.0, 3.0])).to_arviz(num_samples=500)
            >>> dict(tree.log_likelihood.sizes)
            {'chain': 1, 'draw': 500, 'data': 3}
        """
        given = (args, kwargs) if args or kwargs else None
        return to_arviz(self, given, num_samples, seed)

    def plot(self, filename: str | PathLike[str] | None = None, axes: Sequence[Axes] | None = None) -> Figure:
        """Draw the loss, and every parameter's gradient norm on a log scale, against steps; needs the extra ``plot``.

        Args:
            filename: where to save the picture, if anywhere.
            axes: the two panels to draw into, to put several runs into one figure. Default: a new figure.

        Returns:
            The matplotlib figure.
        """
        return plot_fit(self.losses, self.gradient_norms, filename, axes)

    def plot_posterior(
        self,
        filename: str | PathLike[str] | None = None,
        *,
        sites: Sequence[str] | None = None,
        num_samples: int | None = None,
        max_panels: int = 16,
        seed: int | None = None,
        model_args: tuple[Any, ...] | None = None,
        model_kwargs: dict[str, Any] | None = None,
    ) -> Figure:
        """Draw the marginal of each latent coordinate under the guide, beside the prior's; needs the extra ``plot``.

        Densities as histograms; shares of whole numbers as bars; a line where the guide is a point. Discrete sites that
        are summed out are drawn from their exact posterior.

        Args:
            filename: where to save the picture, if anywhere.
            sites: which ones. Default: all latent sites.
            num_samples: how many draws of each. Default: 10,000, or 1,000 where the programs take one an execution.
            max_panels: how many coordinates are drawn at most, the first ones.
            seed: of the draws. Default: where the generator stands; it is left there.
            model_args: arguments of model and guide. Default: those of the run's last step.
            model_kwargs: keyword arguments likewise.

        Returns:
            The matplotlib figure.

        Raises:
            ArgumentError: the fit does not know what it was fitted from, an argument is out of range, or matplotlib is
                not installed.
        """
        given = None if model_args is None and model_kwargs is None else (model_args or (), model_kwargs or {})
        posterior, prior = marginal_draws(self, given, num_samples, seed)
        return plot_posterior(posterior, prior, filename, sites, max_panels)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "origin": None}  # programs and optimisers are not written to files

    def __repr__(self) -> str:
        loss = f", loss {self.tail_loss()[0]:.3f} nats" if self.num_steps else ""
        return f"Fit({self.num_steps} steps{loss}, {self.wall_time:.1f} s)"


def _numbers(value: Tensor) -> list[str]:
    """Mean, least and greatest entry; a scalar has one number."""
    if not value.numel():
        return ["", "", ""]
    least, greatest = (value.min(), value.max()) if value.dim() else (None, None)
    return ["" if each is None else f"{each.item():.4g}" for each in (value.mean(), least, greatest)]


def _last_norm(norms: Tensor | None) -> str:
    """The mean over the last tenth of the steps."""
    return "" if norms is None or not len(norms) else f"{norms[-max(1, len(norms) // 10) :].mean().item():.3g}"

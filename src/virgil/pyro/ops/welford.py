"""Running covariances as objects that change, for old programs."""

from __future__ import annotations

from torch import Tensor

from virgil.ops.running_covariance import RunningCovariance

__all__ = ["WelfordArrowheadCovariance", "WelfordCovariance"]


class _Welford:
    """Figures of the vectors that have come; there are none before the first."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all vectors."""
        self._state: RunningCovariance | None = None

    @property
    def n_samples(self) -> int:
        """How many vectors have come."""
        return self._state.count if self._state is not None else 0

    def _head(self, sample: Tensor) -> int:
        """The number of rows that are kept."""
        raise NotImplementedError

    def update(self, sample: Tensor) -> None:
        """Take one more vector. Shape: ``(size,)``."""
        if self._state is None:
            self._state = RunningCovariance.empty(sample, self._head(sample))
        self._state = self._state.updated(sample)

    def _covariance(self, regularize: bool) -> tuple[Tensor, Tensor]:
        if self._state is None or self._state.count < 2:
            raise RuntimeError(f"A covariance takes two vectors or more; {self.n_samples} have come.")
        return self._state.covariance(regularize)


class WelfordCovariance(_Welford):
    """The running covariance: variances alone, or the whole matrix.

    Args:
        diagonal: if true, variances alone.
    """

    def __init__(self, diagonal: bool = True) -> None:
        super().__init__()
        self.diagonal = diagonal

    def _head(self, sample: Tensor) -> int:
        return 0 if self.diagonal else len(sample)

    def get_covariance(self, regularize: bool = True) -> Tensor:
        """Variances, or the matrix; drawn towards 0.001 times the identity, if ``regularize`` is true.

        Raises:
            RuntimeError: fewer than two vectors have come.
        """
        top, bottom = self._covariance(regularize)
        return bottom if self.diagonal else top


class WelfordArrowheadCovariance(_Welford):
    """The running covariance's first rows, and the rest of its diagonal.

    Args:
        head_size: how many rows.
    """

    def __init__(self, head_size: int = 0) -> None:
        super().__init__()
        self.head_size = head_size

    def _head(self, sample: Tensor) -> int:
        return self.head_size

    def get_covariance(self, regularize: bool = True) -> tuple[Tensor, Tensor]:
        """The first rows, and the rest of the diagonal; drawn towards 0.001 times the identity if so asked.

        Raises:
            RuntimeError: fewer than two vectors have come.
        """
        return self._covariance(regularize)

"""``Finding``: something that a check has found, and ``Subject``: the pair of executions that checks look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from torch import Tensor

from virgil import settings
from virgil.errors import MismatchError, SiteError, VirgilError
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.poutine.wrap import Program

__all__ = ["Check", "EvidenceBound", "Executed", "Finding", "Program", "Subject", "Trial", "Watching"]


@dataclass(frozen=True)
class Finding:
    """Something wrong, or doubtful, about a model and a guide.

    Attributes:
        cause: what came and what was expected, in sentences.
        cure: what to do, in sentences.
        site: the site, parameter or plate that it is about.
        severity: an ``"error"`` makes the objective or its gradient wrong, or the step fail; a ``"warning"`` says that
            another objective may have been meant; a ``"note"`` is good to know, and stands in a report alone.
        kind: the exception that SVI raises for an error.
        details: what explains more, such as a table of shapes.
        otherwise: of an error under which the objective is well defined all the same, what is computed then, in
            sentences. The setting ``mismatch="warn"`` makes a warning of it, which says so.
    """

    cause: str
    cure: str = ""
    site: str | None = None
    severity: Literal["error", "warning", "note"] = "error"
    kind: type[Exception] = MismatchError
    details: str = ""
    otherwise: str = ""

    @property
    def message(self) -> str:
        """Cause, cure and details."""
        sentence = f"{self.cause} {self.cure}".strip()
        return f"{sentence}\n\n{self.details}" if self.details else sentence

    def as_set(self) -> Finding:
        """The finding under the settings: a warning of what is computed, where they accept this mismatch."""
        if self.severity != "error" or not self.otherwise or settings.get("mismatch") == "error":
            return self
        return replace(self, severity="warning", cure=self.otherwise)

    def exception(self) -> Exception:
        """The exception that says it."""
        return self.kind(self.message, site=self.site) if issubclass(self.kind, SiteError) else self.kind(self.message)

    @classmethod
    def of(cls, error: Exception, doing: str) -> Finding:
        """The finding that an exception makes; a foreign exception is told with the activity that raised it."""
        if isinstance(error, VirgilError):
            return cls(str(error), site=getattr(error, "site", None), kind=type(error))
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return cls(f"{doing} raised {what}", kind=type(error))


class Executed(Protocol):
    """One execution of a guide and of a model replayed against it."""

    @property
    def guide(self) -> Trace:
        """The guide's trace."""
        ...

    @property
    def model(self) -> Trace:
        """The model's trace."""
        ...


Trial = tuple[Tensor, Sequence[Executed]]


class Watching(Protocol):
    """Looks at the values that may leave their sets after the first step."""

    @property
    def has_parameters(self) -> bool:
        """True if some parameter may leave."""
        ...

    def check_parameters(self) -> None:
        """Raise an error if a parameter has left the set where it is needed."""
        ...

    def check_data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise an error if a site observes an argument that lies outside its support."""
        ...


class EvidenceBound(Protocol):
    """An objective that bounds the evidence, as far as checks need it."""

    max_plate_nesting: int | None

    @property
    def num_particles(self) -> int:
        """The number of draws of the guide that it takes."""
        ...

    @property
    def vectorize_particles(self) -> bool | None:
        """True if they run at once; ``None``: if a trial shows that they can."""
        ...

    @property
    def enumerates(self) -> bool:
        """True if it sums out marked variables of the model that the guide does not state."""
        ...

    @property
    def enumerates_guide(self) -> bool:
        """True if it averages over marked variables of the guide with their own probabilities."""
        ...

    def guards(self, model: Program, guide: Program) -> Watching:
        """The look at the values of these programs that was found when they were checked last."""
        ...

    def trial(self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trial:
        """The bound of one execution, unchecked, and the executions of guide and model behind it."""
        ...

    def look_again(self) -> None:
        """Forget what programs may have changed since."""
        ...


@dataclass(frozen=True)
class Subject:
    """One execution of a guide and of a model replayed against it, and what is known of where they come from.

    Attributes:
        guide: the guide's trace.
        model: the model's trace.
        programs: ``"guide"`` and ``"model"``, where they are at hand.
        args: the positional arguments that both were called with.
        kwargs: the keyword arguments.
        objective: what they were run for.
        failed: ``"guide"`` or ``"model"``: the program that an exception ended, so that its trace goes only so far.
    """

    guide: Trace
    model: Trace
    programs: dict[str, Program] = field(default_factory=dict)
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    objective: EvidenceBound | None = None
    failed: str | None = None

    def sites(self) -> Iterator[tuple[str, Site]]:
        """Every sample site, with the role of its program: the guide's, then the model's, in order of execution."""
        for role, trace in (("guide", self.guide), ("model", self.model)):
            for site in trace.nodes.values():
                if site.kind == "sample":
                    yield role, site


Check = Callable[[Subject], Iterator[Finding]]

"""Every exception that Virgil raises on purpose.

    VirgilError
    ├── SiteError                 a statement of a program is wrong; ``.site`` holds its name
    │   ├── DuplicateSiteError    two statements carry one name                     (RuntimeError)
    │   ├── SupportError          a value lies outside its distribution's support   (ValueError)
    │   ├── ShapeError            shapes do not broadcast under their plates        (ValueError)
    │   └── NonFiniteError        a value or log-probability is NaN or infinite     (ArithmeticError)
    ├── PlateError                a plate's size, dim or indices are wrong          (ValueError)
    ├── MismatchError             model and guide do not fit together               (ValueError)
    ├── ParamError                a parameter is re-used or restored wrongly        (ValueError)
    │   └── MissingParamError     no parameter has this name                        (KeyError)
    ├── CaptureError              a step cannot be captured as one graph            (RuntimeError)
    │   ├── EngineError           an engine cannot be loaded or started here
    │   └── OperatorError         an engine cannot run an operator of the graph     (NotImplementedError)
    ├── FileFormatError           a file is truncated or not one of ours            (ValueError)
    ├── AliasError                another package has the alias's name              (ImportError)
    ├── ThreadError               two threads use what one may use at a time        (RuntimeError)
    └── ArgumentError             an argument is wrong                              (ValueError)

What is doubtful about a model and guide, and not wrong, is a ``FitWarning`` (a ``UserWarning``).

A message says in this order: the site or argument, what came, what was expected, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any

__all__ = [
    "AliasError",
    "ArgumentError",
    "CaptureError",
    "DuplicateSiteError",
    "EngineError",
    "FileFormatError",
    "FitWarning",
    "MismatchError",
    "MissingParamError",
    "NonFiniteError",
    "OperatorError",
    "ParamError",
    "PlateError",
    "ShapeError",
    "SiteError",
    "SupportError",
    "ThreadError",
    "VirgilError",
    "a_kind",
    "did_you_mean",
    "shown",
]

_ENTRIES, _LENGTH = 5, 80  # of a container that are shown, and of a value's own words


class VirgilError(Exception):
    """The root: ``except VirgilError`` catches everything that Virgil raises on purpose."""


class SiteError(VirgilError):
    """A statement of a program is wrong; ``site`` is its name."""

    def __init__(self, message: str, site: str | None = None) -> None:
        super().__init__(message)
        self.site = site


class DuplicateSiteError(SiteError, RuntimeError):
    """Two statements of one execution carry the same name."""


class SupportError(SiteError, ValueError):
    """A value lies outside the support of the distribution at its site."""


class ShapeError(SiteError, ValueError):
    """Shapes do not broadcast under the plates of their site."""


class NonFiniteError(SiteError, ArithmeticError):
    """A value, log-probability, loss or gradient is NaN or infinite."""


class PlateError(VirgilError, ValueError):
    """The size, dim or indices of a plate are wrong."""


class MismatchError(VirgilError, ValueError):
    """Model and guide do not fit together."""


class ParamError(VirgilError, ValueError):
    """A parameter is declared, re-used or restored wrongly."""


class MissingParamError(ParamError, KeyError):
    """No parameter of this name exists."""

    __str__ = Exception.__str__  # KeyError would print the message quoted


class CaptureError(VirgilError, RuntimeError):
    """A step cannot be captured as one graph of tensor operations."""


class EngineError(CaptureError):
    """A compiled engine cannot be loaded, or cannot run a step, with what is installed here."""


class OperatorError(CaptureError, NotImplementedError):
    """An engine cannot run an operator of the captured graph."""


class FileFormatError(VirgilError, ValueError):
    """A file is truncated, or was not written by Virgil."""


class AliasError(VirgilError, ImportError):
    """Another package has been imported under the name that an alias is to have."""


class ThreadError(VirgilError, RuntimeError):
    """A thread uses something that another one is using, and that only one may use at a time."""


class ArgumentError(VirgilError, ValueError):
    """An argument of a public function is wrong."""


class FitWarning(UserWarning):
    """Something about a model and guide is doubtful, though the objective is not wrong."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the closest known one, or all that are known.

    >>> did_you_mean("sigmma", ["mu", "sigma"])
    "Did you mean 'sigma'?"
    >>> did_you_mean("x", ["mu", "sigma"])
    "Known names: 'mu', 'sigma'."
    """
    known = sorted(set(candidates))
    close = get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not known:
        return "No names are known."
    shown = ", ".join(repr(each) for each in known[:10])
    return f"Known names: {shown}{', ...' if len(known) > 10 else '.'}"


def shown(value: Any) -> str:
    """A value that a user has given, in few words: type and shape of what has many entries.

    >>> print(shown([1, "two", None]), shown(list(range(100))), shown("a" * 100))
    [1, 'two', None] <list of 100: 0, 1, 2, ...> 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... (100 characters)
    """
    if hasattr(type(value), "shape") and isinstance(value.shape, tuple) and value.shape:
        return f"<{type(value).__name__} of shape {tuple(value.shape)}>"
    if isinstance(value, str):
        return repr(value) if len(value) <= _LENGTH else f"{value[: _LENGTH // 2]!r}... ({len(value)} characters)"
    if type(value) in (list, tuple, dict):
        return _container(value)
    words = repr(value)
    return words if len(words) <= _LENGTH and "\n" not in words else f"<{type(value).__name__}>"


def a_kind(kind: type) -> str:
    """The name of a type with its article.

    >>> print(a_kind(int), a_kind(str), a_kind(type(None)), sep=", ")
    an int, a str, a NoneType
    """
    name = kind.__name__
    # an abbreviation is read letter by letter: an LKJ, but a Unit
    vowel = name[0] in "AEIOaeio" or (name[:2].isupper() and name[0] in "FHLMNRSX")
    return f"{'an' if vowel else 'a'} {name}"


def _container(value: Any) -> str:
    """A container as Python shows it, where its entries are few and short; else how many there are."""
    first = [
        f"{shown(each)}: {shown(value[each])}" if isinstance(value, dict) else shown(each)
        for each in islice(value, _ENTRIES + 1)
    ]
    words = ", ".join(first)
    if len(value) <= _ENTRIES and len(words) <= 2 * _LENGTH:
        before, after = tuple(repr(type(value)()))
        return f"{before}{words}{',' * (isinstance(value, tuple) and len(value) == 1)}{after}"
    some = ", ".join(first[:3])
    return f"<{type(value).__name__} of {len(value)}{f': {some}, ...' if len(some) <= _LENGTH else ''}>"

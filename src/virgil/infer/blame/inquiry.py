"""A step that went wrong, taken again on the same noise and looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from virgil.errors import CaptureError, NonFiniteError
from virgil.infer.blame.gradients import gradient_fault
from virgil.infer.blame.sites import first_fault
from virgil.infer.blame.watch import LinAlgError, Watch
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.execution import Executions
from virgil.infer.density.read_parameters import ReadParameters

__all__ = ["Examined", "Noise", "inquire"]

Noise = Callable[[], AbstractContextManager[object]]
Examined = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Tensor, Executions]]


def inquire(examined: Examined, args: tuple[Any, ...], kwargs: dict[str, Any], noise: Noise) -> NonFiniteError | None:
    """Find the fault in the loss of a step, or else in its gradient; ``None`` if there is none.

    Parameters, buffers and random generators stay as they are.

    Args:
        examined: gives the loss on such arguments, unchecked, and the executions behind it.
        args: the step's arguments.
        kwargs: likewise.
        noise: makes a block in which the step's random numbers are drawn.
    """
    with unmarked(), ReadParameters() as read, Watch() as watch:
        try:
            with noise():
                loss, executions = examined(args, kwargs)
        except NonFiniteError as error:  # of an objective that looks at itself
            return error
        except LinAlgError as error:
            return NonFiniteError(f"The loss is not finite: {error}")
        except CaptureError:  # the step is not what it was
            return None
    if not math.isfinite(loss.detach()):
        fault = first_fault(executions, watch.origin)
        return NonFiniteError(f"The loss is not finite: {fault.message}", site=fault.site)
    found = gradient_fault(loss, executions, read.leaves, watch.line)
    return None if found is None else NonFiniteError(f"The loss is finite, but {found.message}", site=found.site)

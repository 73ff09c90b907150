"""How long a run goes on capturing steps that do not repay it."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field

from virgil.engine.choice import pays

__all__ = ["Patience"]

_CAPTURES = 3  # one after another that may not pay


@dataclass
class Patience:
    """Counts captures that were not followed by as many steps as repay one, with which they ended.

    What it counts is fixed by the steps, so that a run that was interrupted gives up where it would have given up
    otherwise: a capture for new arguments, whoever made it before, and one because the programs have changed; not one
    that a new process makes again.

    Attributes:
        work: operators and elements of one step; ``None`` where that is not known.
        captured: the number of the last capture's first step; -1 before.
        unpaid: captures in a row that did not pay.
        seen: digests of the arguments for which there was a capture.
        has_changed: whether the programs had changed since the last step when the run was written to disk.
    """

    work: tuple[int, int] | None = None
    captured: int = -1
    unpaid: int = 0
    seen: set[str] = field(default_factory=set)
    has_changed: bool = False
    _here: set[str] = field(default_factory=set)

    def is_out(self, engine: str, key: Hashable, has_step: bool, done: int) -> bool:
        """True if no further step is to be captured.

        Args:
            engine: on which it would run.
            key: of the arguments.
            has_step: whether there is a captured step that fits.
            done: steps taken.
        """
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        counts = digest not in self.seen or (not has_step and (self.has_changed or digest in self._here))
        self.has_changed = False
        self.seen.add(digest)
        self._here.add(digest)
        if not counts:
            return False
        if self.work is not None and self.captured >= 0:
            self.unpaid = 0 if pays(engine, done - self.captured, *self.work) else self.unpaid + 1
        self.captured = done
        return self.unpaid > _CAPTURES

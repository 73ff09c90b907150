"""The cause of a step that went wrong: the first site whose value, log-probability or gradient is not finite."""

from virgil.infer.blame.sites import blame
from virgil.infer.blame.watch import LinAlgError

__all__ = ["LinAlgError", "blame"]

"""Maps with parameters to learn: the layers of normalising flows.

A file has one map: the class, its conditional form, and the function that makes it with a network of a suitable size.
`virgil.distributions.transforms` hands their names on, and loads a file when a program first asks for one of them.
"""

from __future__ import annotations

__all__ = ["FILES"]

# The public names of each file. They are no attributes here, as a file has the name of the function in it.
FILES: dict[str, tuple[str, ...]] = {}

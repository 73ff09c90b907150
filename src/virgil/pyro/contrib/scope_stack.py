"""Counters of names, and a stack of them."""

from __future__ import annotations

from collections import Counter

from virgil.errors import ArgumentError

__all__ = ["NameScope", "ScopeStack"]


class NameScope:
    """A counter of the names that have been asked for.

    Args:
        name: the scope's own name.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.counter = 0
        self._asked: Counter[str] = Counter()

    def allocate(self, name: str) -> int:
        """How often the name has been asked for before."""
        self._asked[name] += 1
        return self._asked[name] - 1

    def __str__(self) -> str:
        return self.name or ""


class ScopeStack:
    """Scopes in each other, outermost first."""

    def __init__(self) -> None:
        self._stack: list[NameScope] = []

    @property
    def global_scope(self) -> NameScope | None:
        """The outermost scope."""
        return self._stack[0] if self._stack else None

    @property
    def current_scope(self) -> NameScope | None:
        """The innermost scope."""
        return self._stack[-1] if self._stack else None

    def push_scope(self, scope: NameScope) -> None:
        """Enter a scope."""
        self._stack.append(scope)

    def pop_scope(self) -> NameScope:
        """Leave the innermost scope and return it.

        Raises:
            ArgumentError: there is none.
        """
        if not self._stack:
            raise ArgumentError("pop_scope() was called outside of all scopes. Call push_scope(scope) first.")
        return self._stack.pop()

    def fresh_name(self, name: str) -> str:
        """The name, with a number behind it if the innermost scope has given it before."""
        scope = self.current_scope
        count = 0 if scope is None else scope.allocate(name)
        return f"{name}{count}" if count else name

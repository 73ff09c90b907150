"""``virgil.fit``: a ladder of methods, climbed until an answer can be trusted; ``docs/design/ladder.md``."""

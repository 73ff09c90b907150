"""Notes of variables that a reparameteriser states by way of others."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.infer.checks.finding import Finding, Subject
from virgil.poutine.reparam import restatement

__all__ = ["restated_notes"]


def restated_notes(subject: Subject) -> Iterator[Finding]:
    """A note for each site of the model that is stated by way of others."""
    for name, site in subject.model.nodes.items():
        note = restatement(site)
        if note is None:
            continue
        via = ", ".join(repr(each) for each in note.via)
        way = f"by way of {via}" if via else "without a latent variable of its own"
        if note.is_function:
            meaning = "It is no variable of its own any more, so the guide does not state it."
        else:
            meaning = "It stays a variable, with another distribution given these."
        yield Finding(f"Site {name!r} is restated by {note.by}, {way}.", meaning, name, severity="note")

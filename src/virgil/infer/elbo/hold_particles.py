"""The decision how the executions of programs hold particles, made once for each structure by trial executions."""

from __future__ import annotations

from collections.abc import Callable

from virgil.distributions.core.validation import unchecked
from virgil.infer.density.draws_check import for_particles
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.program_structure import Structure
from virgil.infer.warn import show_warning

__all__ = ["hold_particles"]


def hold_particles(call: Call, structure: Structure, choices: Choices, bound: Callable[[], object]) -> None:
    """Note in a structure how executions hold particles; leaves no other mark.

    Args:
        call: the programs.
        structure: theirs.
        choices: of the objective.
        bound: computes it.
    """
    wanted = choices.vectorize_particles
    if choices.num_particles == 1 or wanted is False or not structure.runs_alone:
        return
    with dry_run():
        structure.particles = for_particles(
            call, structure.max_plate_nesting, choices.num_particles if wanted else None
        )
        if structure.particles.mapped:
            with unchecked():
                _keep_if_it_runs(structure, bound, wanted is True)


def _keep_if_it_runs(structure: Structure, bound: Callable[[], object], is_wanted: bool) -> None:
    """Take particles one by one if ``vmap`` does not take the bound: what is enumerated, or a divergence."""
    try:
        bound()
    except Exception as error:  # whatever a program raises there that runs otherwise
        structure.particles = structure.particles.one_by_one()
        if is_wanted:
            first = str(error).partition("\n")[0]
            show_warning(
                "The particles run one after another, because the programs do not work with a particle dim on the left "
                f"of all plates, and torch.func.vmap does not take the objective ({type(error).__name__}: {first}). "
                "Set vectorize_particles=False to accept this."
            )

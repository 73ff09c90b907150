"""Chains in processes of their own."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.distributions import Transform

from virgil.errors import ArgumentError, shown
from virgil.infer.mcmc.chain import Chain, Plan, constrained, draw_chain, stacked, validation
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params
from virgil.ops.random_state import set_rng_seed

__all__ = ["draw_in_processes"]


def draw_in_processes(
    kernel: MCMCKernel,
    plan: Plan,
    starts: Sequence[Params | None],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    context: str | None,
    transforms: Mapping[str, Transform] | None,
    disabled: bool | None,
) -> list[tuple[Chain, Params]]:
    """A chain for each start, with the variables' values at its draws.

    Each process has one thread of torch where there are as many chains as cores, and a seed from this one's generator.

    Raises:
        ArgumentError: there is no such context, or something cannot be sent to a process.
    """
    if context not in multiprocessing.get_all_start_methods():
        raise ArgumentError(
            f"MCMC got mp_context={shown(context)}; it takes {', '.join(multiprocessing.get_all_start_methods())}, or "
            "None for chains one after another in this process."
        )
    kernel.cleanup()
    try:
        pickle.dumps((kernel, plan, starts, args, kwargs, transforms))
    except Exception as error:  # whatever an object raises that cannot be pickled
        raise ArgumentError(
            f"MCMC(mp_context={context!r}) cannot send the kernel, its model or its arguments to another process: "
            f"{error}. Define the model at the top of a module, or leave mp_context out, so that chains run in "
            "this process."
        ) from None
    seeds = torch.randint(2**31, (len(starts),)).tolist()
    threads = max(1, (os.cpu_count() or 1) // len(starts))
    with concurrent.futures.ProcessPoolExecutor(len(starts), mp_context=multiprocessing.get_context(context)) as pool:
        jobs = [
            pool.submit(_draw, kernel, plan, start, args, kwargs, transforms, disabled, seed, threads)
            for start, seed in zip(starts, seeds, strict=True)
        ]
        return [job.result() for job in jobs]


def _draw(
    kernel: MCMCKernel,
    plan: Plan,
    start: Params | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    transforms: Mapping[str, Transform] | None,
    disabled: bool | None,
    seed: int,
    threads: int,
) -> tuple[Chain, Params]:
    torch.set_num_threads(threads)
    set_rng_seed(seed)
    with validation(disabled):
        chain = draw_chain(kernel, plan, start, args, kwargs)
        values = constrained(kernel, stacked(chain.draws), transforms)
    return Chain([], chain.diagnostics, chain.was_interrupted), values

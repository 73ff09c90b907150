"""A program, or a model with its guide, as a density: below all that infers, and knowing none of it.

All log-densities are in nats. ``count`` is a number of draws, ``num`` a number of vectors.

**Draws at once.** ``joint_of(Call(model, guide, args, kwargs), enumerates)`` runs both programs, compares draws that
run at once with each alone, and gives a ``Joint``: ``run(count)`` is one execution of guide and model with so many
draws, ``chunk`` how many it may have (one, where the comparison fails), ``values`` its latent values, of shape
``(count, *site)``. Plates that would draw mini-batches are whole where the arguments allow it. Who runs other programs
takes the pieces: ``difference`` says why draws at once are not those alone, and a ``Vectorization`` places, stacks and
sums by draw.

**Log-densities by draw.** ``Joint.log_p``, ``log_q`` and ``log_weights``, and by site ``log_model`` and ``log_guide``:
shape ``(count,)``, float64, with the model's marked discrete variables summed out where ``enumerates`` says so.

**The posterior over real vectors.** ``posterior_of(model, args, kwargs)`` is that of a model alone, all of its discrete
variables summed out; ``density_of(joint)`` that of a fit, relative to the guide's scale. Both give a ``Density``, or
raise an error that says why there is none:

====================================  ==============================================================================
``density(vectors)``                  ``(dim,)`` to ``()``, ``(num, dim)`` to ``(num,)``; float64, differentiable
``density.gradient(vectors)``         the same, and the gradient, shaped as the vectors
``density.values(vectors)``           latent values by site; ``density.sites`` has deterministic sites too
``density.vectors(values)``           the inverse; ``initial(num, init_fn)`` and ``prior(num)`` are vectors to begin at
``CompiledDensity(density, engine)``  the first two on an engine; ``in_jax()`` is a function for samplers in JAX, and
                                      ``on(args, kwargs)`` has other data without another capture
====================================  ==============================================================================

``dry_run`` and ``unmarked`` are blocks that leave no mark; ``finding`` says which parameters and networks are read.
"""

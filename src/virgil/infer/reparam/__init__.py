"""Reparameterisers: a variable stated by way of others, for :func:`virgil.poutine.reparam`.

One a file. ``reparameteriser`` has their base and the statements that they make, ``coordinates`` that of those that
take a guide, ``wrapped_families`` the family inside of ``to_event`` and ``mask``, ``coupled_batch`` batch dims that a
map mixes, ``stable_parts`` what stable variables are made of. ``strategy`` is the base of rules that choose a
reparameteriser for each variable, ``auto`` and ``minimal`` are two. A file is loaded when its name is first asked for.
"""

from typing import TYPE_CHECKING

from virgil.distributions.core import lazy_names

if TYPE_CHECKING:
    from virgil.infer.reparam.auto import AutoReparam
    from virgil.infer.reparam.conjugate import ConjugateReparam
    from virgil.infer.reparam.discrete_cosine import DiscreteCosineReparam
    from virgil.infer.reparam.haar import HaarReparam
    from virgil.infer.reparam.hmm import LinearHMMReparam
    from virgil.infer.reparam.latent_stable import LatentStableReparam
    from virgil.infer.reparam.loc_scale import LocScaleReparam
    from virgil.infer.reparam.minimal import MinimalReparam
    from virgil.infer.reparam.neutra import NeuTraReparam
    from virgil.infer.reparam.projected_normal import ProjectedNormalReparam
    from virgil.infer.reparam.reparameteriser import Reparam
    from virgil.infer.reparam.softmax import GumbelSoftmaxReparam
    from virgil.infer.reparam.split import SplitReparam
    from virgil.infer.reparam.stable import StableReparam
    from virgil.infer.reparam.strategy import Strategy
    from virgil.infer.reparam.structured import StructuredReparam
    from virgil.infer.reparam.studentt import StudentTReparam
    from virgil.infer.reparam.symmetric_stable import SymmetricStableReparam
    from virgil.infer.reparam.transform import TransformReparam
    from virgil.infer.reparam.unit_jacobian import UnitJacobianReparam
else:
    _FILES = {
        "AutoReparam": "auto",
        "ConjugateReparam": "conjugate",
        "DiscreteCosineReparam": "discrete_cosine",
        "GumbelSoftmaxReparam": "softmax",
        "HaarReparam": "haar",
        "LatentStableReparam": "latent_stable",
        "LinearHMMReparam": "hmm",
        "LocScaleReparam": "loc_scale",
        "MinimalReparam": "minimal",
        "NeuTraReparam": "neutra",
        "ProjectedNormalReparam": "projected_normal",
        "Reparam": "reparameteriser",
        "SplitReparam": "split",
        "StableReparam": "stable",
        "Strategy": "strategy",
        "StructuredReparam": "structured",
        "StudentTReparam": "studentt",
        "SymmetricStableReparam": "symmetric_stable",
        "TransformReparam": "transform",
        "UnitJacobianReparam": "unit_jacobian",
    }
    __getattr__, __dir__ = lazy_names.load_from(__name__, {name: f"{__name__}.{file}" for name, file in _FILES.items()})

__all__ = [
    "AutoReparam",
    "ConjugateReparam",
    "DiscreteCosineReparam",
    "GumbelSoftmaxReparam",
    "HaarReparam",
    "LatentStableReparam",
    "LinearHMMReparam",
    "LocScaleReparam",
    "MinimalReparam",
    "NeuTraReparam",
    "ProjectedNormalReparam",
    "Reparam",
    "SplitReparam",
    "StableReparam",
    "Strategy",
    "StructuredReparam",
    "StudentTReparam",
    "SymmetricStableReparam",
    "TransformReparam",
    "UnitJacobianReparam",
]

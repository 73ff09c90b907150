"""Where single old names live that their old module's room does not have."""

from __future__ import annotations

__all__ = ["NAMES"]

# Where one name of an old module is, in place of the module's places.
_VALIDATION = "virgil.distributions.core.validation"
_SINE = "virgil.pyro.distributions.sine_bivariate_von_mises"
NAMES: dict[str, str] = {
    "pyro.contrib.autoname.autoname.AutonameMessenger": "virgil.contrib.autoname.automatic.Autoname",
    "pyro.contrib.autoname.autoname.NameScope": "virgil.pyro.contrib.scope_stack.NameScope",
    "pyro.contrib.autoname.autoname.ScopeStack": "virgil.pyro.contrib.scope_stack.ScopeStack",
    "pyro.contrib.autoname.autoname.genname": "virgil.contrib.autoname.automatic.fresh_name",
    "pyro.contrib.autoname.scoping.NameCountMessenger": "virgil.contrib.autoname.name_count.NameCount",
    "pyro.contrib.autoname.scoping.ScopeMessenger": "virgil.contrib.autoname.scope.Scope",
    "pyro.contrib.conjugate.infer.CollapseConjugateMessenger": "virgil.contrib.conjugate.collapse.CollapseConjugate",
    "pyro.contrib.conjugate.infer.UncollapseConjugateMessenger": (
        "virgil.contrib.conjugate.uncollapse.UncollapseConjugate"
    ),
    "pyro.contrib.randomvariable.random_variable.RVChainOps": (
        "virgil.contrib.randomvariable.random_variable.RandomVariable"
    ),
    "pyro.contrib.randomvariable.random_variable.RVMagicOps": (
        "virgil.contrib.randomvariable.random_variable.RandomVariable"
    ),
    "pyro.__version__": "virgil.pyro.release.VERSION",
    "pyro.distributions.BetaBinomial": "virgil.pyro.distributions.binomials.BetaBinomial",
    "pyro.distributions.Binomial": "virgil.pyro.distributions.binomials.Binomial",
    "pyro.distributions.ComposeTransformModule": "virgil.distributions.transforms.ComposeTransformModule",
    "pyro.distributions.ConditionalTransform": "virgil.distributions.transforms.ConditionalTransform",
    "pyro.distributions.ConditionalTransformModule": "virgil.distributions.transforms.ConditionalTransformModule",
    "pyro.distributions.ExponentialFamily": "virgil.pyro.distributions.base_classes.ExponentialFamily",
    "pyro.distributions.LKJCorrCholesky": "virgil.pyro.distributions.lkj.LKJCorrCholesky",
    "pyro.distributions.Rejector": "virgil.pyro.distributions.rejector.Rejector",
    "pyro.distributions.SineBivariateVonMises": f"{_SINE}.SineBivariateVonMises",
    "pyro.distributions.TransformModule": "virgil.distributions.transforms.TransformModule",
    "pyro.distributions.conjugate.BetaBinomial": "virgil.pyro.distributions.binomials.BetaBinomial",
    "pyro.distributions.hmm.HiddenMarkovModel": (
        "virgil.distributions.time_series.state_space.hidden_markov_model.HiddenMarkovModel"
    ),
    "pyro.distributions.is_validation_enabled": f"{_VALIDATION}.is_validating",
    "pyro.distributions.kl.sum_rightmost": "virgil.distributions.util.sum_rightmost",
    "pyro.distributions.lkj.LKJCorrCholesky": "virgil.pyro.distributions.lkj.LKJCorrCholesky",
    "pyro.distributions.mixture.MaskedConstraint": "virgil.distributions.constraints.MaskedConstraint",
    "pyro.distributions.relaxed_straight_through.QuantizeBernoulli": "virgil.ops.quantization.QuantizeBernoulli",
    "pyro.distributions.relaxed_straight_through.QuantizeCategorical": "virgil.ops.quantization.QuantizeCategorical",
    "pyro.distributions.sine_bivariate_von_mises.SineBivariateVonMises": f"{_SINE}.SineBivariateVonMises",
    "pyro.distributions.torch.Binomial": "virgil.pyro.distributions.binomials.Binomial",
    "pyro.distributions.transforms.CorrLCholeskyTransform": "virgil.distributions.transforms.CorrCholeskyTransform",
    "pyro.distributions.transforms.block_autoregressive.MaskedBlockLinear": (
        "virgil.networks.masked_block.MaskedBlockLinear"
    ),
    "pyro.distributions.transforms.block_autoregressive.log_matrix_product": (
        "virgil.networks.masked_block.log_matrix_product"
    ),
    "pyro.distributions.transforms.cholesky.CorrLCholeskyTransform": (
        "virgil.distributions.transforms.CorrCholeskyTransform"
    ),
    "pyro.distributions.transforms.radial.ConditionedRadial": (
        "virgil.pyro.distributions.radial_maps.ConditionedRadial"
    ),
    "pyro.distributions.transforms.utils.clamp_preserve_gradients": (
        "virgil.ops.straight_through.clamp_preserve_gradients"
    ),
    "pyro.distributions.util.enable_validation": f"{_VALIDATION}.enable_validation",
    "pyro.distributions.util.is_validation_enabled": f"{_VALIDATION}.is_validating",
    "pyro.distributions.util.validation_enabled": f"{_VALIDATION}.validation_enabled",
    "pyro.infer.enable_validation": f"{_VALIDATION}.enable_validation",
    "pyro.infer.is_validation_enabled": f"{_VALIDATION}.is_validating",
    "pyro.infer.util.enable_validation": f"{_VALIDATION}.enable_validation",
    "pyro.infer.util.is_validation_enabled": f"{_VALIDATION}.is_validating",
    "pyro.infer.util.validation_enabled": f"{_VALIDATION}.validation_enabled",
    "pyro.infer.validation_enabled": f"{_VALIDATION}.validation_enabled",
    "pyro.log": "virgil.pyro.logger.log",
    "pyro.poutine.enable_validation": f"{_VALIDATION}.enable_validation",
    "pyro.poutine.is_validation_enabled": f"{_VALIDATION}.is_validating",
    "pyro.poutine.messenger.Message": "virgil.poutine.messenger.Message",
    "pyro.poutine.subsample_messenger._Subsample": "virgil.poutine.plate.SubsampleIndices",
    "pyro.render_model": "virgil.pyro.infer.inspect.render_model",
}

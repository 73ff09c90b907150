"""The table of the alias: where each old module finds its names.

An old module is a row of a :class:`Room`. Its names are looked for at the room's places, in their order, unless
``NAMES`` (``names.py``) says where one of them is. A path that stands in no room does not exist; ``LATER`` has those
that will. ``paths.py`` reads the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["DEFAULTS", "LATER", "ROOMS", "ROOT", "Room"]

ROOT = "pyro"


@dataclass(frozen=True)
class Room:
    """An old package and the modules in it.

    Attributes:
        path: the package.
        places: the modules of Virgil where its names are looked for, and those of its modules that have no places of
            their own.
        modules: the names of modules in it whose names are at the same places.
        apart: by name of a module in it, its own places.
    """

    path: str
    places: tuple[str, ...]
    modules: str = ""
    apart: dict[str, tuple[str, ...]] = field(default_factory=dict)


_MESSENGERS = (
    "block_messenger broadcast_messenger collapse_messenger condition_messenger do_messenger enum_messenger "
    "equalize_messenger escape_messenger guide handlers indep_messenger infer_config_messenger lift_messenger "
    "markov_messenger mask_messenger messenger plate_messenger reentrant_messenger reparam_messenger replay_messenger "
    "runtime scale_messenger seed_messenger subsample_messenger substitute_messenger trace_messenger trace_struct "
    "uncondition_messenger"
)

ROOMS = (
    Room(
        "pyro",
        ("virgil",),
        "primitives",
        {
            "generic": ("virgil.pyro.generic",),
            "logger": ("virgil.pyro.logger",),
            "settings": ("virgil.pyro.settings",),
            "util": (
                "virgil.pyro.warned_values",
                "virgil.pyro.silenced_warnings",
                "virgil.pyro.blocks",
                "virgil.pyro.trace_checks",
                "virgil.pyro.drawn_trace",
                "virgil.pyro.dotted_names",
                "virgil.ops.random_state",
            ),
        },
    ),
    Room(
        "pyro.distributions",
        ("virgil.distributions",),
        "affine_beta asymmetriclaplace avf_mvn conjugate delta diag_normal_mixture "
        "diag_normal_mixture_shared_cov empirical extended folded gaussian_scale_mixture "
        "grouped_normal_normal hmm improper_uniform inverse_gamma lkj log_normal_negative_binomial logistic mixture "
        "multivariate_studentt nanmasked omt_mvn ordered_logistic polya_gamma "
        "projected_normal relaxed_straight_through sine_bivariate_von_mises sine_skewed "
        "softlaplace stable unit von_mises_3d "
        "zero_inflated",
        {
            "conditional": ("virgil.distributions.transforms", "virgil.distributions"),
            "coalescent": (
                "virgil.distributions",
                "virgil.distributions.constraints",
                "virgil.ops.phylogeny_times",
            ),
            "constraints": ("virgil.distributions.constraints",),
            "kl": ("virgil.distributions.kl", "virgil.distributions"),
            "distribution": ("virgil.distributions", "virgil.pyro.distributions.base_classes"),
            "one_one_matching": (
                "virgil.distributions.combinatorial.one_one_matching",
                "virgil.pyro.distributions.matchings",
            ),
            "one_two_matching": (
                "virgil.distributions.combinatorial.one_two_matching",
                "virgil.pyro.distributions.matchings",
            ),
            "rejector": ("virgil.pyro.distributions.rejector",),
            "score_parts": ("virgil.distributions.core.score_parts",),
            "spanning_tree": (
                "virgil.distributions.combinatorial.spanning_tree",
                "virgil.pyro.distributions.spanning_trees",
            ),
            "stable_log_prob": ("virgil.pyro.distributions.stable_log_prob",),
            "torch": ("virgil.distributions", "virgil.pyro.distributions.base_classes"),
            "torch_distribution": ("virgil.distributions.torch_distribution", "virgil.distributions"),
            "torch_transform": ("virgil.distributions.transforms",),
            "util": (
                "virgil.pyro.distributions.tensor_arguments",
                "virgil.pyro.distributions.copies",
                "virgil.pyro.distributions.decorators",
            ),
        },
    ),
    Room(
        "pyro.distributions.transforms",
        ("virgil.distributions.transforms",),
        "affine_autoregressive affine_coupling basic batchnorm block_autoregressive cholesky discrete_cosine "
        "generalized_channel_permute haar householder lower_cholesky_affine matrix_exponential neural_autoregressive "
        "normalize ordered permute planar polynomial power radial simplex_to_ordered softplus spline "
        "spline_autoregressive spline_coupling sylvester unit_cholesky utils",
    ),
    Room(
        "pyro.distributions.testing",
        (),
        "",
        {
            name: (f"virgil.pyro.distributions.testing.{name}",)
            for name in (
                "fakes",
                "gof",
                "naive_dirichlet",
                "rejection_exponential",
                "rejection_gamma",
                "special",
            )
        },
    ),
    Room(
        "pyro.infer",
        ("virgil.pyro.infer", "virgil.infer"),
        "csis energy_distance predictive renyi_elbo resampler rws smcfilter svgd svi "
        "trace_elbo trace_mean_field_elbo trace_mmd trace_tail_adaptive_elbo traceenum_elbo tracegraph_elbo "
        "tracetmc_elbo",
        {
            "abstract_infer": ("virgil.infer.importance",),
            "discrete": ("virgil.pyro.infer.discrete", "virgil.infer"),
            "importance": ("virgil.infer.importance",),
            "elbo": ("virgil.pyro.infer", "virgil.infer.elbo.elbo_module"),
            "enum": ("virgil.pyro.infer.enum", "virgil.infer"),
            "inspect": ("virgil.pyro.infer.inspect",),
            "util": ("virgil.pyro.infer.own_objectives",),
        },
    ),
    Room(
        "pyro.infer.autoguide",
        ("virgil.pyro.infer.autoguide", "virgil.infer.autoguide"),
        "effect gaussian structured",
        {
            "guides": ("virgil.pyro.infer.autoguide", "virgil.infer.autoguide", "virgil.pyro.dotted_names"),
            "initialization": ("virgil.infer.autoguide.initialization",),
            "utils": (
                "virgil.pyro.infer.autoguide.mean_field",
                "virgil.pyro.dotted_names",
                "virgil.pyro.support_errors",
            ),
        },
    ),
    Room("pyro.infer.mcmc", ("virgil.infer.mcmc",), "adaptation api hmc logger mcmc_kernel nuts rwkernel util"),
    Room(
        "pyro.infer.reparam",
        ("virgil.infer.reparam",),
        "conjugate discrete_cosine haar hmm loc_scale neutra projected_normal softmax stable strategies structured "
        "studentt transform unit_jacobian",
        {
            "reparam": ("virgil.infer.reparam", "virgil.poutine.reparam"),
            "split": ("virgil.infer.reparam.split", "virgil.infer.reparam"),
        },
    ),
    Room(
        "pyro.nn",
        ("virgil.pyro.nn.module", "virgil.nn"),
        "dense_nn",
        {
            "auto_reg_nn": ("virgil.nn", "virgil.pyro.nn.auto_reg_nn"),
            "module": ("virgil.pyro.nn.module", "virgil.nn"),
        },
    ),
    Room(
        "pyro.ops",
        (),
        "",
        {
            "arrowhead": ("virgil.ops.arrowhead",),
            "contract": ("virgil.pyro.ops.contract", "virgil.pyro.ops.plated_tree"),
            "dual_averaging": ("virgil.pyro.ops.dual_averaging",),
            "gamma_gaussian": ("virgil.ops.gamma_gaussian",),
            "gaussian": (
                "virgil.ops.gaussian",
                "virgil.ops.affine_normal",
                "virgil.ops.gaussian_chain",
            ),
            "hessian": ("virgil.ops.hessian",),
            "indexing": (
                "virgil.ops.indexing",
                "virgil.ops.nested_index",
            ),
            "integrator": ("virgil.pyro.ops.integrator",),
            "jit": ("virgil.pyro.ops.jit",),
            "linalg": ("virgil.pyro.ops.linalg",),
            "newton": ("virgil.ops.newton",),
            "packed": ("virgil.pyro.ops.packed",),
            "provenance": ("virgil.ops.provenance",),
            "rings": ("virgil.pyro.ops.rings",),
            "special": (
                "virgil.pyro.ops.special",
                "virgil.ops.quadrature",
                "virgil.ops.safe_logarithm",
            ),
            "ssm_gp": ("virgil.pyro.ops.ssm_gp",),
            "stats": (
                "virgil.ops.convergence",
                "virgil.ops.quantiles",
                "virgil.ops.resampling",
                "virgil.ops.scoring_rules",
                "virgil.ops.information_criterion",
                "virgil.ops.pareto_tail",
            ),
            "streaming": ("virgil.ops.streaming",),
            "tensor_utils": (
                "virgil.pyro.ops.tensor_utils",
                "virgil.ops.block_diagonal",
                "virgil.ops.cholesky",
                "virgil.ops.cosine_transform",
                "virgil.ops.fourier_convolution",
                "virgil.ops.haar_transform",
                "virgil.ops.matrix_powers",
                "virgil.ops.seasons",
                "virgil.ops.unit_vectors",
            ),
            "welford": ("virgil.pyro.ops.welford",),
        },
    ),
    Room(
        "pyro.ops.einsum",
        ("virgil.pyro.ops.einsum",),
        "",
        {
            "adjoint": ("virgil.pyro.ops.adjoint",),
            "torch_log": ("virgil.pyro.ops.einsum.torch_log",),
            "torch_map": ("virgil.pyro.ops.einsum.torch_map",),
            "torch_marginal": ("virgil.pyro.ops.einsum.torch_marginal",),
            "torch_sample": ("virgil.pyro.ops.einsum.torch_sample",),
            "util": ("virgil.pyro.ops.einsum.backend",),
        },
    ),
    Room(
        "pyro.optim",
        (
            "virgil.pyro.optim.pytorch_optimizers",
            "virgil.pyro.optim.optim",
            "virgil.pyro.optim.lr_scheduler",
            "virgil.pyro.optim.horovod",
            "virgil.optim",
        ),
        apart={
            "adagrad_rmsprop": ("virgil.optim.adagrad_rmsprop",),
            "clipped_adam": ("virgil.optim.clipped_adam",),
            "dct_adam": ("virgil.optim.dct_adam",),
            "horovod": ("virgil.pyro.optim.horovod",),
            "lr_scheduler": ("virgil.pyro.optim.lr_scheduler",),
            "multi": ("virgil.pyro.optim.multi",),
            "optim": ("virgil.pyro.optim.optim",),
            "pytorch_optimizers": ("virgil.pyro.optim.pytorch_optimizers",),
        },
    ),
    Room(
        "pyro.params",
        ("virgil.params", "virgil.pyro.params.param_store"),
        apart={"param_store": ("virgil.pyro.params.param_store",)},
    ),
    Room(
        "pyro.poutine",
        ("virgil.pyro.poutine", "virgil.poutine"),
        apart={
            **{name: (f"virgil.pyro.poutine.{name}",) for name in _MESSENGERS.split()},
            "util": (
                "virgil.pyro.poutine",
                "virgil.pyro.poutine.sites",
                "virgil.poutine.subsample_sites",
                "virgil.poutine.extensions",
            ),
        },
    ),
    Room(
        "pyro.contrib",
        (),
        "",
        {
            "autoguide": ("virgil.infer.autoguide",),
            "util": (
                "virgil.pyro.contrib.batched_matrices",
                "virgil.pyro.contrib.labelled_entries",
                "virgil.pyro.contrib.plates_of_shape",
                "virgil.pyro.contrib.weak_references",
            ),
            "minipyro": ("virgil", "virgil.poutine", "virgil.infer", "virgil.optim"),
            "zuko": ("virgil.contrib.zuko",),
        },
    ),
    Room(
        "pyro.contrib.autoname",
        ("virgil.contrib.autoname",),
        "autoname scoping",
        {"named": ("virgil.contrib.autoname.named",)},
    ),
    Room(
        "pyro.contrib.bnn",
        ("virgil.contrib.bnn",),
        "hidden_layer",
        {"utils": ("virgil.pyro.contrib.weight_matrices",)},
    ),
    Room("pyro.contrib.conjugate", ("virgil.contrib.conjugate",), "infer"),
    Room("pyro.contrib.easyguide", ("virgil.contrib.easyguide",), "easyguide"),
    Room("pyro.contrib.randomvariable", ("virgil.contrib.randomvariable",), "random_variable"),
)

# Old modules that are not there yet, and all below them.
LATER: dict[str, str] = {
    "pyro.contrib.cevae": "Write its model and guide in virgil",
    "pyro.contrib.epidemiology": "Write the compartments as a model in virgil.markov",
    "pyro.contrib.forecast": "Write the series as a model; virgil.infer.Predictive draws what follows",
    "pyro.contrib.funsor": "TraceEnum_ELBO sums discrete variables out as it is",
    "pyro.contrib.gp": "State a MultivariateNormal whose covariance is the kernel's",
    "pyro.contrib.mue": "Write the model in virgil.markov",
    "pyro.contrib.oed": "Design of experiments has no replacement yet",
    "pyro.contrib.timeseries": "Write the series in virgil.markov",
    "pyro.contrib.tracking": "Write the model in virgil.markov",
}

# Settings that old programs expect to be so.
DEFAULTS = {"mismatch": "warn"}

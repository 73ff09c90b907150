"""What a user calls: objectives, ``SVI``, guides, prediction."""

from virgil.infer import autoguide
from virgil.infer.elbo import ELBO, Trace_ELBO, TraceMeanField_ELBO
from virgil.infer.fit import Fit
from virgil.infer.predictive import Predictive
from virgil.infer.svi import SVI

__all__ = ["ELBO", "Fit", "Predictive", "SVI", "TraceMeanField_ELBO", "Trace_ELBO", "autoguide"]

"""Attributes of the binomial families by which old programs allow approximations.

Importing this file gives the classes of ``virgil.distributions`` the attributes ``approx_log_prob_tol``, an error that
``log_prob`` may have, and ``approx_sample_thresh``, a number of trials from which draws may be approximate. Programs
may set them; densities and draws are exact, so that any bound is kept.
"""

from __future__ import annotations

import math

from virgil.distributions import BetaBinomial, Binomial

__all__ = ["BetaBinomial", "Binomial"]

Binomial.approx_log_prob_tol = 0.0  # type: ignore[attr-defined]
Binomial.approx_sample_thresh = math.inf  # type: ignore[attr-defined]
BetaBinomial.approx_log_prob_tol = 0.0  # type: ignore[attr-defined]

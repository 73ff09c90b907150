"""Posteriors with known answers; a new one is a new row in the file of its kind.

Data are simulated from a seed, ship in scikit-learn or statsmodels, or are a table of eight rows in a paper.
"""

from benchmarks.accuracy.posteriors import conjugate, hierarchical, processes, regression, series
from benchmarks.accuracy.posteriors.posterior import Posterior

POSTERIORS: dict[str, Posterior] = {
    posterior.name: posterior
    for kind in (conjugate, regression, hierarchical, series, processes)
    for posterior in kind.POSTERIORS
}

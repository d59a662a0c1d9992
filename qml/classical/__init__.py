r"""The classical limit, with the losses of this library: likelihoods, regression, separable data, networks.

Diagonal states make S(rho, sigma) the classical cross entropy; continuous outputs have a classical likelihood each.
"""

from qml.classical.likelihoods import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    GaussianLikelihood,
    LaplaceLikelihood,
    Likelihood,
    perplexity,
)
from qml.classical.network import Network
from qml.classical.regression import LinearFit, linear_regression
from qml.classical.separation import separates, separating_direction

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "GaussianLikelihood",
    "LaplaceLikelihood",
    "Likelihood",
    "LinearFit",
    "Network",
    "linear_regression",
    "perplexity",
    "separates",
    "separating_direction",
]

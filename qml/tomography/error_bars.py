"""Error bars of numbers read off a tomography, in one form whatever they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from qml import losses
from qml._checks import InputError
from qml.operators import PauliSum
from qml.states import State
from qml.tomography.bootstrap import bootstrap
from qml.tomography.intervals import ProfileLikelihood, checked_level
from qml.tomography.result import TomographyResult

WORDS: dict[str, Callable[[State], Any]] = {"purity": State.purity, "entropy": State.entropy}


class Estimate(NamedTuple):
    """A number read off the state that was found, with its error."""

    quantity: str
    kind: str
    estimate: float
    standard_error: float | None
    low: float
    high: float
    level: float


def by_bootstrap(
    result: TomographyResult,
    quantities: Mapping[str, str | State | PauliSum],
    level: float,
    *,
    replicates: int = 100,
    resampling: Literal["parametric", "nonparametric"] = "parametric",
    interval: Literal["percentile", "basic"] = "percentile",
    seed: int = 0,
    only_checked: bool = False,
) -> list[Estimate]:
    """Repeat the experiment on the computer, and see how far numbers read off the state scatter.

    Parameters
    ----------
    replicates : int
        Records drawn.
    resampling : {"parametric", "nonparametric"}
        Of the state that was found, or of the frequencies.
    interval : {"percentile", "basic"}
        The quantiles themselves, or less the bias.
    """
    functions = {name: _function(quantity) for name, quantity in quantities.items()}
    replicates = min(replicates, 2) if only_checked else replicates
    drawn = bootstrap(result, functions, replicates=replicates, kind=resampling, seed=seed)
    errors = {name: (drawn.standard_error(name), *drawn.interval(name, level, kind=interval)) for name in functions}
    return [Estimate(name, "bootstrap", drawn.estimates[name], *errors[name], level) for name in functions]


def _function(quantity: str | State | PauliSum) -> Callable[[State], Any]:
    if isinstance(quantity, str):
        return WORDS[quantity]
    if isinstance(quantity, State):
        return lambda state: losses.fidelity(quantity, state)
    return lambda state: state.expect(quantity)


def by_interval(
    result: TomographyResult,
    quantities: Mapping[str, str | State | PauliSum],
    level: float,
    *,
    replicates: int = 200,
    seed: int = 0,
    only_checked: bool = False,
) -> list[Estimate]:
    """Values that the record does not rule out, by the likelihood ratio: of expectations, and of the fidelity with a
    pure state; right at the boundary of the states, too.

    Parameters
    ----------
    replicates : int
        Records drawn for each law; 0 takes chi-square in its place.
    """
    level, replicates = checked_level(level, replicates)
    found = []
    for name, quantity in quantities.items():
        if isinstance(quantity, str):
            raise InputError(f"an interval is of an expectation or a fidelity, not of {quantity}: use bootstrap.")
        profile = ProfileLikelihood(result.counts, quantity)
        if only_checked:
            continue
        ends = profile.interval(level, replicates=replicates, seed=seed)
        found.append(Estimate(name, "interval", profile.estimate, None, *ends, level))
    return found


ERROR_BARS: dict[str, Callable[..., list[Estimate]]] = {"bootstrap": by_bootstrap, "interval": by_interval}
"""Functions that give the error bars of quantities by name: words, states (for the fidelity) and operators."""

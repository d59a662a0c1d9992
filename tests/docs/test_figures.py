"""Every figure in the docs names what makes it.

`<!-- figures: COMMAND; COMMAND -->` holds up to the next mark or heading. A command is a test (`tests/x.py::name`),
`qml run STUDY`, or `python SCRIPT ARGUMENTS`; its arguments must parse. Tests compare the figures with what is computed
today; scripts that take long are there to be run by hand. `given` marks what is not measured: tolerances, constants,
arguments of an example.
"""

import ast
import importlib.util
import inspect
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
from helpers.cases import every

from qml import GibbsModel, cross_entropy, fidelity, fit, relative_entropy
from qml.classical.regression import _least_squares
from qml.fitting.priors import Gaussian
from qml.losses import Labelled, label_states
from qml.measurement import Counts, PauliMeasurement
from qml.models import ConditionalGibbsModel
from qml.principle import parity
from qml.states import DensityMatrix, GibbsState
from qml.studies.run.principle import read_principle
from qml.studies.spec.config import read_study
from qml.studies.spec.source import is_principle
from qml.tomography import maximum_likelihood

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/explanation/*.md")), *sorted(ROOT.glob("docs/how_to/*.md"))]
PAGES += sorted(ROOT.glob("experiments/**/*.md"))
MARK = re.compile(r"<!-- figures: (.*?) -->")
UNITS = "(?:%|(?:percent|ns|µs|ms|s|seconds|MB|MiB|GB|GiB|nats|times)\\b)"
FIGURE = re.compile(rf"(?<![\w.:/^-])(?:\d+\.\d+(?:e-?\d+)?|\d+e-\d+|\d+\s?{UNITS})")
NOT_FIGURES = re.compile(r"`[^`]*`|\]\([^)]*\)|\$[^$]*\$|arXiv:[\d.]+|Python [\d.]+|SLURM [\d.]+|^#.*")


@dataclass(frozen=True)
class Line:
    """A line of a page outside its listings, and the commands of the mark that it stands under."""

    page: Path
    number: int
    text: str
    commands: tuple[str, ...]

    @property
    def figures(self) -> list[str]:
        return FIGURE.findall(NOT_FIGURES.sub(" ", self.text))


def lines(page: Path) -> Iterator[Line]:
    commands: tuple[str, ...] = ()
    listing = False
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if text.startswith("```"):
            listing = not listing
        if listing:
            continue
        if text.startswith("#"):
            commands = ()
        if found := MARK.fullmatch(text.strip()):
            commands = tuple(command.strip() for command in found[1].split(";"))
        else:
            yield Line(page, number, text, commands)


ALL = [line for page in PAGES for line in lines(page)]
COMMANDS = sorted({command for line in ALL for command in line.commands} - {"given"})


def test_every_figure_stands_under_a_mark() -> None:
    bare = [f"{x.page.relative_to(ROOT)}:{x.number}: {x.figures}" for x in ALL if x.figures and not x.commands]
    assert bare == []
    assert sum(len(x.figures) for x in ALL) > 300


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for the module of a class
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


@every("command", COMMANDS)
def test_every_command_exists_and_its_arguments_parse(command: str, tmp_path: Path) -> None:
    if "::" in command:
        path, name = command.split("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        return
    program, *arguments = shlex.split(command)
    if program == "qml":
        assert arguments[0] == "run"
        study = ROOT / arguments[1]
        assert read_principle(study) if is_principle(study) else read_study(study)
        return
    assert program == "python"
    path = ROOT / arguments.pop(0)
    source = path.read_text(encoding="utf-8")
    if "@click.command" not in source:  # argparse, or no arguments at all
        assert all(f'"{word}"' in source for word in arguments if word.startswith("--"))
        return
    before = set(sys.modules)
    (tmp_path / "RECORD.json").write_text("{}")
    arguments = [str(tmp_path / word) if word == "RECORD.json" else word for word in arguments]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path.parent))
        script(path).main.make_context(path.stem, arguments)
    for name in set(sys.modules) - before:  # scripts of several folders have modules of one name
        if str(ROOT / "experiments") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_every_check_of_figures_stands_behind_a_mark() -> None:
    here = f"tests/docs/{Path(__file__).name}::"
    checks = {name for name, item in globals().items() if name.startswith("test_figures_of") and callable(item)}
    assert checks == {command.removeprefix(here) for command in COMMANDS if command.startswith(here)}


def quoted() -> list[Line]:
    """The lines that stand under the mark of the test that asks."""
    caller = inspect.stack()[1].function
    found = [x for x in ALL if any(command.endswith(f"::{caller}") for command in x.commands)]
    assert found
    return found


def said(pattern: str, rows: list[Line]) -> list[str]:
    """The numbers that `pattern` has in its groups, in the joined text."""
    found = re.search(pattern.replace(" ", r"\s+"), " ".join(row.text for row in rows))
    assert found, pattern
    return list(found.groups())


def agree(text: str, value: float) -> bool:
    """Whether `text` is `value`, rounded to the digits that it has."""
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2])
    return abs(float(text) - value) <= 0.5000001 * 10.0 ** (int(exponent or 0) - digits)


def test_figures_of_iris() -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    x, y = load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    model = ConditionalGibbsModel([np.diag(row) for row in np.eye(3)], 4, bias=False)
    prior = Gaussian(1.0, copies=len(x))
    newton, lbfgs = (
        fit(model, Labelled(x, label_states(y, 3)), optimizer=name, prior=prior, seed=0, gradient_tolerance=1e-12)
        for name in ("newton", "lbfgs")
    )
    theirs = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-12, solver="newton-cholesky").fit(x, y)
    steps, within, others = said(r"takes (\d+) steps .* within (\S+), where L-BFGS takes (\d+)\.", quoted())
    assert newton.iterations == int(steps)
    assert abs(lbfgs.iterations - int(others)) <= 4  # as rounding has it
    assert np.abs(-newton.params.reshape(3, 4) - theirs.coef_).max() < float(within)


def test_figures_of_parity() -> None:
    first, second, nats = said(r"at means (\S+) and (\S+), D is still (\S+) nats", quoted())
    q = parity.parity_data(np.array([[float(first), float(second)]]))
    p = parity.classical(q)
    assert agree(nats, float(np.where(q > 0, q * np.log(np.where(q > 0, q, 1.0) / p), 0.0).sum()))
    (bound,) = said(r"the optimizer gets below (\S+) nats", quoted())
    assert parity._learn((float(first), float(second))).loss < float(bound)


def test_figures_of_the_bures_metric() -> None:
    """1 - F = d.g.d/4 to second order in the parameters at full rank, and not where the rank changes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 2, 2))
    model = GibbsModel([a + a.T for a in x])
    theta, d = np.array([0.3, -0.2]), np.array([1.0, 0.5])
    metric = model.metric(theta, "bures").matrix()
    for h in (1e-2, 1e-3):
        infidelity = 1 - float(fidelity(model.state(theta), model.state(theta + h * d)))
        assert infidelity == pytest.approx(h * h * d @ metric @ d / 4, rel=5 * h)
    zero = DensityMatrix.from_probabilities([1.0, 0.0])
    for t in (1e-2, 1e-4):  # first order: no metric gives it
        assert 1 - float(fidelity(zero, DensityMatrix.from_probabilities([1 - t, t]))) == pytest.approx(t, rel=1e-9)
    assert any("of unchanged rank" in row.text for row in quoted())


def test_figures_of_tomography_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """At three qubits; the larger ones take seconds. The step in which a run ends depends on how NumPy rounds sums."""
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "benchmarks"))
    counts = Counts(PauliMeasurement(3), script(ROOT / "experiments" / "benchmarks" / "w6.py").data(3).counts.ravel())
    for name in ("problems", "workload"):
        sys.modules.pop(name, None)
    for method, factor in (("conjugate_gradient", 1.15), ("accelerated", 3)):
        (steps,) = said(rf"\| {method} \| (\d+) steps", quoted())
        found = maximum_likelihood(counts, method=method)
        assert found.converged
        assert int(steps) / factor < found.iterations < factor * int(steps)


def test_the_error_of_a_relative_entropy_to_a_gibbs_state_is_that_of_its_generator() -> None:
    """D of a frozen ground state is zero, and comes out within eps ||K|| of it, which is far more than eps S."""
    rng, eps = np.random.default_rng(0), np.finfo(float).eps
    worst = 0.0
    for _ in range(10):
        u = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
        k = 1e6 * (u * [0.0, 0.3, 0.7, 1.0]) @ u.conj().T
        k = (k + k.conj().T) / 2
        rho = DensityMatrix.from_vector(np.linalg.eigh(k)[1][:, 0])
        worst = max(worst, abs(float(relative_entropy(rho, GibbsState(k)))))
        assert abs(float(cross_entropy(rho, GibbsState(k)))) < 8 * eps * 1e6
    assert worst > 1e-12
    assert "eps \\|\\|K\\|\\|" in str(relative_entropy.__doc__)


@pytest.mark.parametrize(("condition", "error"), [(1e5, 1e-13), (3e7, 1e-10)])
def test_least_squares_are_as_good_as_their_docstring_says(condition: float, error: float) -> None:
    rng, refined, plain = np.random.default_rng(1), 0.0, 0.0
    for _ in range(5):
        q, v = (np.linalg.qr(rng.normal(size=(m, 4)))[0] for m in (20, 4))
        x = (q * np.geomspace(1, 1 / condition, 4)) @ v.T
        y = x @ rng.normal(size=4) + 0.1 * rng.normal(size=20)
        with mpmath.workdps(50):
            a, b = mpmath.matrix(x.tolist()), mpmath.matrix(y.tolist())
            exact = np.array([float(z) for z in mpmath.lu_solve(a.T * a, a.T * b)])
        scale = np.abs(exact).max()
        refined = max(refined, np.abs(_least_squares(x, y) - exact).max() / scale)
        r = np.linalg.qr(x)
        plain = max(plain, np.abs(np.linalg.solve(r[1], r[0].T @ y) - exact).max() / scale)
    assert refined < error < plain
    assert f"{error:.0e}".replace("e-0", "e-") in str(_least_squares.__doc__)

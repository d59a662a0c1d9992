"""The package and its command load what they need when they need it, and its public names exist."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import qml

HEAVY = ("qutip", "matplotlib", "llvmlite", "pydantic", "jax", "torch", "sklearn", "rich", "yaml")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_loads_no_other_package() -> None:
    """Not even NumPy: it takes milliseconds."""
    loaded = {name.partition(".")[0] for name in python("import sys, qml; print(' '.join(sys.modules))").split()}
    assert "qml" in loaded
    assert not {"numpy", "scipy", *HEAVY} & loaded


def test_states_and_losses_need_nothing_heavy() -> None:
    code = "import sys, qml; qml.cross_entropy(qml.ghz(2), qml.ghz(2)); qml.CircuitModel; print(' '.join(sys.modules))"
    assert not {*HEAVY, "scipy.optimize"} & set(python(code).split())


def test_fits_of_gibbs_models_need_nothing_heavy() -> None:
    fit = "qml.fit(qml.GibbsModel.all_paulis(1), qml.maximally_mixed(1), seed=0, max_iterations=1, progress=False)"
    assert not {*HEAVY, "scipy.optimize"} & set(python(f"import sys, qml; {fit}; print(' '.join(sys.modules))").split())


def test_studies_do_not_need_the_optimizers_of_scipy() -> None:
    """Which take a fifth of a second."""
    assert "scipy.optimize" not in python("import sys, qml.studies.run.run; print(' '.join(sys.modules))").split()


def test_the_command_shows_its_help_without_numpy() -> None:
    code = (
        "import sys\nfrom qml.studies.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(' '.join(sys.modules))"
    )
    loaded = python(code).splitlines()[-1].split()
    assert not {"numpy", "scipy", *HEAVY} & set(loaded)


def test_public_names_are_those_of_the_stub() -> None:
    stub = ast.parse((Path(qml.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    names = {a.asname or a.name for node in stub.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert set(qml.__all__) == names
    for name in names:
        assert getattr(qml, name) is not None
    assert qml.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no_such_name"):
        qml.no_such_name  # noqa: B018

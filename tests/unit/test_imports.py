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


def test_what_is_used_loads_no_more_than_it_needs() -> None:
    """One process uses one part after the other; SciPy's optimizers take a fifth of a second."""
    uses = {
        "states and losses": "qml.cross_entropy(qml.ghz(2), qml.ghz(2)); qml.CircuitModel",
        "fits": "qml.fit(qml.GibbsModel(['Z']), qml.maximally_mixed(1), seed=0, max_iterations=1, progress=False)",
        "engines": "qml.engines.Engine; qml.engines.JaxEngine()",
        "a function of JAX": "qml.jax.loss",
        "studies": "import qml.studies.run.run",
    }
    code = "\n".join(["import sys, qml", *(f"{use}\nprint(' '.join(sys.modules))" for use in uses.values())])
    loaded = dict(zip(uses, (set(line.split()) for line in python(code).splitlines()), strict=True))
    for use, modules in loaded.items():
        needed = {"pydantic", "yaml", "rich"} if use == "studies" else set()
        assert not {*HEAVY, "scipy.optimize"} & modules - needed, use


def test_the_command_shows_its_help_without_numpy() -> None:
    code = (
        "import sys\nfrom qml.studies.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(' '.join(sys.modules))"
    )
    loaded = python(code).splitlines()[-1].split()
    assert not {"numpy", "scipy", *HEAVY} & set(loaded)


def test_estimators_say_what_they_need() -> None:
    code = (
        "import sys\nsys.modules['sklearn'] = None\n"
        "try:\n    import qml.estimators\nexcept ValueError as error:\n    print(error)"
    )
    assert python("import qml\n" + code) == (
        "qml.estimators needs sklearn, which is not installed: run pip install 'qmaxlik[data]'."
    )


def test_public_names_are_those_of_the_stub() -> None:
    stub = ast.parse((Path(qml.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    names = {a.asname or a.name for node in stub.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert set(qml.__all__) == names
    for name in names:
        assert getattr(qml, name) is not None
    assert qml.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="no_such_name"):
        qml.no_such_name  # noqa: B018

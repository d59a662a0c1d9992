"""A loss, an optimizer, a model and an engine take three files at most each, and the contracts of all the others hold
for them. Gates and channels: test_adding.py."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cases import cases_in_copy

ROOT = Path(__file__).parents[2]

LOSS = {
    "qml/losses/twice.py": {
        "": """
from qml.losses.divergences import HilbertSchmidt

class Twice(HilbertSchmidt):
    name = "twice"

    def value(self, target, sigma):
        return 2 * super().value(target, sigma)

    def value_and_cotangent(self, target, sigma):
        difference = sigma.matrix() - target.matrix()
        return self.value(target, sigma), sigma.pull_matrix(4 * difference)
"""
    },
    "qml/losses/__init__.py": {
        "LOSSES: dict[str, type[Loss]] =": "from qml.losses.twice import Twice\n",
        "CrossEntropy, RelativeEntropy, Renyi": "Twice, ",
    },
}
OPTIMIZER = {
    "qml/optimizers/halving.py": {
        "": """
from dataclasses import dataclass
from typing import ClassVar
from qml.optimizers.base import Optimizer, halved

@dataclass(frozen=True)
class Halving(Optimizer):
    name: ClassVar[str] = "halving"

    def step(self, objective, point, state):
        return halved(objective, point, -0.3 * point.gradient, lambda after: after.value < point.value), {}
"""
    },
    "qml/optimizers/__init__.py": {
        "OPTIMIZERS: dict[": "from qml.optimizers.halving import Halving\n",
        "        NaturalGradient,\n        MirrorDescent,\n        Adam": "        Halving,\n",
    },
}
MODEL = {
    "qml/models/tilted.py": {
        "": """
from qml.models.cholesky import CholeskyModel

class TiltedModel(CholeskyModel):
    pass
"""
    },
    "qml/models/__init__.py": {
        "MODELS: dict[": "from qml.models.tilted import TiltedModel\n",
        '    "cholesky": ': '    "tilted": TiltedModel,\n',
    },
    "tests/unit/test_models.py": {
        "MODELS_UNDER_TEST = {": "from qml.models.tilted import TiltedModel\n",
        '    "Cholesky": ': '    "tilted": lambda: TiltedModel((2, 2)),\n',
    },
}
ENGINE = {
    "qml/engines/mine.py": {
        "": """
from qml.engines.reference import ReferenceEngine

class MyEngine(ReferenceEngine):
    pass
"""
    },
    "qml/engines/__init__.pyi": {"from .pauli.engine ": "from .mine import MyEngine as MyEngine\n"},
    "qml/engines/registry.py": {
        "from qml.engines.pauli": "from qml.engines.mine import MyEngine\n",
        '"pauli": PauliEngine': '"mine": MyEngine, ',
    },
}
EXTENSIONS = [LOSS, OPTIMIZER, MODEL, ENGINE]
"""By file: before which text comes what. The whole of a file that is new stands before nothing."""
CONTRACTS = {
    "test_engines.py": ("mine",),
    "test_losses.py": ("test_cotangent_is_the_derivative_of_the_value",),
    "test_optimizers.py": ("halving",),
    "test_models.py": ("test_pullback_is_the_derivative", "test_every_registered_kind_is_under_test"),
}
"""What is run of each contract: the tests of a new name, or a test that tries every kind there is."""
TRIED = {"test_losses.py": "twice", "test_models.py": "tilted"}
"""The new names among the cases of these files."""


@pytest.mark.slow
def test_what_is_new_is_under_the_contracts_of_its_kind(tmp_path: Path) -> None:
    for part in ("qml", "tests", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    for files in EXTENSIONS:
        assert len(files) <= 3
        for name, changes in files.items():
            for before, text in changes.items():
                old = (tmp_path / name).read_text(encoding="utf-8") if before else ""
                assert before == "" or old.count(before) == 1, f"{before!r} stands {old.count(before)} times in {name}"
                (tmp_path / name).write_text(old.replace(before, text + before) if before else text, encoding="utf-8")
    names = " or ".join(sorted({name for names in CONTRACTS.values() for name in names}))
    options = ["-n", "0", "-v", "--randomly-dont-reorganize", "-p", "no:cacheprovider", "-k", names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(f"tests/unit/{file}" for file in CONTRACTS)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    for file, names in CONTRACTS.items():
        for name in names:
            assert re.search(rf"tests/unit/{file}::\S*{name}\S*.* PASSED", done.stdout), f"{file} ran nothing on {name}"
    for file, name in TRIED.items():
        assert any(name in case for case in cases_in_copy(tmp_path, f"tests/unit/{file}")), f"{file} did not try {name}"

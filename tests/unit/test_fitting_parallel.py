"""Restarts side by side: the same result to the bit as one after the other; Ctrl-C keeps the best so far."""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import loky
import numpy as np
import pytest
from helpers.fits import same

import qml
from qml import CircuitModel, GibbsModel, channels, circuits, fit, ghz, thermal
from qml._checks import InputError
from qml.engines.reference import ReferenceEngine
from qml.fitting import Gaussian, parallel
from qml.operators import tfim
from qml.states import ginibre

RHO = ginibre((2, 2), np.random.default_rng(1))
NOISY = CircuitModel(
    circuits.hardware_efficient(2, 1).then(channels.Depolarizing("p", 0), channels.Depolarizing(0.2, 1)),
    engine=ReferenceEngine(),
)


class Here:
    """Does what it is handed at once, as another process would: on a copy of it. Ctrl-C comes as it waits for some."""

    def __init__(self, interrupts=(), begin=10**6):
        self.interrupts, self.begin, self.submitted, self.killed = set(interrupts), begin, 0, False

    def submit(self, function, *arguments):
        future = Waited(self.submitted in self.interrupts)
        self.submitted += 1
        if self.submitted <= self.begin:
            try:
                future.set_result(function(*pickle.loads(pickle.dumps(arguments))))
            except Exception as error:
                future.set_exception(error)
        return future

    def shutdown(self, wait, kill_workers):
        self.killed = True


class Waited(Future):
    def __init__(self, interrupted):
        super().__init__()
        self.interrupted = interrupted

    def result(self, timeout=None):
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        return super().result(timeout)


@pytest.fixture
def here(monkeypatch):
    def use(**options):
        pool = Here(**options)
        monkeypatch.setattr(loky, "get_reusable_executor", lambda workers, **_: pool)
        return pool

    return use


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (GibbsModel.all_paulis(2), {"restarts": 3, "optimizer": "adam", "prior": Gaussian(2.0)}),
        (NOISY, {"restarts": 3, "params0": [0.3] * NOISY.n_params, "track_fidelity": True}),
        (NOISY, {"restarts": 2, "validation": thermal(tfim(2), 1.0), "patience": 3}),
    ],
)
def test_the_result_is_the_same_to_the_bit(here, model, options):
    pool = here()
    options = {"seed": 3, "max_iterations": 8, **options}
    same(fit(model, RHO, workers=2, **options), fit(model, RHO, **options))
    assert pool.submitted == options["restarts"]
    streams = {key: value for key, value in options.items() if key != "seed"}
    found = [fit(model, RHO, workers=w, seed=np.random.default_rng(7), **streams) for w in (1, 2)]
    same(*found)


def test_ctrl_c_keeps_the_restarts_that_are_done_and_leaves_out_those_that_have_not_begun(here):
    pool = here(interrupts=[1], begin=2)
    result = fit(NOISY, RHO, workers=2, restarts=4, seed=3, max_iterations=8)
    same(result, fit(NOISY, RHO, restarts=2, seed=3, max_iterations=8))
    assert not pool.killed


def test_ctrl_c_ends_the_others_at_their_next_iterate(tmp_path):
    """As a process sees it: where the file is, a restart ends after one iterate, and none begins."""
    objective = qml.fitting.Objective(NOISY, RHO, qml.CrossEntropy())
    rules = qml.fitting.restart.Rules(50, 1e-8, 0.0, (), False, None, 10)
    restart = (objective, rules, 0, qml.optimizers.LBFGS(), None, np.random.default_rng(0))

    class Appears(type(tmp_path)):
        looks = 0

        def exists(self, **_):
            Appears.looks += 1
            return Appears.looks > 4

    part = parallel._run(*restart, {"kernels": None, "blas": None}, Appears(tmp_path / "stop"))
    assert len(part["entries"]) == 4
    assert part["why"] == ""
    assert parallel._run(*restart, {"kernels": None, "blas": None}, tmp_path) is None


def test_a_second_ctrl_c_and_what_a_restart_raises_end_all(here):
    pool = here(interrupts=[0, 1])
    with pytest.raises(KeyboardInterrupt):
        fit(NOISY, RHO, workers=2, restarts=3, seed=3, max_iterations=2)
    assert pool.killed

    class Broken(GibbsModel):
        def __reduce__(self):
            raise TypeError("cannot pickle 'lock' object")

    with pytest.raises(InputError, match="workers must be 1 here, for something of this fit cannot be sent"):
        fit(Broken(tfim(2)), RHO, workers=2, restarts=2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"callbacks": [print]}, "workers must be 1 here, since callbacks see one restart after the other; found 2"),
        ({"checkpoint": "fit.npz"}, "workers must be 1 here, since a checkpoint continues one restart after the other"),
        ({"workers": 0}, "workers must be an integer of at least 1"),
    ],
)
def test_sentences(options, sentence):
    with pytest.raises(InputError, match=sentence):
        fit(NOISY, RHO, **{"workers": 2, "restarts": 2, **options})


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from qml import GibbsModel, fit, ghz
from qml.operators import tfim

class Slow(GibbsModel):
    "Of this script: each evaluation takes a moment, and says that it has begun."
    def state_vjp(self, params):
        Path(sys.argv[1]).touch()
        time.sleep(0.005)
        return super().state_vjp(params)

result = fit(Slow(tfim(2)), ghz(2), workers=2, restarts=6, seed=1, optimizer="adam", max_iterations=10**6)
assert "interrupted (Ctrl-C) after" in result.status, result.status
assert 1 <= len(result.restarts) <= 4, result.restarts
assert np.isfinite(result.loss)
"""


ONE_IS_LATE = """
import os, sys, time
if "loky" in " ".join(sys.orig_argv) and "--pipe" in sys.orig_argv:
    try:
        os.mkdir("first")
    except FileExistsError:
        os.mkdir("second")
        while not os.path.exists("interrupted"):
            time.sleep(0.01)
"""


@pytest.mark.slow
@pytest.mark.parametrize("one_is_late", [False, True])
def test_processes_are_stopped_by_a_real_ctrl_c(tmp_path: Path, one_is_late: bool):
    """Also where it finds a process that has not come to its first line of ours."""
    begun = tmp_path / "begun"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(qml.__file__).parents[1]}"}
    (tmp_path / "script.py").write_text(SCRIPT)
    if one_is_late:
        (tmp_path / "sitecustomize.py").write_text(ONE_IS_LATE)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(begun)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, start_new_session=True, cwd=tmp_path,
    )  # fmt: skip
    while not begun.exists() or (one_is_late and not (tmp_path / "second").exists()):
        assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
    (tmp_path / "interrupted").mkdir()
    _, stderr = process.communicate()
    assert (process.returncode, stderr) == (0, "")


@pytest.mark.slow
def test_real_processes_give_the_same_bits():
    model, options = CircuitModel(circuits.hardware_efficient(3, 1).then(channels.Depolarizing(0.1, 0))), {"seed": 5}
    options |= {"restarts": 3, "max_iterations": 30}
    same(fit(model, thermal(tfim(3), 1.0), workers=2, **options), fit(model, thermal(tfim(3), 1.0), **options))
    again = fit(NOISY, ghz(2), workers=2, restarts=2, seed=0, max_iterations=3)
    same(again, fit(NOISY, ghz(2), restarts=2, seed=0, max_iterations=3))

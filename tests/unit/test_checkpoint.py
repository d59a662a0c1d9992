"""Checkpoints of fits: continued to the bit, whatever broke them off; damaged and foreign ones are refused."""

import errno
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from helpers.fits import same

from qml import CircuitModel, GibbsModel, channels, fit, gates, thermal
from qml import _files as files
from qml._checks import InputError
from qml.circuits import Circuit
from qml.engines.reference import ReferenceEngine
from qml.fitting import Checkpoint, FitResult, Gaussian
from qml.fitting import checkpoint as checkpoints
from qml.fitting.checkpoint import read
from qml.losses import Labelled
from qml.models import ConditionalGibbsModel, HiddenGibbsModel, Model
from qml.operators import tfim
from qml.optimizers import LBFGS, OPTIMIZERS, SPSA, Adam, NaturalLBFGS, StochasticAdam
from qml.states import DensityMatrix, ginibre

RHO = ginibre((2, 2), np.random.default_rng(1))
FACTOR = np.linalg.cholesky(RHO.matrix())
ENSEMBLE = DensityMatrix.from_factor(FACTOR / np.linalg.norm(FACTOR), (2, 2))
GIBBS = GibbsModel.all_paulis(2)
HIDDEN = HiddenGibbsModel(tfim(3))
NOISY = CircuitModel(
    Circuit(
        2, [gates.RY("a", 0), gates.CNOT(0, 1), gates.RX("b", 1), *(channels.Depolarizing(0.3, k) for k in (0, 1))]
    ),
    engine=ReferenceEngine(),
)
CONDITIONAL = ConditionalGibbsModel(tfim(2), 2)
LABELS, HELD_OUT = (
    Labelled(rng.normal(size=(7, 2)), ginibre((2, 2), rng, batch=7)) for rng in map(np.random.default_rng, (2, 3))
)


class Coin(Model):
    """diag(1 - t, t), cut to [0, 1]: an infinite wall, into which the first step of L-BFGS runs."""

    dims = (2,)
    parameter_names = ("t",)

    def __repr__(self):
        return "Coin()"

    def init_params(self, rng):
        return rng.uniform(0.01, 0.03, 1)

    def state(self, params):
        t = float(np.clip(params[0], 0.0, 1.0))
        return DensityMatrix.from_probabilities([1 - t, t])

    def state_vjp(self, params):
        return self.state(params), lambda g: np.array([g[1] - g[0]])


def case(model, target, optimizer, **rest):
    return (model, target), {"optimizer": optimizer, "seed": 5, "restarts": 2, "max_iterations": 12, **rest}


CASES = {
    **{name: case(GIBBS, RHO, make()) for name, make in OPTIMIZERS.items()},
    "lbfgs": case(GIBBS, RHO, LBFGS(memory=3), max_iterations=1000),
    "stochastic_adam": case(GIBBS, ENSEMBLE, StochasticAdam(batch_size=3, seed=2)),
    "spsa": case(NOISY, RHO, SPSA(seed=4)),
    "parameter_shift": case(NOISY, RHO, OPTIMIZERS["parameter_shift"]()),
    "natural_lbfgs, both sorts of steps": case(HIDDEN, RHO, NaturalLBFGS(), max_iterations=40),
    "lbfgs at a wall": case(Coin(), DensityMatrix.from_probabilities([0.25, 0.75]), LBFGS()),
    "lbfgs until it stalls": case(GIBBS, RHO, LBFGS(), gradient_tolerance=0.0),
    "prior, validation, fidelity": case(
        GIBBS, RHO, LBFGS(), prior=Gaussian(2.0), validation=thermal(tfim(2), 1.0), patience=3, track_fidelity=True
    ),
    "labels, some held out": case(CONDITIONAL, LABELS, LBFGS(), validation=HELD_OUT, patience=3),
}


class Breaker:
    """A callback that raises at its call of this number."""

    def __init__(self, at, error):
        self.left, self.error = at, error

    def __call__(self, iteration):
        self.left -= 1
        if self.left == 0:
            raise self.error


def begun(path, at=6, every=1, **changed):
    """Checkpoints of a fit that was broken off; the fit as (model, target), keywords."""
    arguments, keywords = case(GIBBS, RHO, Adam(), **changed)
    with pytest.raises(ZeroDivisionError):
        fit(*arguments, checkpoint=Checkpoint(path, iterations=every), callbacks=[Breaker(at, ZeroDivisionError())],
            **keywords)  # fmt: skip
    return arguments, keywords


@pytest.mark.parametrize("name", CASES)
def test_a_fit_that_is_continued_is_the_uninterrupted_one_to_the_bit(name, tmp_path):
    arguments, keywords = CASES[name]
    whole = fit(*arguments, **keywords)
    rng = np.random.default_rng(sum(name.encode()))
    where, broken = Checkpoint(tmp_path / "fit.npz", iterations=2), 0
    longest = sum(restart.iterations + 1 for restart in whole.restarts) // 3
    for _ in range(500):
        error = KeyboardInterrupt() if rng.random() < 0.5 else ZeroDivisionError()
        breaker = Breaker(int(rng.integers(2, max(4, longest))), error)
        try:
            found = fit(*arguments, checkpoint=where, resume=True, callbacks=[breaker], **keywords)
        except (ZeroDivisionError, KeyboardInterrupt):
            broken += 1
            continue
        if "interrupted" not in found.status:
            break
        broken += 1
        assert ("continue with resume=True" in found.status) == where.file.exists()
    assert broken >= 2
    assert found.provenance["checkpoint"] == {
        "path": str(where.path),
        "resumed": True,
        "exact": True,
        "refused": [],
        "problem": "",
    }
    same(found, whole)


def test_ctrl_c_amid_an_evaluation_loses_no_iterate(tmp_path, monkeypatch):
    arguments, keywords = CASES["lbfgs"]
    whole, evaluate, left = fit(*arguments, **keywords), GibbsModel.state_vjp, 9

    def interrupted(self, params):
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return evaluate(self, params)

    monkeypatch.setattr(GibbsModel, "state_vjp", interrupted)
    cut = fit(*arguments, checkpoint=tmp_path / "fit.npz", **keywords)
    assert cut.status.startswith("interrupted (Ctrl-C) after ")
    assert len(read(tmp_path / "fit.npz")["restarts"][0]["entries"]) == len(cut.history)
    same(fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, **keywords), whole)


def test_callbacks_hear_of_the_iterates_since(tmp_path):
    arguments, keywords = begun(tmp_path / "fit.npz", at=6)
    heard = []
    fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, callbacks=[heard.append], **keywords)
    assert [(i.restart, i.iteration) for i in heard] == [(0, k) for k in range(5, 13)] + [(1, k) for k in range(13)]


def test_a_fit_that_a_callback_stopped_goes_on(tmp_path):
    arguments, keywords = CASES["adam"]
    fit(*arguments, checkpoint=tmp_path / "fit.npz", callbacks=[lambda i: i.iteration == 4], **keywords)
    same(
        fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, **keywords),
        fit(*arguments, **keywords),
    )


def test_fresh_entropy_is_remembered(tmp_path):
    arguments, keywords = begun(tmp_path / "fit.npz", seed=None)
    found = fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, **keywords)
    same(found, fit(*arguments, **{**keywords, "seed": found.seed}))


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_streams_of_a_generator_are_remembered(bits, tmp_path):
    """The generator may have spawned them already: they are not spawned anew."""
    rng = np.random.Generator(bits(8))
    arguments, keywords = begun(tmp_path / "fit.npz", seed=rng)
    found = fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, **keywords)
    same(found, fit(*arguments, **{**keywords, "seed": np.random.Generator(bits(8))}))
    with pytest.raises(InputError, match="belongs to another fit: its seed"):
        fit(*arguments, checkpoint=tmp_path / "fit.npz", resume=True, **{**keywords, "seed": np.random.default_rng(9)})


# what is refused ------------------------------------------------------------------------------------------------------


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    place = 2 * len(content) // 3
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def emptied(content):
    return b""


def replaced(content):
    return b"hello"


@pytest.mark.parametrize("damage", [truncated, flipped, emptied, replaced])
def test_a_damaged_checkpoint_is_refused_and_the_previous_one_used(damage, tmp_path):
    where = Checkpoint(tmp_path / "fit.npz")
    arguments, keywords = begun(where.path, at=6)
    assert len(read(where.file)["restarts"][0]["entries"]) == 5
    where.file.write_bytes(damage(where.file.read_bytes()))
    found = fit(*arguments, checkpoint=where, resume=True, **keywords)
    (sentence,) = found.provenance["checkpoint"]["refused"]
    assert str(where.file) in sentence
    same(found, fit(*arguments, **keywords))
    begun(tmp_path / "again.npz")
    again = Checkpoint(tmp_path / "again.npz")
    for file in (again.file, again.previous):
        file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match="Delete both to begin anew"):
        fit(*arguments, checkpoint=again, resume=True, **keywords)


def test_nothing_is_left_of_a_checkpoint_that_is_refused(tmp_path):
    """The latest one is of another target and has one restart more than the one before it."""
    where, (arguments, keywords) = Checkpoint(tmp_path / "fit.npz", iterations=1), CASES["adam"]
    for target, at, file in ((RHO, 6, where.previous), (ginibre((2, 2), np.random.default_rng(7)), 16, where.file)):
        written = Checkpoint(tmp_path / "written.npz", iterations=1)
        with pytest.raises(ZeroDivisionError):
            fit(GIBBS, target, checkpoint=written, callbacks=[Breaker(at, ZeroDivisionError())], **keywords)
        shutil.move(written.file, file)
        written.remove()
    assert [len(read(file)["restarts"]) for file in (where.file, where.previous)] == [2, 1]
    same(fit(*arguments, checkpoint=where, resume=True, **keywords), fit(*arguments, **keywords))


def test_one_changed_bit_of_a_number_is_found(tmp_path):
    begun(tmp_path / "fit.npz")
    content = (tmp_path / "fit.npz").read_bytes()
    with np.load(tmp_path / "fit.npz") as data:
        at = content.index(data["array0"].tobytes())
    (tmp_path / "fit.npz").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(InputError, match=r"Bad CRC-32 for file 'array0\.npy'"):
        read(tmp_path / "fit.npz")


def test_what_is_no_checkpoint_is_refused(tmp_path, monkeypatch):
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(InputError, match="is not a checkpoint of fit"):
        read(tmp_path / "other.npz")
    monkeypatch.setattr(checkpoints, "FORMAT", "qml.Checkpoint 3")
    begun(tmp_path / "old.npz")
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"is of the format 'qml\.Checkpoint 3', not 'qml\.Checkpoint 4'"):
        read(tmp_path / "old.npz")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"optimizer": Adam(0.1)}, "its optimizer is 'Adam"),
        ({"loss": "relative_entropy"}, "its loss is "),
        ({"seed": 6}, "its seed is 5, and here it is 6"),
        ({"restarts": 3}, "its restarts is 2"),
        ({"prior": Gaussian(1.0)}, "its prior is None"),
        ({"params0": np.zeros(15)}, "its params0 is None"),
        ({"model": GibbsModel(tfim(2))}, "its model is "),
        ({"target": thermal(tfim(2), 0.3).matrix()}, "loss and gradient at its parameters are others here"),
    ],
)
def test_the_checkpoint_of_another_fit_is_refused(changed, sentence, tmp_path):
    begun(tmp_path / "fit.npz")
    before = (tmp_path / "fit.npz").read_bytes()
    (model, target), keywords = case(GIBBS, RHO.matrix(), Adam())
    keywords |= changed
    model, target = keywords.pop("model", model), keywords.pop("target", target)
    with pytest.raises(InputError, match="belongs to another fit") as refused:
        fit(model, target, checkpoint=tmp_path / "fit.npz", resume=True, **keywords)
    assert sentence in str(refused.value)
    assert (tmp_path / "fit.npz").read_bytes() == before


def test_a_checkpoint_is_never_overwritten_by_accident(tmp_path):
    arguments, keywords = begun(tmp_path / "fit.npz")
    with pytest.raises(InputError, match="exists already: pass resume=True to continue from it, or delete it"):
        fit(*arguments, checkpoint=tmp_path / "fit.npz", **keywords)
    Checkpoint(tmp_path / "fit.npz").remove()
    assert list(tmp_path.iterdir()) == []


def test_bad_arguments():
    with pytest.raises(InputError, match="resume=True needs the checkpoint"):
        fit(GIBBS, RHO, resume=True)
    with pytest.raises(InputError, match="checkpoint must be a path or a Checkpoint; found 3"):
        fit(GIBBS, RHO, checkpoint=3)
    with pytest.raises(InputError, match="seconds"):
        Checkpoint("a", seconds=-1.0)
    with pytest.raises(InputError, match="iterations"):
        Checkpoint("a", iterations=0)


# disks ----------------------------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_told_before_the_fit(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written: .*; what was written before is kept"):
        fit(GIBBS, RHO, checkpoint=tmp_path / "file" / "fit.npz", callbacks=[Breaker(1, AssertionError())])


def test_a_full_disk_ends_no_fit_and_spoils_no_checkpoint(tmp_path, monkeypatch):
    where = Checkpoint(tmp_path / "fit.npz", iterations=1)
    arguments, keywords = begun(where.path)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    found = fit(*arguments, checkpoint=where, resume=True, **keywords)
    assert "No space left on device; what was written before is kept" in found.provenance["checkpoint"]["problem"]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == kept
    cut = fit(*arguments, checkpoint=where, resume=True, callbacks=[Breaker(2, KeyboardInterrupt())], **keywords)
    assert "The checkpoint failed: " in cut.status
    same(found, fit(*arguments, **keywords))


def test_checkpoints_by_time_take_little_of_it(tmp_path, monkeypatch):
    """A fit of a few milliseconds writes none; when a day has passed, one is due."""
    arguments, keywords = CASES["adam"]
    fit(*arguments, checkpoint=tmp_path / "fit.npz", **keywords)
    assert list(tmp_path.iterdir()) == []
    day, now = 0.0, checkpoints.time.perf_counter

    def tomorrow(iteration):
        nonlocal day
        day = 86400.0 * (iteration.iteration >= 3)

    monkeypatch.setattr(checkpoints.time, "perf_counter", lambda: now() + day)
    fit(*arguments, checkpoint=tmp_path / "fit.npz", callbacks=[tomorrow], **{**keywords, "restarts": 1})
    assert len(read(tmp_path / "fit.npz")["restarts"][0]["entries"]) == 4


def test_a_death_between_the_two_renames_leaves_the_previous_checkpoint(tmp_path):
    where = Checkpoint(tmp_path / "fit.npz")
    arguments, keywords = begun(where.path)
    shutil.move(where.file, where.previous)
    same(fit(*arguments, checkpoint=where, resume=True, **keywords), fit(*arguments, **keywords))


# the command line -----------------------------------------------------------------------------------------------------

STUDY = """
seed: 4
target: {kind: thermal, hamiltonian: {kind: tfim, n: 2, h: 0.5}, beta: 1.0}
fits:
  - {name: first, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}}
  - {name: second, model: {kind: gibbs, generators: {kind: neighbors, n: 2}}, optimizer: {kind: adam}}
"""


def test_a_run_that_was_interrupted_continues_inside_its_fit(tmp_path, monkeypatch):
    from qml.studies.record.folder import load_run
    from qml.studies.run import run
    from qml.studies.show import terminal

    study, real, heard = tmp_path / "study.yaml", run.run_fit, []
    study.write_text(STUDY)
    monkeypatch.setattr(run, "_draw", lambda *_: None)
    whole = run.run_study(study, run.Options(tmp_path / "whole", quiet=True))
    assert not list(whole.folder.rglob("checkpoint*"))

    def broken(job, target, seed, index, *callbacks, **rest):
        breaker = Breaker(9 if index == 1 else 10**6, KeyboardInterrupt())
        return real(job, target, seed, index, *callbacks, breaker, heard.append, **rest)

    monkeypatch.setattr(run, "run_fit", broken)
    cut = run.run_study(study, run.Options(tmp_path / "cut", quiet=True))
    assert cut.exit_code == terminal.INTERRUPTED
    assert len(list(cut.folder.rglob("checkpoint.npz"))) == 1
    with pytest.raises(InputError, match="began with threads"):
        run.run_study(cut.folder, run.Options(resume=True, quiet=True, how=run.How(threads=1)))
    heard.clear()
    monkeypatch.setattr(run, "run_fit", lambda *arguments, **rest: real(*arguments, heard.append, **rest))
    done = run.run_study(cut.folder, run.Options(resume=True, quiet=True))
    assert heard[0].iteration == 8
    assert "fit continued from its checkpoint" in (done.folder / "log.jsonl").read_text()
    assert not list(done.folder.rglob("checkpoint*"))
    for a, b in zip(load_run(done.folder).rows, load_run(whole.folder).rows, strict=True):
        assert repr(replace(a, seconds=0.0)) == repr(replace(b, seconds=0.0))
    for name in ("fits/1-first", "fits/2-second"):
        same(*(FitResult.load(folder / name / "result.npz") for folder in (done.folder, whole.folder)))

"""The Boltzmann studies, at tiny sizes: what they write, and the physics that they claim."""

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "boltzmann"
MODULES = ("families", "large", "free_fermions", "chains")


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


def test_every_set_of_strings_holds_the_smaller_ones(study: dict[str, ModuleType]) -> None:
    families = study["families"]
    labels = [[g.labels[0] for g in families.strings(4, kind)] for kind in families.SETS]
    assert [len(s) for s in labels] == [12, 12 + 9 * 3, 12 + 9 * 6]
    for small, large in itertools.pairwise(labels):
        assert large[: len(small)] == small
        assert len(set(large)) == len(large)


def test_pretraining_never_raises_the_cross_entropy(study: dict[str, ModuleType]) -> None:
    families = study["families"]
    hamiltonian = families.hamiltonians(4)["J1-J2"]
    for name, rho in families.targets(hamiltonian, 1.0).items():
        done = families.train("J1-J2", name, rho, 40)
        losses = [t.row.loss for t in done]
        for before, t in itertools.pairwise(done):
            assert t.row.pretrained_start == pytest.approx(before.row.loss, abs=1e-9)
            assert t.warm.loss <= before.row.loss + 1e-12
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] >= float(rho.entropy()) - 1e-9


def test_a_thermal_state_of_pair_terms_is_reached_by_all_pairs(study: dict[str, ModuleType]) -> None:
    families = study["families"]
    rho = families.targets(families.hamiltonians(4)["TFIM"], 1.0)["thermal"]
    one, chain, pairs = (t.row.gap for t in families.train("TFIM", "thermal", rho, 60))
    assert one > 0.1
    assert abs(chain) < 1e-6
    assert abs(pairs) < 1e-6


def test_the_price_of_finite_measurements_falls_as_one_over_their_number(study: dict[str, ModuleType]) -> None:
    copies = (1000, 100_000)
    excess, slope = study["families"].excess_by_copies(3, copies, 12, seed=1)
    for count, found in zip(copies, excess.mean(axis=1), strict=True):
        assert 0.4 < found * count / slope < 2.0


@pytest.mark.slow
def test_families_writes_its_table_and_figure(
    study: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coarse_pictures: None
) -> None:
    families = study["families"]
    everything = families.hamiltonians(4)
    assert len(everything) == 5
    monkeypatch.setattr(families, "hamiltonians", lambda n: {"J1-J2": everything["J1-J2"]})
    files = [tmp_path / name for name in ("t.md", "t.csv", "t.png")]
    options = ["--n", "4", "--iterations", "6", "--repeats", "1"]
    for flag, path in zip(("--table", "--csv", "--figure"), files, strict=True):
        options += [flag, str(path)]
    done = CliRunner().invoke(families.main, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.output.count("J1-J2 |") == 6
    assert len(files[1].read_text(encoding="utf-8").splitlines()) == 7
    assert files[2].stat().st_size > 4_000
    refused = CliRunner().invoke(families.main, ["--n", "6"])
    assert "multiple of 4" in refused.output


def test_large_trains_to_its_errors(study: dict[str, ModuleType], tmp_path: Path) -> None:
    large = study["large"]
    run = large.train("tfim", 8, 0.5, (32, 128), 128)
    assert run.params.shape == (15,)
    assert run.parameter_error < 0.15
    assert np.abs(run.deviations).max() < 0.1
    assert run.bound > np.abs(run.deviations).max()
    exact = study["free_fermions"].ising_moments(8, 0.5)
    seen = large.ThermalState(large.tfim(8), run.params).dense
    truth = large.Moments.of(seen, large.tfim(8)).values - exact.values
    assert np.sqrt(np.square((run.deviations - truth) / run.errors).mean()) < 2.0
    table, figure = tmp_path / "t.md", tmp_path / "f.png"
    options = ["--n", "4", "--samples", "8", "--check", "16", "--table", str(table), "--figure", str(figure)]
    done = CliRunner().invoke(large.main, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert table.read_text(encoding="utf-8").count("| 4 | 0.5 |") == 2
    assert figure.stat().st_size > 10_000
    timed = CliRunner().invoke(large.main, ["--scaling", "4", "--model", "tfim", "--samples", "8"])
    assert "seconds a gradient" in timed.output


def test_chains_are_compared_with_what_is_exact(study: dict[str, ModuleType]) -> None:
    chains = study["chains"]
    strings, theta = chains.chain(np.random.default_rng(0), 5)
    dense = chains.ChainState(strings, theta).dense
    log_z, values = chains.exact(theta)
    assert log_z == pytest.approx(dense.log_partition(), abs=1e-12)
    np.testing.assert_allclose(values, chains.Moments.of(dense, strings).values, atol=1e-12)
    assert chains.target(strings, theta).entropy() == pytest.approx(float(dense.entropy()), abs=1e-12)


def test_couplings_of_a_chain_are_within_their_errors(study: dict[str, ModuleType]) -> None:
    chains = study["chains"]
    state = chains.ChainState(*chains.chain(None, 4, 0.4))
    result = chains.from_shots(state, np.random.default_rng(3), 4000)
    truth = [-0.4 * (name.strip("I") in ("ZZ", "X")) for name in result.parameter_names]
    z = (result.params - truth) / result.standard_errors
    assert 0.5 < np.sqrt(np.square(z).mean()) < 1.6
    assert result.standard_errors.max() < 0.05


@pytest.mark.slow
def test_chains_write_their_tables_and_figure(
    study: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coarse_pictures: None
) -> None:
    chains = study["chains"]
    for name, few in {"SIZES": (4, 5), "BETAS": (0.5, 1.0), "TOLERANCES": (1e-4, 1e-5), "N": 8, "SHOTS": 2000}.items():
        monkeypatch.setattr(chains, name, few)
    monkeypatch.setattr(chains.cost, "__defaults__", (6, 1.0, 1e-6))
    figure = tmp_path / "f.png"
    done = CliRunner().invoke(chains.main, ["--figure", str(figure)], catch_exceptions=False)
    assert sum(line.startswith("| 6 | ") for line in done.output.splitlines()) == 4
    assert figure.stat().st_size > 4_000
    others = ["--train", "--weights", "--coverage", "--sets", "2", "--n", "3"]
    done = CliRunner().invoke(chains.main, others, catch_exceptions=False)
    assert [line.count("|") for line in done.output.splitlines() if line.startswith("|---")] == [5, 7, 7]
    assert "newton" in done.output

"""Fits that are killed (SIGKILL) at random moments, again and again, and continued: the same result to the bit."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, random, signal, sys, time
from qml import GibbsModel, fit, thermal
from qml.fitting import Checkpoint
from qml.operators import tfim

optimizer, kills, where = sys.argv[1], int(sys.argv[2]), Checkpoint(sys.argv[3], iterations=1)
model, rho = GibbsModel.all_paulis(2), thermal(tfim(2, h=0.7), 1.3)

def run(pause=0.0, **rest):
    return fit(model, rho, optimizer=optimizer, seed=3, restarts=2, max_iterations=40, gradient_tolerance=1e-13,
               callbacks=[lambda _: time.sleep(pause)], **rest)

def told(result):
    return (result.params.tobytes(), result.loss, result.history.loss.tobytes(), result.state.matrix().tobytes(),
            result.evaluations, result.status)

def there():
    return where.file.exists() or where.previous.exists()

def wait_for_more(times, child):
    # until so many checkpoints have been seen to be written, or the child has ended
    seen = {stamp()}
    while times and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        now = stamp()
        times -= now not in seen
        seen.add(now)
        time.sleep(0.0005)

def stamp():
    try:
        return where.file.stat().st_mtime_ns
    except FileNotFoundError:  # not yet, or between the two renames
        return None

def life():
    found = run(0.001, checkpoint=where, resume=True)  # a pace that is worth a checkpoint
    refused = found.provenance["checkpoint"]["refused"]
    return 2 if refused else 3 if told(found) != told(whole) else 0

whole, rng = run(), random.Random(optimizer)
killed, broken, endings = 0, 0, []
while killed < kills or not endings:
    before, child = there(), os.fork()
    if child == 0:
        code = 4
        try:
            code = life()
        finally:
            os._exit(code)
    if killed < kills:
        wait_for_more(rng.randint(1, 15), child)
        time.sleep(rng.uniform(0.0, 0.003))
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not before or there(), "a checkpoint is gone"
    if code == -signal.SIGKILL:
        killed, broken = killed + 1, broken + there()
    else:
        endings.append(code)
        where.remove()
print(json.dumps({"broken": broken, "endings": endings}))
"""


@pytest.mark.parametrize(
    ("optimizer", "kills"),
    [
        ("lbfgs", 3),
        pytest.param("lbfgs", 50, marks=pytest.mark.slow),
        pytest.param("adam", 50, marks=pytest.mark.slow),
        pytest.param("natural_gradient", 50, marks=pytest.mark.slow),
    ],
)
def test_a_fit_that_is_killed_again_and_again_ends_the_same_to_the_bit(optimizer, kills, tmp_path):
    command = [sys.executable, "-c", SCRIPT, optimizer, str(kills), str(tmp_path / "fit.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["broken"] >= kills // 2, "most deaths come after a checkpoint was written"
    assert set(told["endings"]) == {0}

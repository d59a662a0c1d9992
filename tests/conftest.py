"""Settings that every test runs under."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # one process a core: more threads of BLAS would only wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import matplotlib

matplotlib.use("Agg")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

hypothesis.settings.register_profile("qml", deadline=None, max_examples=40, derandomize=True)
hypothesis.settings.load_profile("qml")

"""Settings that every test runs under."""

import os

import hypothesis
import matplotlib

matplotlib.use("Agg")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

hypothesis.settings.register_profile("qml", deadline=None, max_examples=40, derandomize=True)
hypothesis.settings.load_profile("qml")

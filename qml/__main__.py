"""``python -m qml`` is the command ``qml``."""

from qml.studies.cli import main

main()

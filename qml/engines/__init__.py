"""Engines: what runs a program. The names load when first used, so that LLVM is not imported before it is needed."""

import lazy_loader

from qml._descriptions import later

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
later(__name__, "JaxEngine", "PauliEngine", "ReferenceEngine")

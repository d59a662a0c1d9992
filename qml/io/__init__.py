"""In and out: circuits, noise, states and counts of other libraries, and files of our own.

Every library is imported when it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Quantum machine learning by the quantum maximum likelihood principle: minimise S(rho, sigma) = -Tr rho log sigma.

Source of the principle: Zhou Shangnan and Yixu Wang (2021), arXiv:2102.11887; earlier H. J. Kappen (2018),
arXiv:1803.11278. The public names are listed, with their types, in ``__init__.pyi``; each is imported when first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

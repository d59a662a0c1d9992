"""Tomography: the state of maximum likelihood from measured counts, with a certificate and error bars."""

"""The quantum maximum likelihood principle as statements that run: each is checked on random states, with a verdict."""

from qml.principle.catalog import STATEMENTS, check, check_all
from qml.principle.statement import Evidence, Panel, Series, Statement, Verdict

__all__ = ["STATEMENTS", "Evidence", "Panel", "Series", "Statement", "Verdict", "check", "check_all"]

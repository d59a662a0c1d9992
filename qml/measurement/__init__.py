"""Measurements of states: positive operator-valued measures, settings, Born probabilities, and records of counts."""

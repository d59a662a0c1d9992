"""Loggers: callbacks of ``fit`` that write its curves where TensorBoard and MLflow show them."""

from qml.loggers.base import Logger
from qml.loggers.mlflow import MLflow
from qml.loggers.tensorboard import TensorBoard

LOGGERS: dict[str, type[Logger]] = {"tensorboard": TensorBoard, "mlflow": MLflow}
"""Every logger by name."""

__all__ = ["LOGGERS", "Logger", "MLflow", "TensorBoard"]

"""TensorBoard: curves as scalars in event files, settings and results in its HParams table."""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qml._checks import InputError
from qml._files import append_whole, writing
from qml.loggers.base import RESULT, Entry, Logger, arguments_of, place_of, restart_of, tag


class TensorBoard(Logger):
    """Writes a fit to a folder of event files, for ``tensorboard --logdir FOLDER``.

    Needs the extra ``qmaxlik[tensorboard]``. TensorBoard holds scalars in single precision.

    Parameters
    ----------
    folder : str or Path
        Of this fit alone; the folders of several fits may stand in one that TensorBoard is shown.
    settings : mapping, optional
        Numbers, words and booleans by name, for its table of hyperparameters.
    every : int
        Log every so many iterations.
    resume : bool
        Go on with the events in the folder.

    Raises
    ------
    InputError
        If TensorBoard is not installed, the folder cannot be written, or it has events and `resume` is False.

    Examples
    --------
    >>> import tempfile
    >>> from qml import GibbsModel, fit, thermal
    >>> from qml.loggers import TensorBoard
    >>> from qml.operators import tfim
    >>> folder = tempfile.mkdtemp()
    >>> with TensorBoard(folder) as log:
    ...     result = fit(GibbsModel(tfim(2)), thermal(tfim(2), 1.0), seed=1, callbacks=[log])
    >>> import os
    >>> [name.startswith("events.out.tfevents") for name in os.listdir(folder)]
    [True]
    """

    modules = ("tensorboard.compat.proto.event_pb2",)
    extra = "tensorboard"

    def __init__(
        self,
        folder: str | Path,
        *,
        settings: Mapping[str, float | str | bool] | None = None,
        every: int = 1,
        resume: bool = False,
    ) -> None:
        self.check()
        every, resume, named = arguments_of(every, resume, settings)
        self._events = importlib.import_module("tensorboard.compat.proto.event_pb2").Event
        self.folder = place_of("folder", folder)
        before = sorted(self.folder.glob("*.tfevents.*"))
        if before and not resume:
            raise InputError(f"{self} has a log already: choose another folder, or go on with it by resume=True.")
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / f"events.out.tfevents.{int(time.time()):010d}.{len(before):04d}"
        self._head = [self._events(file_version="brain.Event:2", wall_time=time.time())]
        if named and not before:
            hparams = importlib.import_module("tensorboard.plugins.hparams.summary_v2")
            self._head.append(self._events(summary=hparams.hparams_pb(named), wall_time=time.time()))
        self._finished = False
        super().__init__(every, resume)

    def __str__(self) -> str:
        return f"the TensorBoard folder {str(self.folder)!r}"

    def _logged(self) -> dict[int, dict[int, float]]:
        accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
        tensors = importlib.import_module("tensorboard.util.tensor_util")
        events = accumulator.EventAccumulator(str(self.folder), {accumulator.TENSORS: 0})
        events.Reload()
        found: dict[int, dict[int, float]] = {}
        for curve in events.Tags()["tensors"]:
            self._finished = self._finished or curve.startswith(RESULT)
            restart = restart_of(curve)
            if restart is not None:
                steps = events.Tensors(curve)
                found[restart] = {e.step: float(tensors.make_ndarray(e.tensor_proto)) for e in steps}
        return found

    def _write(self, entries: list[Entry]) -> None:
        events = []
        for entry in entries:
            values = {tag(entry.restart, name): value for name, value in entry.values.items()}
            events.append(self._scalars(values, entry.step, entry.time))
        self._append(events)

    def _finish(self, values: Mapping[str, float], status: str) -> None:
        if not self._finished:
            self._append([self._scalars({RESULT + name: value for name, value in values.items()}, 0, time.time())])
            self._finished = True

    def _leave(self, ending: str) -> None:
        """Event files know no ending."""

    def _scalars(self, values: Mapping[str, float], step: int, when: float) -> Any:
        """One event with a scalar for each of `values`."""
        summaries = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        tensors = importlib.import_module("tensorboard.util.tensor_util")
        plugin = summaries.SummaryMetadata.PluginData(plugin_name="scalars")
        about = summaries.SummaryMetadata(plugin_data=plugin, data_class=summaries.DATA_CLASS_SCALAR)
        event = self._events(step=step, wall_time=when)
        for name, value in values.items():
            with np.errstate(over="ignore"):  # what single precision does not hold is infinite
                tensor = tensors.make_tensor_proto(np.float32(value))
            event.summary.value.add(tag=name, tensor=tensor, metadata=about)
        return event

    def _append(self, events: list[Any]) -> None:
        """All of these or none, in the file of this process."""
        records = importlib.import_module("tensorboard.summary.writer.record_writer")
        block = io.BytesIO()
        writer = records.RecordWriter(block)
        for event in [*self._head, *events]:
            writer.write(event.SerializeToString())
        append_whole(self._path, block.getvalue())
        self._head = []

"""Tasks: where labelled text comes from, how a protocol splits it, and how it becomes token arrays."""

from tuneoff.task.base import UNLABELLED, Task, TaskError, TextSplit, TrainLimit
from tuneoff.task.encode import EncodedSplit, encode
from tuneoff.task.protocol import ProtocolSettings
from tuneoff.task.registry import load_task
from tuneoff.task.settings import TaskSettings
from tuneoff.task.split import Part, Splits, make_splits

__all__ = [
    "UNLABELLED",
    "EncodedSplit",
    "Part",
    "ProtocolSettings",
    "Splits",
    "Task",
    "TaskError",
    "TaskSettings",
    "TextSplit",
    "TrainLimit",
    "encode",
    "load_task",
    "make_splits",
]

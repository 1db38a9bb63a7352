"""Kinds of task, one file each: targets, outputs, loss, metrics, and the scores of answers that cost nothing.

A kind and a metric are found by name: those of the files here, of installed packages and of modules that `plugins` names.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from tuneoff import plugins
from tuneoff.task.base import Task, TaskError
from tuneoff.task.kinds.contracts import Kind, Metric, Scoring

__all__ = ["check_task", "find_kind", "find_metric", "kind_of", "metric_names", "scoring", "scoring_of"]


def find_kind(name: str) -> Kind:
    """Raises PluginError where there is none of this name."""
    _register_ours()
    kind: Kind = plugins.find("kind", name)(name)
    return kind


def find_metric(name: str) -> Metric:
    """Raises PluginError where there is none of this name."""
    _register_ours()
    metric: Metric = plugins.find("metric", name)(name)
    return metric


def metric_names() -> tuple[str, ...]:
    """Names of the metrics of all kinds, sorted."""
    _register_ours()
    return plugins.names("metric")


def kind_of(task: Task) -> Kind:
    return find_kind(task.kind)


def scoring(
    n_outputs: int, metrics: Sequence[str] = ("accuracy",), *, kind: str = "classification", positive: int | None = None
) -> Scoring:
    """The rules by which answers are scored, from names. Raises PluginError where one is unknown."""
    found = tuple(find_metric(name) for name in metrics)
    return Scoring(kind=find_kind(kind), n_outputs=n_outputs, metrics=found, positive=positive)


def scoring_of(task: Task) -> Scoring:
    return scoring(kind_of(task).n_outputs(task), task.metrics, kind=task.kind, positive=task.positive)


def check_task(task: Task) -> None:
    """Raises TaskError where targets are unfit for the task's kind, or a metric for them."""
    kind, listed = kind_of(task), list(task.metrics)
    kind.check(task)
    for metric in (find_metric(name) for name in task.metrics):
        if not metric.compares(kind.targets):
            raise TaskError(
                f"task.metrics is {listed}, but {metric.name} compares {metric.known_targets} and task {task.name} "
                f"({kind.name}) has {kind.targets}: choose of {', '.join(_metrics_for(kind))}"
            )
        if metric.needs_positive and task.positive is None:
            raise TaskError(
                f"task.metrics is {listed}, but {metric.name} is about one class and task {task.name} has "
                f"{len(task.label_names)}: use macro_f1, or name the class with task.positive (own tables)"
            )
    first = find_metric(task.metrics[0])
    if not first.higher_is_better:
        raise TaskError(
            f"task.metrics is {listed}, but searches maximise the first and {first.name} is better when lower: name it second"
        )


def _metrics_for(kind: Kind) -> list[str]:
    found = [find_metric(name) for name in metric_names()]
    return [metric.name for metric in found if metric.compares(kind.targets)]


def _register_ours() -> None:
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")

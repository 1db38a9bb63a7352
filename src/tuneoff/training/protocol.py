"""The seam between searching and training: what a search knows of whatever trains its trials. Imports neither Ray nor torch.

An `Engine` works in the driver: it reads the data, says what is wrong with it, and makes a `Recipe`. The recipe crosses to the
workers, where it builds a `Trainer`, which trains one trial at a time and yields `Evaluation`s. Searchers, schedulers,
budgets, records, resuming and the copying of population-based training know nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from tuneoff.evaluation import Cost, Score
from tuneoff.hparams import HParamValue, Hyperparameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuneoff.model.settings import ModelSettings
    from tuneoff.space import SearchSpace
    from tuneoff.task.protocol import ProtocolSettings
    from tuneoff.task.settings import TaskSettings
    from tuneoff.training.settings import TrainingSettings

Values: TypeAlias = Mapping[str, HParamValue]
"""A value for every hyperparameter that the trainer declares."""

RESUME_EXAMPLES, RESUME_TRAINER_2020 = "examples", "trainer_2020"
RESUME = (RESUME_EXAMPLES, RESUME_TRAINER_2020)
"""How a trial goes on from a copied state: by examples seen and the hyperparameters in force; or as transformers' Trainer of
2020 did, which restored the donor's learning rate and weight decay over the mutated ones and recomputed progress from the count
of steps."""


class _Cut(Exception):
    """A trial that ends between two evaluations. cost: the one since the last evaluation."""

    def __init__(self, message: str, cost: Cost) -> None:
        super().__init__(message)
        self.cost = cost


class Diverged(_Cut):
    """The loss is not a finite number any more."""


class OutOfTime(_Cut):
    """The budget of time ended in the middle of an interval, which is lost; see `Environment.out_of_time`."""


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a trial needs to go on, bit for bit. Arrays are shared without a copy; nothing in it is executed on loading.

    numbers: JSON-ready. examples_seen, epoch: progress of the weights.
    """

    arrays: Mapping[str, NDArray[Any]]
    numbers: Mapping[str, Any]
    examples_seen: int
    epoch: float

    def only(self, group: str) -> State:
        """The state with those arrays only whose names begin with `group` and a slash."""
        return replace(self, arrays={name: a for name, a in self.arrays.items() if name.startswith(f"{group}/")})


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A trainer yields one at each evaluation point. hparams: in force since the last. cost: spent since the last.

    done: the trial has seen all of its epochs. capture: copies the complete state; valid until the trainer goes on.
    intervals: the points of the search's clock (multiples of an epoch's share) passed since the last evaluation; more than 1
    from a trainer that evaluates less often.
    """

    hparams: Values
    examples_seen: int
    epoch: float
    validation: Score
    test: Score | None
    cost: Cost
    done: bool
    capture: Callable[[], State]
    intervals: int = 1


Trial: TypeAlias = Generator[Evaluation, Values | None, None]
"""A trial in progress: `send(values)` changes the hyperparameters of what follows, `send(None)` does not."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Seconds per real token of training steps, by batch size (as text), and of evaluation.

    Measured under whatever else the machine was doing at the time, the other workers' calibration included.
    step: how steps run after this: eager, cuda graph, or eager and why.
    """

    train_token_seconds: Mapping[str, float]
    evaluate_token_seconds: float
    start_up_seconds: float
    step: str


@dataclass(frozen=True, kw_only=True)
class Speed:
    """rates: for the records and for estimates; None from a trainer that does not measure them.

    interval_seconds: the longest time to expect from one evaluation to the next; evaluate_seconds: of this for the evaluation.
    """

    rates: Rates | None = None
    interval_seconds: float = 0.0
    evaluate_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The worker's side of a trainer. device: cpu or cuda. threads: for one trial.

    wants_test: whether the test split is to be scored, given a validation score. out_of_time: whether a budget of time would be
    overdrawn by going on; None without such a budget.
    """

    device: str = "cpu"
    threads: int = 1
    resume: str = RESUME_EXAMPLES
    wants_test: Callable[[float], bool] = field(default=lambda _: True)
    out_of_time: Callable[[], bool] | None = None


class Trainer(ABC):
    """Trains the trials of a search, one after the other, in one process."""

    @abstractmethod
    def start(self, hparams: Values, *, seed: int, state: State | None = None) -> Trial:
        """A trial from scratch, or from `state`, up to its `num_epochs`. Raises Diverged and OutOfTime."""

    def measure(self) -> Speed:
        """The speed of this process, measured before its first trial. Unknown by default."""
        return Speed()

    def weights_of(self, state: State) -> State:
        """The part of a state that `Prepared.export` needs: all of it by default."""
        return state

    def step_seconds(self) -> float:
        """Seconds per unit of training work, by which one of a recipe's variants is chosen; see Prepared.variants."""
        raise NotImplementedError


class Kept:
    """One value that a worker keeps from search to search: the network and its data, in the case of `finetune`."""

    def __init__(self) -> None:
        self._key: object = None
        self._value: Any = None

    def get(self, key: object, make: Callable[[], Any]) -> Any:
        """The value of `key`; another one is dropped before it is made, as two may be too much for the device."""
        if self._value is None or self._key != key:
            self._value = None
            self._value, self._key = make(), key
        return self._value


class Recipe(ABC):
    """A description from which a worker builds a trainer. Crosses processes: a frozen dataclass that holds large values by
    reference."""

    @abstractmethod
    def build(self, environment: Environment, kept: Kept) -> Trainer: ...


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A reference to a large value that every worker can read. key: equal where the value is."""

    key: str
    fetch: Callable[[], Any]


Share: TypeAlias = Callable[[str, Callable[[], Any]], Shared]
"""share(key, make): puts the value of `make()` where workers read it, unless the last one shared had that key."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An engine's result in the driver.

    facts: for the run header, JSON-ready; must hold `n_train`, the examples of an epoch. metrics: the first is the one that
    searches maximise. make_recipe: makes the recipe from these facts and Share. variants: the names from which the faster is
    chosen by `Trainer.step_seconds` before the search, () where there is no choice; the choice is put into facts[choice].
    export: writes the model of a state (what `Trainer.weights_of` left of it) that was trained with these hyperparameters into
    a folder, with its tokenizer, as from_pretrained reads them; None where that can't be done.
    """

    facts: Mapping[str, Any]
    metrics: tuple[str, ...]
    device: str
    make_recipe: Callable[[Mapping[str, Any], Share], Recipe]
    choice: str = ""
    variants: tuple[str, ...] = ()
    export: Callable[[State, Values, Path], None] | None = None

    def chosen(self, variant: str, by: str, **measured: Any) -> Prepared:
        """Returns a copy with a variant chosen. by: setting, measurement or trial. measured: further facts of the choice."""
        return replace(self, facts={**self.facts, self.choice: {"chosen": variant, "by": by, **measured}}, variants=())

    def recipe(self, share: Share) -> Recipe:
        return self.make_recipe(self.facts, share)


@dataclass(frozen=True, kw_only=True)
class Request:
    """All that an engine is told of a search. hparams: those in force where the search does not set them. test_rows: how many
    random rows of the test split are scored, None for all; an engine may score more."""

    task: TaskSettings
    protocol: ProtocolSettings
    model: ModelSettings
    training: TrainingSettings
    hparams: Values
    space: SearchSpace
    seeds: Mapping[str, int]
    device: str
    test_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of an engine that has none."""


class Engine(ABC):
    """Makes trainers. A command has one engine, so that the next search can use what one has read.

    Settings: a frozen dataclass, made from what stands in the setting `engine` beside its name.
    """

    Settings: ClassVar[type[Any]] = NoSettings
    hyperparameters: ClassVar[Hyperparameters]
    resumes: ClassVar[Sequence[str]] = (RESUME_EXAMPLES,)
    """The ways, of RESUME, in which its trials can go on from a copied state."""

    exports: ClassVar[bool] = False
    """Whether it can write a trained state as a model (`Prepared.export`). Its trainer asks `Environment.wants_test` about
    every evaluation, which is how a worker learns whose weights to keep."""

    worker_modules: ClassVar[tuple[str, ...]] = ()
    """Imported by a worker as soon as it starts, so that it need not wait for them later."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @classmethod
    def declared(cls, settings: Any) -> Hyperparameters:  # noqa: ARG003
        """The hyperparameters under these settings: the class's own, unless they depend on the settings."""
        return cls.hyperparameters

    def check(self, request: Request) -> None:  # noqa: B027 - an engine may have nothing to check
        """Checks all that can be checked in little time. Raises UserError where the data or a setting is wrong."""

    def data_facts(self, request: Request) -> Mapping[str, Any]:  # noqa: ARG002
        """The part of `Prepared.facts` that can be read in little time: the data's, without the model. {} where there is
        none."""
        return {}

    def preload(self, request: Request) -> None:  # noqa: B027 - nothing to preload by default
        """Loads what takes long; called in a thread while Ray starts. Errors are left to `prepare`."""

    @abstractmethod
    def prepare(self, request: Request, earlier: Mapping[str, Any] | None = None) -> Prepared:
        """Reads all that a search needs. Raises UserError where something is missing or unfit. earlier: the facts of a
        search that is resumed."""

"""The course as data: what `course.toml` may say."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from grader.models.base import Model, ModuleName, Points, Profile
from grader.models.measure import ContainerLimits, Limits
from grader.models.session import MeasuredEvent

Number = Annotated[str, Field(pattern=r"^\d\d$")]
Task = Annotated[str, Field(pattern=r"^\d{1,2}\.\d{1,2}$")]
ImportPath = Annotated[str, Field(pattern=r"^[a-zA-Z_][\w.]*$")]
OwnScript = Annotated[
    str, Field(pattern=r"^(entry/[A-Za-z0-9_][A-Za-z0-9_]{0,60}\.py)?$")
]


# What holds beside the target, by the judge: shares, but for three plain numbers.
BOUNDS: Final[dict[str, frozenset[str]]] = {
    "classes": frozenset(),
    "language": frozenset({"known_words", "longest_repeat"}),
    "systems": frozenset(
        {
            *("times_smaller", "accuracy_lost", "cache_speedup"),
            *("sparsity", "pruned_accuracy_lost"),
        }
    ),
}


class Symbol(Model):
    """A public name and the modules to import it from, tried in order."""

    name: str
    paths: tuple[ImportPath, ...] = Field(min_length=1)


class TaskSpec(Model):
    """One stub a student fills in: number, dotted name, effort in lines."""

    number: Task
    target: str  # "Tensor.matmul"
    lines: int = Field(ge=1)


class Module(Model):
    """One module of the course."""

    number: Number
    name: ModuleName
    title: str
    points: Points
    file: str  # "tensor.py", where the template has it
    needs: tuple[ModuleName, ...] = ()
    symbols: tuple[Symbol, ...]
    tasks: tuple[TaskSpec, ...] = ()


class MilestoneProfile(Model):
    """How a milestone is run in one profile.

    Attributes:
        judge: by classes (accuracy), as a language model (nats per character), or as a
            model made smaller and faster.
        build: the script's function that makes the model.
        target: to reach on unseen inputs: at least an accuracy, at most so many nats.
        bounds: what else must hold, by the names that the judge knows.
        calibration_rows: the first slice of training on so many examples is the clock
            of a host (0: on all), `calibration_cpu_s` what the reference needs for it
            on the standard machine.
    """

    script: str  # "perceptron_trained.py"
    data: str  # "clouds", "xor", "digits", "mnist"
    judge: Literal["classes", "language", "systems"] = "classes"
    build: str = "build"
    target: float
    bounds: dict[str, float] = Field(default_factory=dict)
    epochs: int = Field(ge=1)
    cpu_s: float = Field(gt=0)
    wall_s: float = Field(gt=0)
    memory_mib: int = Field(gt=0)
    calibration_rows: int = Field(default=0, ge=0)
    calibration_cpu_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _bounds_are_the_judges(self) -> Self:
        wanted = BOUNDS[self.judge]
        if set(self.bounds) != wanted:
            msg = f"bounds for {self.judge} must be {sorted(wanted)}"
            raise ValueError(msg)
        return self

    @property
    def metric(self) -> str:
        """What the target is a value of."""
        return "nats per character" if self.judge == "language" else "accuracy"

    @property
    def lower_is_better(self) -> bool:
        """Whether the target is the most that counts."""
        return self.judge == "language"


class Milestone(Model):
    """One historical run.

    Attributes:
        quick: seconds, on what the repository ships.
        fast: the real data in a variant that needs less; `full` where there is none.
        full: the real data as history had it.
    """

    number: Number
    name: ModuleName
    year: int
    title: str
    folder: str
    points: Points
    needs: tuple[ModuleName, ...]
    quick: MilestoneProfile | None = None
    fast: MilestoneProfile | None = None
    full: MilestoneProfile | None = None

    def profile(self, name: Profile) -> MilestoneProfile | None:
        """Return how it is run in the profile of that name, if it is."""
        match name:
            case "quick":
                return self.quick
            case "fast":
                return self.fast or self.full
            case "full":
                return self.full


class Workload(Model):
    """One task of a competition event; what is measured is the event's affair.

    Attributes:
        script: below the folder of milestones; `milestone` instead of it takes script,
            data and target from the quick profile of that milestone.
        needs: modules whose names the script uses, with those that these need.
        shape: of one input, of bytes, or of ids below `ids`.
        examples: inputs that a model learns from, or is asked after it has learned.
        slices: of training.
        tolerance: how far an answer may be from the reference's, as a share of the
            largest number in it; of trained models the typical answer.
        floor: the least mean accuracy; 0: the reference's alone counts.
        open: the submission's own script, with which it takes part in the open
            division; empty: the workload is of the closed division alone.
    """

    name: ModuleName
    script: str = ""
    milestone: ModuleName | None = None
    needs: tuple[ModuleName, ...]
    shape: tuple[int, ...] = ()
    ids: int = Field(default=0, ge=0)
    examples: int = Field(default=0, ge=0)
    slices: int = Field(default=0, ge=0, le=1000)
    tolerance: float = Field(gt=0, lt=1)
    floor: float = Field(default=0.0, ge=0, le=1)
    weight: float = Field(default=1.0, gt=0)
    open: OwnScript = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.script) == bool(self.milestone):
            raise ValueError("a workload has a script or a milestone, not both")
        return self


class CompetitionEvent(Model):
    """An event of the competition: measured in the closed division, some in both."""

    name: MeasuredEvent
    workloads: tuple[Workload, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _only_trainings_are_open(self) -> Self:
        if self.name != "training" and any(work.open for work in self.workloads):
            raise ValueError("only workloads of the training event can be open")
        return self


class SetupCall(Model):
    """A call that some package layouts need before use."""

    module: ImportPath
    function: str


class CourseLimits(Model):
    """Limits that are not a milestone's."""

    check: Limits = Limits()
    load: Limits = Limits()  # importing the package, once a module
    suite_cpu_s: float = 60.0  # all checks of one module together
    container: ContainerLimits = ContainerLimits()  # of `--sandbox docker`


class ProjectLimits(Model):
    """The most that a project may declare in `capstone.toml`.

    Attributes:
        cpu_s: of one training with its predictions, on the standard machine.
        total_cpu_s: of all draws; where it allows three, the metric gets an interval
            over draws.
        memory_bytes: above an idle sandbox.
        data_bytes: of the submission's own data file, packed and unpacked.
    """

    cpu_s: float = Field(default=60.0, gt=0)
    total_cpu_s: float = Field(default=300.0, gt=0)
    memory_bytes: int = Field(default=512 * 2**20, gt=0)
    data_bytes: int = Field(default=8 * 2**20, gt=0)


class Course(Model):
    """All of `course.toml`, checked."""

    name: str
    title: str
    package: ImportPath
    board_url: str = Field(default="", pattern=r"^(https://\S+)?$")
    minimum_group: int = Field(default=5, ge=1)
    public_words: tuple[str, ...] = ()  # of the site, though people have such names
    setup_calls: tuple[SetupCall, ...] = ()
    limits: CourseLimits = CourseLimits()
    projects: ProjectLimits = ProjectLimits()
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]
    events: tuple[CompetitionEvent, ...] = ()

    def module(self, name: str) -> Module:
        """Return the module called `name`.

        Raises:
            KeyError: there is none.
        """
        for module in self.modules:
            if module.name == name:
                return module
        raise KeyError(name)

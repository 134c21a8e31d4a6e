"""The course as data: what `course.toml` may say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from grader.models.base import Model, ModuleName, Points
from grader.models.measure import Limits

Number = Annotated[str, Field(pattern=r"^\d\d$")]
Task = Annotated[str, Field(pattern=r"^\d{1,2}\.\d{1,2}$")]
ImportPath = Annotated[str, Field(pattern=r"^[a-zA-Z_][\w.]*$")]


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
    """How a milestone is run in one profile."""

    script: str  # "perceptron_trained.py"
    data: str  # "clouds", "xor", "digits", "mnist"
    target: float
    metric: str = "accuracy"
    seed: int = 0
    epochs: int = Field(ge=1)
    cpu_s: float = Field(gt=0)
    wall_s: float = Field(gt=0)
    memory_mib: int = Field(gt=0)
    calibration_cpu_s: float = Field(gt=0)  # reference, first slice, standard machine


class Milestone(Model):
    """One historical run."""

    number: Number
    name: ModuleName
    year: int
    title: str
    folder: str
    points: Points
    needs: tuple[ModuleName, ...]
    quick: MilestoneProfile | None = None
    full: MilestoneProfile | None = None


class SetupCall(Model):
    """A call that some package layouts need before use."""

    module: ImportPath
    function: str


class CourseLimits(Model):
    """Limits that are not a milestone's."""

    check: Limits = Limits()
    load: Limits = Limits()  # importing the package, once a module
    suite_cpu_s: float = 60.0  # all checks of one module together


class Course(Model):
    """All of `course.toml`, checked."""

    name: str
    title: str
    package: ImportPath
    minimum_group: int = Field(default=5, ge=1)
    setup_calls: tuple[SetupCall, ...] = ()
    limits: CourseLimits = CourseLimits()
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]

    def module(self, name: str) -> Module:
        """Return the module called `name`.

        Raises:
            KeyError: there is none.
        """
        for module in self.modules:
            if module.name == name:
                return module
        raise KeyError(name)

"""What validating the hidden suites found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from grader.models.base import CheckId, Digest, Model, ModuleName


class MutantResult(Model):
    """One wrong package and the checks that noticed."""

    name: str
    kind: Literal["named", "operator"]
    module: ModuleName  # whose code is wrong
    place: str  # "tensor.py:41 Tensor.sum"; for a named one, its file
    old: str
    new: str
    why: str = ""  # of a named one
    killed_by: tuple[CheckId, ...] = ()  # of an operator mutant, the first that failed
    missed: tuple[CheckId, ...] = ()  # named to fail, and did not
    declared: str = ""  # the mistake that the report must name
    told: str = ""  # the one that it named
    equivalent: str = ""  # why no check can see it
    inconclusive: bool = False

    @property
    def killed(self) -> bool:
        """Return whether the suites did what they must."""
        return bool(self.killed_by) and not self.missed

    @property
    def survived(self) -> bool:
        """Return whether the suites missed a change that is not known to be none."""
        return not self.killed and not self.equivalent


class ModuleProof(Model):
    """One module's suite against all wrong packages of the module."""

    module: ModuleName
    checks: int
    named: int
    named_killed: int
    operators: int
    operators_killed: int
    equivalents: int
    false_alarms: tuple[CheckId, ...] = ()
    idle: tuple[CheckId, ...] = ()  # checks that fail on no wrong package

    @property
    def score(self) -> float:
        """Return the share of wrong packages that were noticed; 1 of none."""
        all_ = self.named + self.operators
        return (self.named_killed + self.operators_killed) / all_ if all_ else 1.0


class ValidationReport(Model):
    """The whole proof; `problems` is empty where it holds."""

    schema_version: Literal[1] = 1
    course: str
    suites: Digest
    reference: Digest
    engine: str
    tier: str
    rounds: int  # secrets that the reference was checked with
    sampled: bool  # only a part of the machine-made mutants was run
    checks: int
    modules: tuple[ModuleProof, ...]
    survivors: tuple[MutantResult, ...]
    equivalents: tuple[MutantResult, ...]
    declared: int  # named mutants that say which mistake must be named
    diagnosed: int  # those of them whose report names it
    empty_passed: int  # checks that an empty package passes
    template_passed: int
    template_other: tuple[CheckId, ...] = ()  # neither TODO nor blocked by one
    problems: tuple[str, ...] = Field(default=())

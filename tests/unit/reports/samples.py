"""Realistic reports for tests: every outcome, three students, plus hostile text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from grader.models.measure import Host, Isolation, Sample, Usage
from grader.models.outcome import (
    Blocked,
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
    ProtocolViolation,
    Raised,
)
from grader.models.report import (
    CheckMeasure,
    CheckResult,
    Epoch,
    GradeReport,
    Measurements,
    MilestoneMeasure,
    MilestoneResult,
    ModuleResult,
    Requirement,
    Verdict,
)

MIB = 2**20
START = datetime(2026, 9, 14, 8, 30, tzinfo=UTC)
STUDENTS = ("s1024-lovelace", "s2048-hopper", "s4096-noether")

TITLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "setup": ("01", "Setup", ("keys", "true_values")),
    "tensor": (
        "02",
        "Tensor",
        (
            "copies",
            "add",
            "broadcast",
            "matmul",
            "reshape",
            "transpose",
            "max",
            "errors",
        ),
    ),
    "activations": (
        "03",
        "Activations",
        ("sigmoid", "relu", "tanh", "gelu", "softmax", "softmax_extreme"),
    ),
    "layers": ("04", "Layers", ("linear", "init", "dropout", "sequential")),
    "losses": ("05", "Losses", ("mse", "cross_entropy", "stable", "bce")),
    "autograd": (
        "06",
        "Autograd",
        ("add", "matmul", "diamond", "chain", "broadcast", "no_grad"),
    ),
}

WRONG: tuple[Outcome, ...] = (
    Mismatch(
        what="value",
        call="matmul with a (4, 3) and a (3, 5) tensor",
        expected="0.268941 at index (0, 0)",
        got="nan   (2 of 20 entries differ)",
        hint="`*` multiplies entry by entry; matmul also sums over k.",
        misconception="elementwise product",
    ),
    Raised(
        error="IndexError",
        message="tuple index out of range",
        where="tinytorch/tensor.py:41, in reshape",
        call="reshape of a (4, 3) tensor to (2, -1)",
        hint="One size may be -1; compute it from the others.",
    ),
    LimitExceeded(which=Limit.CPU, limit="5 s", where="in Tensor.transpose"),
    Crashed(how="exit code 0", where="in Tensor.max"),
    ProtocolViolation(detail="an object of class LazyShape"),
    Mismatch(
        what="error",
        call="matmul with a (2, 3) and a (4, 2) tensor",
        expected="ValueError whose message names (2, 3) and (4, 2)",
        got="ValueError: shapes differ",
        hint="Name both shapes in the message.",
    ),
)


def digest(text: str) -> str:
    """Return a made-up but well-formed digest."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def check(
    module: str, name: str, outcome: Outcome, *, task: str = "", points: float = 1.0
) -> CheckResult:
    """Build one check; it earns its points when it passed."""
    return CheckResult(
        id=f"{module}::{name}",
        title=f"{name.replace('_', ' ')} gives what the docstring says",
        task=task,
        points=points,
        earned=points if isinstance(outcome, Passed) else 0.0,
        outcome=outcome,
    )


def module_result(name: str, outcomes: Sequence[Outcome]) -> ModuleResult:
    """Build one module; outcomes beyond the given ones are passed."""
    number, title, names = TITLES[name]
    padded = [*outcomes, *[Passed()] * len(names)][: len(names)]
    checks = tuple(
        check(name, check_name, outcome, task=f"{int(number)}.{i + 1}")
        for i, (check_name, outcome) in enumerate(zip(names, padded, strict=True))
    )
    share = sum(c.earned for c in checks) / len(checks)
    return ModuleResult(
        name=name,
        number=number,
        title=title,
        points=10.0,
        earned=round(10.0 * share, 4),
        checks=checks,
    )


def todo(number: str, target: str) -> NotImplementedYet:
    """Build the outcome of a stub."""
    return NotImplementedYet(message=f"TODO {number}: {target}")


def usage(cpu_s: float, peak: int, *, steps: int = 40) -> Usage:
    """Build a run whose memory rises, drops and peaks at `peak` bytes."""
    curve = tuple(
        Sample(
            wall_s=1.1 * cpu_s * i / steps,
            cpu_s=cpu_s * i / steps,
            rss_bytes=int(peak * (0.35 + 0.65 * ((7 * i) % steps) / steps)),
        )
        for i in range(steps + 1)
    )
    return Usage(cpu_s=cpu_s, wall_s=1.1 * cpu_s, peak_rss_bytes=peak, curve=curve)


def perceptron(*, accuracy: float = 0.992) -> MilestoneResult:
    """Build the first milestone, reached or missed by `accuracy`."""
    met = accuracy >= 0.95
    reached: Outcome = (
        Passed()
        if met
        else Mismatch(
            what="value",
            call="predict on 1000 unseen points",
            expected="accuracy >= 95.0 %",
            got=f"{100 * accuracy:.1f} %",
            hint="Does the update use the error, target minus output?",
        )
    )
    return MilestoneResult(
        name="perceptron",
        number="01",
        year=1957,
        title="Perceptron",
        points=5.0,
        earned=5.0 if met else 0.0,
        outcome=reached,
        metric=accuracy,
        target=0.95,
        requirements=(
            Requirement(
                name="accuracy on unseen points",
                bound=">= 95.0 %",
                got=f"{100 * accuracy:.1f} %",
                met=met,
            ),
            Requirement(name="CPU time", bound="<= 1 s", got="0.41 s", met=True),
            Requirement(name="peak memory", bound="<= 120 MiB", got="38 MiB", met=True),
        ),
        curve=tuple(
            Epoch(
                epoch=i + 1,
                metric=min(accuracy, 0.5 + 0.08 * i),
                reported_loss=0.7 / (i + 1),
            )
            for i in range(10)
        ),
        replayed=met,
        data=f"two clouds, {digest('clouds')[:20]}",
    )


def xor(outcome: Outcome) -> MilestoneResult:
    """Build the second milestone, which never got as far as a metric."""
    return MilestoneResult(
        name="xor",
        number="02",
        year=1969,
        title="XOR crisis",
        points=5.0,
        earned=0.0,
        outcome=outcome,
        metric=None,
        target=0.9,
        data=f"xor, {digest('xor')[:20]}",
    )


def measurements(
    modules: Sequence[ModuleResult], *, minutes: int = 0, cpu_s: float = 0.41
) -> Measurements:
    """Build the envelope of a report."""
    return Measurements(
        started_at=START + timedelta(minutes=minutes),
        wall_s=9.4,
        cpu_s=7.9,
        isolation=Isolation(
            tier="namespaces", features=("seccomp", "network-namespace")
        ),
        host=Host(
            cpu="Example CPU @ 2.60GHz",
            cores=2,
            kernel="6.1.0",
            python="3.11.7",
            numpy="2.3.0",
            blas="openblas 0.3.29",
        ),
        checks=tuple(
            CheckMeasure(id=c.id, cpu_s=0.012, wall_s=0.013, peak_rss_bytes=3 * MIB)
            for m in modules
            for c in m.checks
        ),
        milestones=(
            MilestoneMeasure(
                name="perceptron",
                usage=usage(cpu_s, 38 * MIB),
                cpu_limit_s=1.0,
                wall_limit_s=10.0,
                memory_limit_bytes=120 * MIB,
                budget_factor=1.0,
            ),
        ),
        suite=usage(6.2, 96 * MIB),
    )


def report(
    student: str = STUDENTS[0],
    *,
    modules: Sequence[ModuleResult] | None = None,
    milestones: Sequence[MilestoneResult] | None = None,
    minutes: int = 0,
    cpu_s: float = 0.41,
) -> GradeReport:
    """Build a report; by default a package with something of everything in it."""
    chosen = tuple(everything() if modules is None else modules)
    runs = (
        (perceptron(), xor(Blocked(by=("autograd",))))
        if milestones is None
        else tuple(milestones)
    )
    verdict = Verdict(
        submission=digest(f"{student}{minutes}"),
        suites=digest("suites"),
        reference=digest("reference"),
        course="tinytorch",
        round="autumn-1",
        round_kind="feedback",
        profile="quick",
        engine="0.1.0",
        earned=round(sum(m.earned for m in chosen) + sum(r.earned for r in runs), 4),
        points=sum(m.points for m in chosen) + sum(r.points for r in runs),
        modules=chosen,
        milestones=runs,
        notes=("ignored: conftest.py (only the package folder is taken)",),
    )
    return GradeReport(
        student=student,
        label=f"/srv/courses/{student}/work",
        verdict=verdict,
        measurements=measurements(chosen, minutes=minutes, cpu_s=cpu_s),
    )


def everything() -> tuple[ModuleResult, ...]:
    """Return six modules in which each of the nine outcomes occurs."""
    return (
        module_result("setup", ()),
        module_result("tensor", (Passed(), Passed(), *WRONG)),
        module_result(
            "activations",
            (Passed(), Passed(), *[todo("3.3", "Tanh"), todo("3.4", "GELU")]),
        ),
        module_result("layers", [Blocked(by=("tensor::matmul",))] * 3),
        module_result("losses", [Inconclusive(reason="the host ran out of memory")]),
        module_result(
            "autograd",
            [
                Blocked(by=("tensor::matmul",)),
                *[todo(f"6.{i}", f"Tensor.step_{i}") for i in range(2, 7)],
            ],
        ),
    )


def perfect() -> tuple[ModuleResult, ...]:
    """Return six modules in which every check passed."""
    return tuple(module_result(name, ()) for name in TITLES)


def good() -> tuple[ModuleResult, ...]:
    """Return six modules, two of them not perfect, nothing inconclusive."""
    weak = {
        "tensor": (Passed(), Passed(), WRONG[0]),
        "autograd": (Passed(), Passed(), todo("6.3", "Tensor.backward")),
    }
    return tuple(module_result(name, weak.get(name, ())) for name in TITLES)


HOSTILE: dict[str, str] = {
    "terminal escapes": "\x1b[2J\x1b]0;owned\x07\x9b31m\rpassed",
    "html": '<script>alert(1)</script><img src=x onerror="alert(2)">"\'&',
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}",
    "csv formula": '=HYPERLINK("http://evil.example","x")',
    "right to left": "abc\u202egnp.exe\u2066\u200f",
    "nul": "a\x00b\ufffe",
    "one megabyte": "A" * 2**20,
    "lines": "\n".join(["line"] * 5000) + "\u2028end",
    "workflow command": "::stop-commands::x\n::error::y\n##[error]z",
    "stacked marks": "Z" + "\u0301" * 5000,
    "wide": "\u6f22\u5b57" * 200,
    "css": "</style><style>*{display:none}",
}


def hostile(text: str) -> GradeReport:
    """Return a report with `text` in every place a submission can write to."""
    outcomes: tuple[Outcome, ...] = (
        Mismatch(
            what="value",
            call=text,
            expected=text,
            got=text,
            hint=text,
            misconception=text,
        ),
        Raised(error=text, message=text, where=text, call=text, hint=text),
        Crashed(how=text, where=text),
        ProtocolViolation(detail=text),
        NotImplementedYet(message=text),
        Inconclusive(reason=text),
        LimitExceeded(which=Limit.WALL, limit=text, where=text),
    )
    weird = module_result("tensor", outcomes)
    checks = tuple(
        CheckResult(**{**dict(c), "output": text, "title": text}) for c in weird.checks
    )
    weird = ModuleResult(**{**dict(weird), "checks": checks, "title": text})
    base = report(modules=(weird,), milestones=(perceptron(), xor(outcomes[1])))
    verdict = Verdict(**{**dict(base.verdict), "notes": (text, text), "round": text})
    return GradeReport(**{**dict(base), "label": text, "verdict": verdict})

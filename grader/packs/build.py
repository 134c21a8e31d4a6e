"""Make a pack: run the reference once, keep what it answered, leave it behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grader
from grader.checks.recording import seal, unseal
from grader.checks.suites import load_suites
from grader.errors import ConfigError
from grader.host import describe_host
from grader.packs.file import (
    ANSWERS,
    agent_digest,
    basis_of,
    digest_of,
    text_of,
    written,
)
from grader.packs.models import MadeOn, Manifest, PackFile
from grader.pipeline import Job, Recorded, asks_oracle, record
from grader.rounds import write_private


@dataclass(frozen=True)
class Built:
    """A pack that was made."""

    path: Path
    digest: str
    size: int  # bytes
    checks: int
    unanswered: tuple[str, ...]  # checks that are inconclusive with it
    wrong: tuple[str, ...]  # checks that the reference itself does not pass


def build_pack(job: Job, target: Path) -> Built:
    """Write the pack of a feedback round to the new file `target`, mode 0600.

    Raises:
        ConfigError: the round is not for feedback, or `target` exists or cannot be
            written.
        GraderError: the course is not usable, or the sandbox does not start.
    """
    if job.round.kind != "feedback":
        msg = f"round {job.round.name!r} is {job.round.kind}; packs are for feedback"
        hint = "who holds a pack can compute its inputs: grader round new week-1"
        raise ConfigError(msg, hint=hint)
    if target.exists():
        msg = f"{target} exists already"
        raise ConfigError(msg, hint="name a new file, or remove this one")
    made = record(job, lambda _: True)
    manifest, files = _described(job, made)
    data = written(manifest, files)
    write_private(target, data)
    return Built(
        path=target,
        digest=digest_of(text_of(manifest)),
        size=len(data),
        checks=len(load_suites(job.home.suites, job.course).checks),
        unanswered=manifest.unanswered,
        wrong=made.wrong,
    )


def _described(job: Job, made: Recorded) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and the files; nothing of the reference is among them."""
    files = {"course.toml": job.home.course_file.read_bytes()}
    for path in sorted(job.home.suites.glob("test_*.py")):
        files[f"checks/{path.name}"] = path.read_bytes()
    host = describe_host()
    bare = Manifest(
        course=job.course.name,
        round=job.round,
        engine=grader.__version__,
        agent=agent_digest(),
        suites=made.digests[0],
        reference=made.digests[1],
        made_on=MadeOn(cpu=host.cpu, python=host.python, numpy=host.numpy),
        proven=tuple(sorted(made.right)),
        unanswered=(),
        files=(),
    )
    basis = basis_of(bare)
    files[ANSWERS] = seal(made.recording, basis, job.round.secret)
    kept = unseal(files[ANSWERS], basis, job.round.secret)  # the largest are left out
    checks = load_suites(job.home.suites, job.course).checks
    silent = [c.id for c in checks if asks_oracle(c) and c.id not in kept]
    facts = bare.model_dump() | {
        "unanswered": tuple(sorted({*silent, *made.wrong})),
        "files": tuple(
            PackFile(name=name, size=len(data), digest=digest_of(data))
            for name, data in sorted(files.items())
        ),
    }
    return Manifest.model_validate(facts), files

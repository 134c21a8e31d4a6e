"""What staff upload to each product."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from grader.bundles.contents import (
    STATIC,
    Asked,
    Files,
    program_files,
    round_files,
    settings_of,
    tarred,
    write_folder,
    zipped,
)
from grader.bundles.settings import Settings
from grader.errors import ConfigError, UsageError
from grader.intake import ARCHIVES
from grader.rounds import write_private

# At most what the products allow, in seconds.
TIMEOUTS: Final = {"gradescope": 2400.0, "prairielearn": 600.0, "autolab": 86_400.0}
HANDIN: Final = "handin.tinytorch.tar.gz"
IMAGE: Final = "tinytorch-grader-prairielearn"
# A question is named by what it grades: made again, it is the same question.
SPACE: Final = uuid.UUID("7d7a4c52-6a5c-5d5f-9d62-7b1f6d1f2f60")


@dataclass(frozen=True)
class Made:
    """A bundle that was written."""

    path: Path
    settings: Settings
    size: int  # bytes


def bundle(
    asked: Asked, target: Path, *, image: str = IMAGE, handin: str = HANDIN
) -> Made:
    """Write the bundle of a product to `target`, which must not exist yet.

    Args:
        asked: what to grade, and where.
        target: a zip for Gradescope, a folder for the others.
        image: where PrairieLearn finds the image.
        handin: what Autolab calls a hand-in.

    Raises:
        GraderError: it cannot be made of this course and round.
    """
    most = TIMEOUTS[asked.product]
    if not 60 <= asked.timeout_s <= most:
        msg = f"{asked.product} gives a grading 60 to {most:.0f} s"
        raise UsageError(msg, hint="name another `--timeout-s`")
    if target.exists():
        msg = f"{target} exists already"
        raise ConfigError(msg, hint="name a new one, or remove it")
    settings = settings_of(asked)
    if asked.product == "gradescope":
        data = gradescope(asked, settings)
        write_private(target, data)
        return Made(target, settings, len(data))
    if asked.product == "prairielearn":
        files = prairielearn(asked, settings, image)
    else:
        files = autolab(asked, settings, handin)
    write_folder(target, files)
    return Made(target, settings, sum(map(len, files.values())))


def gradescope(asked: Asked, settings: Settings) -> bytes:
    """Return `autograder.zip`."""
    files = program_files(asked) | round_files(asked, settings)
    files["run_autograder"] = _static("run_autograder")
    return zipped(files, {"setup.sh", "run_autograder"})


def prairielearn(asked: Asked, settings: Settings, image: str) -> Files:
    """Return the folder of a question, and the Dockerfile of its image."""
    tests = round_files(asked, settings)
    return {
        "question/info.json": _json(_info(asked, settings, image)),
        "question/question.html": _static("question.html"),
        **{f"question/tests/tinytorch/{name}": data for name, data in tests.items()},
        "image/Dockerfile": _static("Dockerfile.prairielearn"),
    }


def _info(asked: Asked, settings: Settings, image: str) -> dict[str, Any]:
    what = ", ".join(settings.modules) or "all modules"
    return {
        "uuid": str(uuid.uuid5(SPACE, settings.model_dump_json())),
        "title": f"TinyTorch: {what} ({settings.round})",
        "topic": "TinyTorch",
        "type": "v3",
        "singleVariant": True,
        "gradingMethod": "External",
        "externalGradingOptions": {
            "enabled": True,
            "image": image,
            "timeout": int(asked.timeout_s),
            "enableNetworking": False,
        },
    }


def autolab(asked: Asked, settings: Settings, handin: str) -> Files:
    """Return `autograde-Makefile`, `autograde.tar` and the context of the image.

    Raises:
        UsageError: `handin` is no plain file name.
    """
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", handin)
    if not plain or not handin.endswith(ARCHIVES):
        msg = f"{handin!r} is no name for a hand-in"
        raise UsageError(msg, hint=f"letters, digits and an archive's ending: {HANDIN}")
    work = {f"tinytorch/{k}": v for k, v in round_files(asked, settings).items()}
    image = program_files(asked) | {
        "Dockerfile": _static("Dockerfile.autolab"),
        "grade": _static("grade"),
        "sudoers": _static("sudoers"),
    }
    makefile = _static("autograde-Makefile").replace(b"@HANDIN@", handin.encode())
    return {
        "autograde-Makefile": makefile,
        "autograde.tar": tarred(work),
        **{f"image/{name}": data for name, data in image.items()},
    }


def _static(name: str) -> bytes:
    return (STATIC / name).read_bytes()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()

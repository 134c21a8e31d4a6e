"""The one program of the grader image: a request on stdin, a result on stdout.

`doctor` in place of a request, as an argument or on stdin, says what is isolated here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from grader.config import find_home
from grader.container.inside import serve
from grader.container.request import SessionJob
from grader.errors import GraderError, UsageError
from grader.image.doctor import DOCTOR, Doctor, examine
from grader.models.session import Session
from grader.models.submission import Submission
from grader.reports.display import one_line


def main() -> None:
    """Answer one request."""
    try:
        answer = _answer(sys.argv[1:])
    except GraderError as exc:
        sys.stderr.write(f"error[{exc.code}]: {exc.message}\n  hint: {exc.hint}\n")
        sys.exit(exc.exit_code)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _answer(arguments: list[str]) -> bytes:
    if arguments == ["doctor"]:
        return f"{to_text(examine())}\n".encode()
    if arguments:
        msg = f"the image knows `doctor`, not {' '.join(arguments)!r}"
        raise UsageError(msg, hint="a grading is asked for on standard input")
    request = sys.stdin.buffer.read()
    if request == DOCTOR:
        return examine().model_dump_json().encode()
    return serve(request, find_home(), _measured)


def _measured(
    submission: Submission,
    held: Mapping[str, bytes],
    wanted: SessionJob,
    progress: Callable[[str], None],
) -> Session:
    from grader.competing.inside import measured  # noqa: PLC0415 -- not for a grading

    return measured(submission, held, wanted, progress)


def to_text(found: Doctor) -> str:
    """Return what the doctor has found, for a terminal."""
    facts = [
        ("python", f"{found.python}, numpy {found.numpy}, {found.machine}"),
        ("inner wall", ", ".join(found.inner_wall) or f"none: {found.problem}"),
        ("set-user-id", ", ".join(found.privileged) or "no file"),
        ("world-writable", ", ".join(found.writable) or "nothing"),
        ("programs", ", ".join(found.programs)),
    ]
    rows = [
        (s.name, "yes" if s.on else "NO", s.found, s.advice) for s in found.settings
    ]
    return f"{table(facts)}\n\n{table(rows, ('container', '', 'found', ''))}"


def table(rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> str:
    """Return a table; an image may be a stranger's, so no cell moves the cursor."""
    from tabulate import tabulate  # noqa: PLC0415 -- not for a grading

    cells = [[one_line(cell) for cell in row] for row in rows]
    form = "simple" if heads else "plain"
    return tabulate(cells, heads, tablefmt=form, disable_numparse=True)


if __name__ == "__main__":
    main()

"""A new student, scripted: from the repository to a submission answered by the service.

Everything a student types is run as they would, in an environment that `make setup`
made: numpy, pytest and click, nothing of the grader. What is staff's (building the
repository, the service, the token) runs beside it and is not counted. What a script
cannot measure is how long somebody reads and thinks; one task of module 01 is written
here in no time.

    python bench/student/new_student.py --out bench/student/results.json

With --container the student's commands run in a new container of that image, as a user
without rights, with packages from a folder of wheels and nothing else; README.md has
the image. The service stays outside of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUDENT = (1000, 1000)  # user and group in a container
UNWANTED = ("MAKE", "PYTEST", "COVERAGE", "NO_COLOR", "TINYTORCH", "PYTHONPATH")
# What somebody would write who follows the specification of task 1.1.
ANSWER = """\
    pages = os.sysconf("SC_PHYS_PAGES")
    return {
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "platform": platform.platform(),
        "cpu_count": os.cpu_count() or 1,
        "memory_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
    }
"""
STUB = re.compile(r"    # TODO\(1\.1\).*\n    raise NotImplementedError\(.*\)\n")


class Shell:
    """The student's shell: runs, times, and expects words."""

    def __init__(self, folder: Path, within: Sequence[str] = ()) -> None:
        self.folder, self.within = folder, within
        self.steps: list[dict[str, Any]] = []

    def run(self, name: str, command: str, *, says: str, given: str = "") -> str:
        """Run one step; stop the whole if it does not end as it should."""
        start, before_s = time.perf_counter(), children_s()
        done = subprocess.run(
            [*self.within, *command.split()],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
        wall_s = time.perf_counter() - start
        text = done.stdout + done.stderr
        if done.returncode or not re.search(says, text):
            raise SystemExit(f"{command}: exit {done.returncode}\n{text}")
        step = {"step": name, "command": command, "minutes": round(wall_s / 60, 4)}
        self.steps.append(step | {"cpu_s": round(children_s() - before_s, 2)})
        print(f"{wall_s:7.1f} s  {name}")
        return text


def children_s() -> float:
    """Return the CPU seconds of the commands so far; the service still runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def staff(state: Path, *words: str) -> str:
    """Run a command of the grader's; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "grader.cli.main", *words],
        cwd=ROOT,
        env=os.environ | {"GRADER_STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"grader {' '.join(words)}\n{done.stderr}")
    return done.stdout.strip()


@contextmanager
def service(state: Path) -> Iterator[str]:
    """Run the service as staff would, with everything that is graded in it."""
    staff(state, "round", "new", "week-1")
    command = [sys.executable, "-m", "grader.cli.main", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--round", "week-1", "--jobs", "1"],
        cwd=ROOT,
        env=os.environ | {"GRADER_STATE": str(state)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def token(state: Path, folder: Path) -> str:
    """Put Ada on the roster; return her token."""
    (folder / "class.csv").write_text("student,name\nada,Ada Lovelace\n")
    tokens = folder / "tokens.csv"
    words = ("roster", "import", str(folder / "class.csv"), "--tokens", str(tokens))
    staff(state, *words)
    found = re.search(r"tt_[A-Za-z0-9_-]{43}", tokens.read_text())
    if found is None:
        raise SystemExit("the roster gave no token")
    return found[0]


def write_code(repository: Path) -> None:
    """Solve task 1.1; in place, so that the file stays the student's."""
    path = repository / "tinytorch" / "setup.py"
    text, count = STUB.subn(ANSWER, path.read_text())
    if count != 1:
        raise SystemExit("the stub of task 1.1 is not as it was")
    path.write_text(text)


def first_check(shell: Shell) -> None:
    """Go from the repository to the first module that is complete."""
    shell.run("set up", "make setup", says="Ready")
    shell.run("look", "make doctor", says="a repository|no repository")
    shell.run("first tests", "make test-01", says=r"TODO 1\.1")
    write_code(shell.folder)
    shell.run("first green check", "make test-01", says=r"\b5 passed in ")
    shell.run("complete 01", "make complete-01", says="01_setup is complete")


def hand_in(shell: Shell, secret: str) -> None:
    """Go from there to an answer of the service."""
    shell.run("log in", "make login", says="hello    Ada Lovelace", given=secret)
    shell.run("hand in", "make submit", says=r"id       s-\w+")
    told = shell.run("graded", "make result WAIT=1", says="state    graded")
    points = re.search(r"points   ([\d.]+) of ([\d.]+) points", told)
    if points is None or float(points[1]) <= 0:
        raise SystemExit(f"module 01 earned nothing\n{told}")


@contextmanager
def container(image: str, wheels: Path, repository: Path) -> Iterator[list[str]]:
    """Run a new container for the student; yield how a command is run in it."""
    repository.parent.chmod(0o755)
    for path in (repository, *repository.rglob("*")):
        os.chown(path, *STUDENT, follow_symlinks=False)
    options = ["--rm", "--detach", "--network", "host", "--cap-drop", "ALL"]
    options += ["--volume", f"{repository}:{repository}", "--workdir", str(repository)]
    options += [
        "--volume",
        f"{wheels.resolve()}:/wheels:ro",
        "--user",
        ":".join(map(str, STUDENT)),
    ]
    for setting in ("HOME=/tmp", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels"):
        options += ["--env", setting]
    command = ["docker", "run", *options, "--entrypoint", "sleep", image, "3600"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    name = done.stdout.strip()
    try:
        yield ["docker", "exec", "--interactive", name]
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=True)


def installed(shell: Shell) -> list[str]:
    """Return what the student's environment holds."""
    done = subprocess.run(
        [*shell.within, ".venv/bin/python", "-m", "pip", "list", "--format=json"],
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(f"{p['name']} {p['version']}" for p in json.loads(done.stdout))


def go(shell: Shell, secret: str) -> dict[str, Any]:
    """Go the whole way; return what was measured."""
    first_check(shell)
    green = sum(s["minutes"] for s in shell.steps)
    hand_in(shell, f"{secret}\n")
    return {
        "steps": shell.steps,
        "minutes_to_first_complete_module": round(green, 3),
        "minutes_to_answer": round(sum(s["minutes"] for s in shell.steps), 3),
        "installed": installed(shell),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }


def main() -> None:
    """Run it and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--container", metavar="IMAGE")
    parser.add_argument("--wheels", type=Path)
    asked = parser.parse_args()
    if bool(asked.container) != bool(asked.wheels):
        parser.error("--container and --wheels go together")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, state = Path(name), Path(name) / "state"
        url = stack.enter_context(service(state))
        secret = token(state, folder)
        repository = folder / "tinytorch-ada"
        staff(state, "template", "build", str(repository), "--submit", url, "--git")
        within: list[str] = []
        if asked.container:
            made = container(asked.container, asked.wheels, repository)
            within = stack.enter_context(made)
        facts = go(Shell(repository, within), secret)
    facts |= {"container": asked.container or ""}
    asked.out.write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{facts['minutes_to_answer']:.1f} min to an answer of the service")


if __name__ == "__main__":
    main()

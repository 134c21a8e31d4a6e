"""Run the steps of a job or of a composite action here, as a runner would.

`run:` steps run for real, in bash, in a workspace of their own, with the files that a
runner gives. `uses:` steps of known actions are replaced by what they stand for:
checkout copies a folder, setup-python finds Python there, upload-artifact looks whether
the files are there. Anything else is refused.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from workflows.expressions import Expressions, as_text
from workflows.runner_log import Command, Log

MOST_SUMMARY: Final = 1 << 20
MOST_OUTPUT: Final = 1 << 20
FILES: Final = ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")
# What a person's shell or our own gate sets is not what a runner has.
FOREIGN: Final = ("GITHUB_", "RUNNER_", "TINYTORCH_", "GRADER_", "PYTEST_", "STUDENT")


@dataclass
class Result:
    """What a job came to.

    Attributes:
        failed: the names of the steps that failed.
        outputs: of every step with an id.
        artifacts: the files that each upload keeps, by its name.
        environment: of every `run:` step, by name.
    """

    failed: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, list[Path]] = field(default_factory=dict)
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""
    text: str = ""
    log: Log = field(default_factory=Log)

    def of_kind(self, kind: str) -> list[Command]:
        """Return the annotations of a kind, or other commands."""
        return [command for command in self.log.commands if command.name == kind]


@dataclass
class Runner:
    """One machine with one workspace.

    Attributes:
        folder: where workspace and temporary files go.
        repositories: what can be checked out: a folder by name; "" is the own one.
        contexts: of expressions: inputs, secrets, vars, github.
        extra: variables of every step.
        skip: names of steps that take long, and that another test runs.
    """

    folder: Path
    repositories: Mapping[str, Path]
    contexts: dict[str, Any] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    skip: Collection[str] = ()
    result: Result = field(default_factory=Result)

    def __post_init__(self) -> None:
        self.workspace = self.folder / "workspace"
        self.temp = self.folder / "temp"
        self.workspace.mkdir(parents=True)
        self.temp.mkdir()
        self.shared: dict[str, str] = {}
        self.paths: list[str] = []
        self.number = 0

    def job(self, workflow: Path, name: str) -> Result:
        """Run a job of a workflow."""
        job = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"][name]
        self._steps(job["steps"], self.contexts, self.result.outputs, {})
        return self.result

    def action(self, folder: Path, given: Mapping[str, str]) -> dict[str, str]:
        """Run the steps of a composite action; return its outputs."""
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        inputs = {k: str(v.get("default", "")) for k, v in action["inputs"].items()}
        assert set(given) <= set(inputs), given
        contexts = {**self.contexts, "inputs": inputs | given}
        outputs: dict[str, dict[str, str]] = {}
        own = {"GITHUB_ACTION_PATH": str(folder)}
        contexts["github"] = {**contexts["github"], "action_path": str(folder)}
        self._steps(action["runs"]["steps"], contexts, outputs, own)
        seen = self._expressions(contexts, outputs, ok=True)
        named = action.get("outputs", {})
        return {name: seen.filled(str(out["value"])) for name, out in named.items()}

    def _steps(
        self,
        steps: list[dict[str, Any]],
        contexts: dict[str, Any],
        outputs: dict[str, dict[str, str]],
        own: Mapping[str, str],
    ) -> None:
        before = len(self.result.failed)
        for step in steps:
            ok = len(self.result.failed) == before
            seen = self._expressions(contexts, outputs, ok=ok)
            name = str(step.get("name") or step.get("uses") or step.get("run"))
            if name in self.skip or not _wanted(step, seen, ok=ok):
                continue
            self.result.ran.append(name)
            values = {
                k: seen.filled(as_text(v)) for k, v in step.get("env", {}).items()
            }
            if "run" in step:
                good, told = self._run(name, step, seen, {**own, **values})
            else:
                given = {
                    k: seen.filled(as_text(v)) for k, v in step.get("with", {}).items()
                }
                good, told = self._uses(str(step["uses"]), given)
            if "id" in step:
                outputs[step["id"]] = told
            if not good and not step.get("continue-on-error"):
                self.result.failed.append(name)

    def _expressions(
        self, contexts: dict[str, Any], outputs: dict[str, Any], *, ok: bool
    ) -> Expressions:
        runner = {"temp": str(self.temp), "os": "Linux"}
        steps = {name: {"outputs": told} for name, told in outputs.items()}
        functions: dict[str, Callable[[], Any]] = {
            "cancelled": lambda: False,
            "always": lambda: True,
            "success": lambda: ok,
            "failure": lambda: not ok,
        }
        base = {"secrets": {}, "vars": {}, "github": {}, "inputs": {}}
        return Expressions(
            base | contexts | {"runner": runner, "steps": steps}, functions
        )

    # Steps that run

    def _run(
        self,
        name: str,
        step: Mapping[str, Any],
        seen: Expressions,
        values: Mapping[str, str],
    ) -> tuple[bool, dict[str, str]]:
        self.number += 1
        files = {f: self.temp / f"_{self.number}_{f.lower()}" for f in FILES}
        for path in files.values():
            path.touch()
        script = self.temp / f"_{self.number}.sh"
        script.write_text(seen.filled(step["run"]), encoding="utf-8")
        options = ["--noprofile", "--norc", "-eo", "pipefail"]
        command = ["bash", *(options if step.get("shell") == "bash" else ["-e"])]
        environment = self._environment(files, values)
        self.result.environment[name] = environment
        done = subprocess.run(
            [*command, str(script)],
            cwd=self.workspace / step.get("working-directory", ""),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
            check=False,
        )
        text = done.stdout.decode("utf-8", "replace")
        self.result.text += text
        self.result.log.read(text)
        self._take_files(files)
        return done.returncode == 0, pairs_in(files["OUTPUT"])

    def _environment(
        self, files: Mapping[str, Path], values: Mapping[str, str]
    ) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        path = [*self.paths, str(Path(sys.executable).parent), kept.get("PATH", "")]
        github = self.contexts.get("github", {})
        return {
            **kept,
            **{f"GITHUB_{k.upper()}": v for k, v in github.items() if type(v) is str},
            **{f"GITHUB_{name}": str(path) for name, path in files.items()},
            "PATH": os.pathsep.join(path),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **self.extra,
            **self.shared,
            **values,
        }

    def _take_files(self, files: Mapping[str, Path]) -> None:
        assert files["OUTPUT"].stat().st_size <= MOST_OUTPUT
        summary = files["STEP_SUMMARY"].read_bytes()
        assert len(summary) <= MOST_SUMMARY
        self.result.summary += summary.decode("utf-8")
        self.shared |= pairs_in(files["ENV"])
        self.paths = [*files["PATH"].read_text().split(), *self.paths]

    # Steps that use an action

    def _uses(self, uses: str, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        if uses.startswith("./"):
            before = len(self.result.failed)
            told = self.action(self.workspace / uses, given)
            good = len(self.result.failed) == before
            del self.result.failed[before:]  # the step that uses it fails instead
            return good, told
        known = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda _: (True, {}),
            "actions/upload-artifact": self._upload,
        }
        return known[uses.partition("@")[0]](given)

    def _checkout(self, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        assert given.get("persist-credentials") == "false"
        source = self.repositories[given.get("repository", "")]
        target = self.workspace / given.get("path", "")
        leave = shutil.ignore_patterns(".venv", "__pycache__", ".grader", ".mypy_cache")
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=leave)
        return True, {"commit": given.get("ref") or "0" * 40}

    def _upload(self, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        path = Path(given["path"])
        files = sorted(f for f in path.rglob("*") if f.is_file())
        self.result.artifacts[given["name"]] = files
        return bool(files) or given.get("if-no-files-found") != "error", {}


def _wanted(step: Mapping[str, Any], seen: Expressions, *, ok: bool) -> bool:
    """Without a function of the job's state, a condition holds while all is well."""
    condition = str(step.get("if", "true")).strip()
    if found := re.fullmatch(r"\$\{\{(.*)\}\}", condition, re.DOTALL):
        condition = found[1]
    stateful = re.search(r"\b(always|cancelled|failure|success)\(\)", condition)
    return bool(seen.value(condition)) and (ok or bool(stateful))


def pairs_in(path: Path) -> dict[str, str]:
    """Return what a step wrote: NAME=VALUE, and NAME<<END to END."""
    pairs: dict[str, str] = {}
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if found := re.fullmatch(r"([^=<]+)<<(.+)", line):
            pairs[found[1]] = "\n".join(iter(lines.__next__, found[2]))
        elif line:
            name, _, value = line.partition("=")
            pairs[name] = value
    return pairs

"""What the shell scripts in container/ ask of Docker and pip: both are imitated."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKER = """#!/bin/sh
printf 'docker %s\\n' "$*" >> "$LOG"
case "$*" in
  run*) echo "3.11 20" ;;
  *Architecture*) echo "$ARCH" ;;
  *Id*) echo "sha256:base" ;;
  *build*) exit "${BUILD_EXIT:-0}" ;;
esac
"""
PYTHON = """#!/bin/sh
printf 'python %s\\n' "$*" >> "$LOG"
previous=
for word; do
  case "$previous" in
    --dest) mkdir -p "$word" ;;
    --wheel-dir) mkdir -p "$word"; echo "$SOURCE_DATE_EPOCH" > "$word/grader.whl" ;;
  esac
  previous=$word
done
case "$*" in *"image labels"*) printf 'a=1\\nb=2\\n'; exit "${LABELS_EXIT:-0}" ;; esac
"""


class Checkout:
    """A checkout with its scripts, and programs that only write down their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        shutil.copytree(ROOT / "container", folder / "container")
        (folder / "grader/__pycache__").mkdir(parents=True)
        names = ("pyproject.toml", "README.md", "LICENSE", "requirements.lock")
        for name in names:
            (folder / name).write_text(name, encoding="utf8")
        for name, text in {"docker": DOCKER, "python": PYTHON}.items():
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(text, encoding="utf8")
            program.chmod(0o755)

    def run(
        self, *command: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        self.log.write_text("", encoding="utf8")
        settings = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "LOG": str(self.log),
            "ARCH": "amd64",
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=settings | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, *options: str, **environment: str) -> str:
        """Build; return the last command that Docker was given."""
        python = str(self.folder / "bin/python")
        done = self.run(
            *("container/build.sh", "staff", "image:x", "base:x", python, *options),
            **environment,
        )
        assert done.returncode == 0, done.stderr
        return self.calls("docker")[-1]

    def calls(self, program: str) -> list[str]:
        lines = self.log.read_text(encoding="utf8").splitlines()
        return [line for line in lines if line.startswith(f"{program} ")]

    def downloads(self) -> list[str]:
        return [call for call in self.calls("python") if " pip download " in call]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_one_machine_is_built_without_network_and_buildx(checkout: Checkout) -> None:
    command = checkout.build("--no-cache", ARCH="arm64")

    assert command.startswith("docker build --build-arg TARGETARCH=arm64 ")
    assert "--label a=1 --label b=2 " in command
    assert "--network none " in command
    assert "--build-arg BASE_IMAGE=base:x " in command
    assert "--build-arg SOURCE_DATE_EPOCH=315532800 " in command
    assert command.endswith("--target staff --tag image:x --no-cache .")
    packages = checkout.downloads()[0]
    assert "--dest wheels/arm64/partial " in packages
    assert "--platform=manylinux_2_20_aarch64 " in packages
    assert "--require-hashes" in packages


def test_several_machines_are_built_by_buildx(checkout: Checkout) -> None:
    command = checkout.build("--push", PLATFORMS="linux/amd64,linux/arm64")

    assert command.startswith("docker buildx build --platform linux/amd64,linux/arm64 ")
    # BuildKit sets it for each machine; an argument would set it for all.
    assert "TARGETARCH" not in command
    assert command.endswith("--push .")
    for arch in ("amd64", "arm64"):
        assert (checkout.folder / "wheels" / arch / "packages").is_dir()


def test_packages_are_downloaded_again_only_for_another_lock(
    checkout: Checkout,
) -> None:
    checkout.build()
    assert len(checkout.downloads()) == 2  # packages, and what builds our wheel

    checkout.build()
    assert checkout.downloads() == []

    (checkout.folder / "requirements.lock").write_text("new", encoding="utf8")
    checkout.build()
    assert len(checkout.downloads()) == 1


def test_the_time_of_the_source_is_that_of_files_and_wheel(checkout: Checkout) -> None:
    command = checkout.build(SOURCE_DATE_EPOCH="1700000000")

    assert "--build-arg SOURCE_DATE_EPOCH=1700000000 " in command
    wheel = checkout.folder / "wheels/engine/grader.whl"
    assert wheel.read_text(encoding="utf8") == "1700000000\n"


def test_our_wheel_is_made_of_pinned_tools_alone(checkout: Checkout) -> None:
    checkout.build()

    (call,) = (c for c in checkout.calls("python") if " pip wheel " in c)
    assert "--no-index --find-links wheels/tools " in call


def test_revision_tells_of_changes(checkout: Checkout) -> None:
    def git(*words: str) -> str:
        names = ("-c", "user.name=a", "-c", "user.email=a@example.edu")
        command = ["git", *names, *words]
        done = subprocess.run(
            command, cwd=checkout.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def revision() -> str:
        checkout.build()
        (call,) = (c for c in checkout.calls("python") if "image labels" in c)
        return call.split("--revision ")[1].split(" ")[0]

    assert revision() == ""
    git("init", "--quiet")
    (checkout.folder / ".gitignore").write_text("log\nwheels/\n", encoding="utf8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "all")
    head = git("rev-parse", "HEAD")
    assert revision() == head
    (checkout.folder / "grader/new.py").write_text("", encoding="utf8")
    assert revision() == f"{head}-dirty"


@pytest.mark.parametrize("failing", ["LABELS_EXIT", "BUILD_EXIT"])
def test_a_failure_ends_the_build(checkout: Checkout, failing: str) -> None:
    python = str(checkout.folder / "bin/python")
    arguments = ("container/build.sh", "staff", "image:x", "base:x", python)

    done = checkout.run(*arguments, **{failing: "3"})

    assert done.returncode == 3
    # Without labels nothing is built.
    built = [c for c in checkout.calls("docker") if c.startswith("docker build")]
    assert len(built) == (failing == "BUILD_EXIT")


def test_an_unknown_machine_is_refused(checkout: Checkout) -> None:
    python = str(checkout.folder / "bin/python")

    done = checkout.run("container/wheels.sh", "base:x", python, "pdp11")

    assert done.returncode == 1
    assert done.stderr == "wheels: no wheels are known for machine 'pdp11'\n"

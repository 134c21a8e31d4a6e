"""What is in the image, what its labels say, and that it is the same each time."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from docker import DockerClient

import grader
from grader import api
from grader.checks.suites import load_suites
from grader.config import Home, load_course
from grader.errors import ConfigError
from grader.image.contents import contents_of
from grader.image.doctor import DOCTOR, Doctor
from grader.image.fresh import require_current
from grader.image.labels import PREFIX
from grader.pipeline import digest_of, reference_files
from grader.sandbox.docker import ISOLATION, connect, grade_in_container

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
HOME = Home(ROOT)
EPOCH = 315_532_800
# Of this process: somebody else may be building on the same engine.
AGAIN = f"tinytorch-grader:test-again-{os.getpid()}"
ELSEWHERE = f"tinytorch-grader:test-elsewhere-{os.getpid()}"
BASE_ELSEWHERE = f"tinytorch-grader-base:test-elsewhere-{os.getpid()}"
# What nobody needs who only runs Python, by the names that it has anywhere.
UNWANTED = {
    *("sh", "bash", "dash", "busybox", "perl", "awk", "sed", "su", "mount", "setpriv"),
    *("gcc", "cc", "g++", "ld", "as", "make", "ldconfig", "ldd", "gdb", "strace"),
    *("apt", "apt-get", "dpkg", "dpkg-deb", "pip", "pip3", "git", "curl", "wget"),
}
LISTING = """
import importlib.util, json, os, sys
found = []
for folder, names, files in os.walk("/"):
    if folder == "/":
        names[:] = [n for n in names if n not in ("proc", "sys", "dev")]
    for name in names + files:
        path = os.path.join(folder, name)
        s = os.lstat(path)
        elf = os.path.isfile(path) and open(path, "rb").read(4) == b"\\x7fELF"
        found.append([path, s.st_mode, s.st_uid, s.st_gid, elf])
modules = ("pip", "setuptools", "ensurepip", "tkinter", "idlelib", "pkg_resources")
there = [name for name in modules if importlib.util.find_spec(name)]
print(json.dumps([found, there, sys.base_prefix]))
"""


def tool(name: str) -> ModuleType:
    """Import one of the programs in container/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"container/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inside(client: DockerClient, image: str, source: str) -> Any:
    """Run Python in a plain container; return the JSON that it prints."""
    printed = client.containers.run(
        image,
        entrypoint=["python", "-c", source],
        network_mode="none",
        remove=True,
    )
    return json.loads(printed)


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture(scope="module")
def listing(client: DockerClient, image: str) -> Any:
    return inside(client, image, LISTING)


@pytest.fixture(scope="module")
def labels(client: DockerClient, image: str) -> dict[str, str]:
    found: dict[str, str] = client.images.get(image).labels
    return found


@pytest.fixture(scope="module")
def doctor(client: DockerClient, image: str) -> Doctor:
    answer = grade_in_container(DOCTOR, image=image, client=client)
    assert isinstance(answer, bytes), answer
    return Doctor.model_validate_json(answer)


# What is in it.


def test_nothing_gives_rights_and_only_tmp_is_open(listing: Any) -> None:
    assert_no_rights(listing)


def assert_no_rights(listing: Any) -> None:
    files = [
        (path, mode) for path, mode, *_ in listing[0] if mode & 0o170000 != 0o120000
    ]

    assert len(files) > 1000
    assert [path for path, mode in files if mode & 0o6000] == []
    assert [path for path, mode in files if mode & 0o002] == ["/tmp"]  # noqa: S108


def test_everything_is_roots(listing: Any) -> None:
    assert {(uid, gid) for _, _, uid, gid, _ in listing[0]} == {(0, 0)}


def test_there_is_no_shell_compiler_or_package_manager(listing: Any) -> None:
    files, modules, _ = listing
    names = {path.rsplit("/", 1)[1] for path, *_ in files}

    assert names & UNWANTED == set()
    assert modules == []


def test_every_program_is_one_that_a_grading_runs(listing: Any) -> None:
    programs = {
        path.rsplit("/", 1)[1]
        for path, mode, _, _, elf in listing[0]
        if elf and mode & 0o111 and ".so" not in path
    }

    version = f"python{sys.version_info.major}."
    others = {name for name in programs if not name.startswith(version)}
    # Of links to Python only what they lead to counts.
    assert others - {"python", "python3"} == {"find", "rm"}


def test_suites_and_reference_are_roots_alone(listing: Any) -> None:
    modes = {path: mode & 0o7777 for path, mode, *_ in listing[0]}
    secret = {p: m for p, m in modes.items() if p.startswith("/srv/course/reference")}

    assert {"/srv/course/reference/checks", "/srv/course/reference/tinytorch"} <= set(
        secret
    )
    assert {path for path, mode in secret.items() if mode & 0o077} == set()
    assert modes["/root"] == 0o700


def test_what_only_staff_tests_need_stays_outside(listing: Any) -> None:
    paths = {path for path, *_ in listing[0]}

    folders = {p.split("/")[4] for p in paths if p.startswith("/srv/course/reference/")}
    assert folders == {"checks", "tinytorch"}
    assert not [p for p in paths if "/tests/" in p or p.endswith((".a", ".h", ".pyi"))]


# What it says of itself.


def test_labels_are_the_digests_of_reports(labels: dict[str, str]) -> None:
    course = load_course(HOME.course_file)
    stale = "the image is not of this checkout: make image"

    suites = load_suites(HOME.suites, course).digest
    reference = digest_of(reference_files(HOME.reference / course.package))
    assert labels[f"{PREFIX}suites"] == suites, stale
    assert labels[f"{PREFIX}reference"] == reference, stale
    assert labels[f"{PREFIX}course"] == contents_of(HOME).course, stale
    assert labels[f"{PREFIX}engine"] == contents_of(HOME).engine, stale
    assert labels[f"{PREFIX}milestones"] == contents_of(HOME).milestones, stale


def test_labels_name_versions_and_base(labels: dict[str, str], doctor: Doctor) -> None:
    known = "org.opencontainers.image."

    assert labels[f"{known}title"] == "tinytorch-grader"
    assert labels[f"{known}version"] == grader.__version__
    assert labels[f"{known}licenses"] == "MIT"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels[f"{known}revision"])
    assert labels[f"{known}base.name"]
    assert labels[f"{PREFIX}base"].startswith("sha256:")
    assert labels[f"{PREFIX}numpy"] == doctor.numpy == np.__version__
    assert labels[f"{PREFIX}target"] == "staff"


def test_labels_are_true(doctor: Doctor) -> None:
    assert doctor.contents == contents_of(HOME)


def test_inspection_finds_every_part_the_same(image: str) -> None:
    report = api.inspect_image(image, ROOT)

    assert {part.standing for part in report.parts} == {"same"}
    assert report.problem == ""
    assert report.inside is not None
    assert report.size_bytes > 0
    assert report.architecture.startswith("linux/")


def test_image_of_another_course_is_refused(
    client: DockerClient, image: str, tmp_path: Path
) -> None:
    require_current(image, client, HOME)
    for name in ("course.toml", "milestones"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/tinytorch").symlink_to(ROOT / "reference/tinytorch")
    (tmp_path / "reference/checks").mkdir()
    suite = tmp_path / "reference/checks/test_02_tensor.py"
    suite.write_text("def test_nothing(tt): ...\n", encoding="utf8")

    with pytest.raises(ConfigError, match="has another suites than this host"):
        require_current(image, client, Home(tmp_path))


# What it isolates.


def test_doctor_inside_finds_every_wall_of_a_grading(doctor: Doctor) -> None:
    on = {setting.name: setting.on for setting in doctor.settings}

    assert set(ISOLATION.features) <= on.keys()
    assert [name for name, there in on.items() if not there] == []
    assert doctor.inner_wall[:2] == ("docker", "fresh-uid"), doctor.problem
    assert "seccomp" in doctor.inner_wall
    assert doctor.privileged == ()


def test_doctor_of_a_plain_container_says_what_is_missing(
    client: DockerClient, image: str
) -> None:
    text = client.containers.run(image, ["doctor"], network_mode="none", remove=True)

    rows = {line.split()[0]: line for line in text.decode().splitlines() if line}
    assert " yes " in rows["no-network"]
    assert " NO " in rows["read-only-root"]
    assert rows["read-only-root"].endswith("add --read-only")
    assert " NO " in rows["memory"]
    assert " NO " in rows["capabilities"]
    assert "docker, fresh-uid" in rows["inner"]


def test_an_unknown_request_is_one_clear_error(image: str) -> None:
    command = ["docker", "run", "--rm", "--network", "none", image, "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error[usage]: the image knows `doctor`")


# How it is made.


class Builder:
    """Builds images and removes every trace of its own."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._before = {str(image.id) for image in client.images.list(all=True)}
        self._made: list[str] = []

    def run(self, *command: str, recipe: str | None = None) -> None:
        done = subprocess.run(
            command, input=recipe, capture_output=True, text=True, cwd=ROOT, check=False
        )
        self._made += re.findall(r"^ ---> ([0-9a-f]{12})$", done.stdout, re.MULTILINE)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def staff(self, tag: str, base: str) -> None:
        script = str(ROOT / "container/build.sh")
        self.run(script, "staff", tag, base, sys.executable, "--no-cache")

    def close(self, *tags: str) -> None:
        old = {identity.removeprefix("sha256:")[:12] for identity in self._before}
        ours = [identity for identity in self._made if identity not in old]
        for name in (*tags, *reversed(ours)):
            command = ["docker", "image", "rm", name]
            subprocess.run(command, capture_output=True, check=False)


@pytest.fixture
def builder(client: DockerClient) -> Iterator[Builder]:
    builder = Builder(client)
    yield builder
    builder.close(AGAIN, ELSEWHERE, BASE_ELSEWHERE)


@pytest.mark.slow
def test_a_second_build_has_the_same_files_and_layers(
    image: str, labels: dict[str, str], builder: Builder
) -> None:
    base = labels["org.opencontainers.image.base.name"]

    builder.staff(AGAIN, base)

    compare = tool("compare")
    files = compare.files_of(image)
    assert len(files) > 1000
    assert compare.differences(files, compare.files_of(AGAIN)) == []
    assert compare.layers_of(image) == compare.layers_of(AGAIN)
    assert {file.time for file in files.values()} == {EPOCH}
    assert {file.owner for file in files.values()} == {"0:0"}


def test_the_engine_alone_holds_nothing_of_the_course(
    client: DockerClient, labels: dict[str, str], builder: Builder
) -> None:
    base = labels["org.opencontainers.image.base.name"]
    script = str(ROOT / "container/build.sh")

    builder.run(script, "engine", AGAIN, base, sys.executable)

    report = api.inspect_image(AGAIN, ROOT)
    standing = {part.part: part.standing for part in report.parts}
    assert standing.pop("engine") == "same"
    assert set(standing.values()) == {"not there"}
    assert report.inside is not None, report.problem
    assert report.inside.inner_wall[:2] == ("docker", "fresh-uid")
    source = "import json, os; print(json.dumps(os.listdir('/srv/course')))"
    assert inside(client, AGAIN, source) == []


# Official images have Python in /usr/local and no bytecode, Debian's own in /usr; this
# base also has bits that must not get in.
RECIPE = r"""
FROM {base}
RUN set -e; \
    from=$(python3 -c 'import sys; print(sys.base_prefix)'); \
    lib=python$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
    to=/usr; [ $from != /usr ] || to=/usr/local; \
    cp -a $from/bin/python3* $to/bin; cp -a $from/lib/$lib $to/lib; \
    rm -rf $from/bin/python3* $from/lib/$lib; hash -r; \
    find $to/lib/$lib -name __pycache__ -prune -exec rm -rf {{}} +; \
    chmod 6755 $(command -v find) $(readlink -f $to/bin/python3); \
    chmod 2777 $to/lib/$lib/json; chmod 666 $to/lib/$lib/os.py; \
    python3 -B -c "import sys; assert sys.base_prefix == '$to', sys.base_prefix"
"""


@pytest.mark.slow
def test_a_base_with_python_elsewhere_gives_a_working_image(
    client: DockerClient, labels: dict[str, str], listing: Any, builder: Builder
) -> None:
    base = BASE_ELSEWHERE
    recipe = RECIPE.format(base=labels["org.opencontainers.image.base.name"])
    builder.run(
        *("docker", "build", "--network", "none", "--tag", base, "-"), recipe=recipe
    )

    builder.staff(ELSEWHERE, base)

    report = api.inspect_image(ELSEWHERE, ROOT)
    assert {part.standing for part in report.parts} == {"same"}
    assert report.inside is not None, report.problem
    assert report.inside.inner_wall[:2] == ("docker", "fresh-uid")
    other = inside(client, ELSEWHERE, LISTING)
    assert_no_rights(other)
    assert {other[2], listing[2]} == {"/usr", "/usr/local"}

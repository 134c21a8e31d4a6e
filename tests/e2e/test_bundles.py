"""Bundles in local imitations of the folders that other products lay out.

What is imitated here: the files, their places and the program that is started. Not
imitated: the products' containers, for which `tests/contract/test_hosts.py` stands.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from grader import rounds
from grader.bundles import hosted
from grader.bundles.contents import zipped
from grader.bundles.handed_in import HandedIn, handed_in
from grader.bundles.hosted import Answer
from grader.bundles.settings import Product
from grader.cli.main import cli
from grader.intake import open_submission, pack

ROOT: Final = Path(__file__).resolve().parents[2]
HOSTED: Final = [sys.executable, "-I", "-m", "grader.cli.hosted"]
POINTS: Final = 10.0  # of the only module that is graded here
CANARY: Final = "canary-of-another-round"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    rounds.new_round(folder, "week-1", "feedback")
    rounds.new_round(folder, "exam", "final")
    (folder / "store").mkdir()
    (folder / "store" / "results.json").write_text(CANARY)
    rounds.course_secret(folder)
    return folder


@pytest.fixture(autouse=True)
def used_state(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grading sets this for its process; here it is put back after every test."""
    monkeypatch.setenv("GRADER_STATE", str(state))


def made(product: str, out: Path, *options: str) -> Path:
    wanted = ["--round", "week-1", "--module", "setup", "--no-milestones", *options]
    done = CliRunner().invoke(cli, ["bundle", product, str(out), *wanted])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def archive(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_STATE", str(state))
        return made("gradescope", tmp_path_factory.mktemp("made") / "autograder.zip")


@pytest.fixture(scope="module")
def image(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system in which a bundle was installed."""
    root = tmp_path_factory.mktemp("image")
    installed(archive, root)
    return root


@dataclass(frozen=True)
class Container:
    """A folder that stands for the file system of a product's container."""

    product: Product
    root: Path
    submission: Path
    work: Path

    def grade(self) -> Answer:
        """Grade in this process, which has loaded suites and engine already."""
        return hosted.run(self.product, self.root, self.work)

    def run(self) -> subprocess.CompletedProcess[bytes]:
        """Grade as the product starts it."""
        command = [*HOSTED, self.product, "--root", str(self.root)]
        env = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(
            command, cwd=self.work, env=env, capture_output=True, check=False
        )

    def results(self) -> dict[str, Any]:
        tops = {"gradescope": "autograder", "prairielearn": "grade"}
        path = self.root / tops[self.product] / "results" / "results.json"
        value: dict[str, Any] = json.loads(path.read_bytes())
        return value


def installed(archive: Path, root: Path) -> None:
    """Place what `setup.sh` places, without Python and packages."""
    private = root / "opt" / "tinytorch-grader" / "private"
    with zipfile.ZipFile(archive) as files:
        for name in files.namelist():
            if name.startswith(("course/", "state/", "settings.json")):
                target = private / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(files.read(name))
    private.chmod(0o700)


@pytest.fixture
def gradescope(image: Path) -> Iterator[Container]:
    top = image / "autograder"
    for name in ("submission", "results", "source"):
        (top / name).mkdir(parents=True)
    yield Container("gradescope", image, top / "submission", top)
    shutil.rmtree(top)


def good(folder: Path) -> None:
    shutil.copytree(ROOT / "reference" / "tinytorch", folder / "tinytorch")


def flat(folder: Path) -> None:
    shutil.copytree(ROOT / "reference" / "tinytorch", folder, dirs_exist_ok=True)


def as_bundle(folder: Path) -> None:
    (folder / "ada.tinytorch.tar.gz").write_bytes(bundled())


def bundled() -> bytes:
    return pack(open_submission(str(ROOT / "reference"), student="ada"))


def as_zip(folder: Path) -> None:
    files = {
        f"project/tinytorch/{p.name}": p.read_bytes()
        for p in (ROOT / "reference" / "tinytorch").glob("*.py")
    }
    (folder / "work.zip").write_bytes(zipped(files, ()))


@pytest.mark.parametrize("upload", [good, flat, as_bundle, as_zip])
def test_however_it_is_uploaded_a_good_package_gets_its_points(
    gradescope: Container, upload: Callable[[Path], None]
) -> None:
    upload(gradescope.submission)

    answer = gradescope.grade()

    assert answer.judged
    value = gradescope.results()
    assert value["score"] == POINTS
    assert sum(test["max_score"] for test in value["tests"]) == pytest.approx(POINTS)
    assert "Isolation: the inner wall only" in value["output"]
    assert value["extra_data"]["isolation"]["tier"] in {"uid", "namespaces"}


HOSTILE: Final = """
import os, sys
print('{"score": 100}'); print('{"scores": {"setup": 100}}', flush=True)
os.write(2, b'{"scores": {"setup": 100}}\\n')
for top in ("AUTOGRADER", "GRADE"):
    for name in ("results/results.json", "source/x", "submission_metadata.json"):
        try:
            open(os.path.join(top, name), "w").write('{"score": 100}')
        except OSError:
            pass
seen = []
for path in ("PRIVATE/settings.json", "PRIVATE/state/rounds/week-1.json", "METADATA"):
    try:
        seen.append(open(path).read())
    except OSError:
        pass


def system_info():
    told = "SEEN" + "".join(seen)
    return dict.fromkeys(
        ("python_version", "numpy_version", "platform", "cpu_count", "memory_bytes"),
        told,
    )
"""


def hostile(container: Container) -> None:
    """A package that reaches for results and secrets, and files that some obey."""
    places = {
        "AUTOGRADER": container.root / "autograder",
        "GRADE": container.root / "grade",
        "PRIVATE": container.root / "opt" / "tinytorch-grader" / "private",
        "METADATA": container.root / "autograder" / "submission_metadata.json",
    }
    text = HOSTILE
    for word, path in places.items():
        text = text.replace(word, str(path))
    package = container.submission / "tinytorch"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "setup.py").write_text(text)
    shadow = "import sys; sys.stdout.write('shadowed'); raise SystemExit(3)\n"
    for folder in (container.submission, container.work):
        for name in ("conftest.py", "sitecustomize.py", "grader.py", "json.py"):
            (folder / name).write_text(shadow)
    (container.submission / "run_autograder").write_text("#!/bin/sh\necho shadowed\n")


def test_a_hostile_package_gets_nothing(gradescope: Container) -> None:
    metadata = gradescope.root / "autograder" / "submission_metadata.json"
    metadata.write_text(json.dumps({"id": "canary-metadata"}))
    metadata.chmod(0o644)
    hostile(gradescope)

    done = gradescope.run()

    text = (gradescope.root / "autograder/results/results.json").read_text()
    assert done.returncode == 0, done.stderr
    assert gradescope.results()["score"] < POINTS
    assert "SEEN" in text  # its answer did come back
    secret = rounds.load_round(Path(os.environ["GRADER_STATE"]), "week-1").secret_hex
    assert secret not in text
    assert "canary-metadata" not in text
    assert metadata.read_text() == '{"id": "canary-metadata"}'
    assert b"shadowed" not in done.stdout + done.stderr


def test_a_broken_upload_is_told_what_to_do(gradescope: Container) -> None:
    (gradescope.submission / "essay.txt").write_text("my work")

    answer = gradescope.grade()

    value = gradescope.results()
    assert answer.judged
    assert value["score"] == 0.0
    assert "cannot be graded" in value["output"]
    assert "Send the folder that holds tinytorch/" in value["output"]


def test_a_link_that_is_called_an_archive_is_not_followed(
    gradescope: Container,
) -> None:
    secret = gradescope.root / "opt" / "tinytorch-grader" / "secret.zip"
    secret.write_bytes(zipped({"tinytorch/setup.py": b"'canary-linked'"}, ()))
    (gradescope.submission / "work.zip").symlink_to(secret)

    gradescope.grade()

    value = gradescope.results()
    assert value["score"] == 0.0
    assert "cannot be graded" in value["output"]


def no_settings(private: Path) -> None:
    (private / "settings.json").unlink()


def no_round(private: Path) -> None:
    (private / "state" / "rounds" / "week-1.json").unlink()


def no_time(private: Path) -> None:
    path = private / "settings.json"
    value = json.loads(path.read_text()) | {"deadline_s": 0.2}
    path.write_text(json.dumps(value))


@pytest.mark.parametrize("harm", [no_settings, no_round, no_time])
def test_a_failure_of_ours_has_no_score(
    gradescope: Container, harm: Callable[[Path], None], tmp_path: Path
) -> None:
    good(gradescope.submission)
    private = gradescope.root / "opt" / "tinytorch-grader" / "private"
    shutil.copytree(private, tmp_path / "kept")
    try:
        harm(private)
        answer = gradescope.grade()
    finally:
        shutil.rmtree(private)
        shutil.copytree(tmp_path / "kept", private)

    value = gradescope.results()
    assert not answer.judged
    assert "score" not in value
    assert "tests" not in value
    assert "it is no score" in value["output"]
    if harm is no_time:
        assert "longer than" in value["output"]


def test_who_handed_in_and_how_late_is_told(gradescope: Container) -> None:
    metadata = {
        "created_at": "2026-12-01T01:05:00.000000-08:00",
        "assignment": {"due_date": "2026-11-30T23:00:00.000000-08:00"},
        "users": [{"email": "ada@example.edu", "id": 1, "name": "A"}, {"id": 2}],
    }
    path = gradescope.root / "autograder" / "submission_metadata.json"
    path.write_text(json.dumps(metadata))
    (gradescope.submission / "essay.txt").write_text("x")

    gradescope.grade()

    output = gradescope.results()["output"]
    assert "Handed in for a group of 2." in output
    assert "2 h 5 min after the due date" in output


@pytest.mark.parametrize("text", ["", "[]", '{"users": 3, "assignment": []}', "\0"])
def test_unreadable_metadata_costs_nobody_a_grade(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)

    assert handed_in(path) == HandedIn()


def test_the_zip_holds_one_round_and_nothing_of_the_store(
    archive: Path, state: Path
) -> None:
    with zipfile.ZipFile(archive) as files:
        names = files.namelist()
        content = b"\n".join(files.read(name) for name in names)
        modes = {
            name: files.getinfo(name).external_attr >> 16
            for name in ("setup.sh", "run_autograder")
        }

    assert [n for n in names if n.startswith("state/")] == ["state/rounds/week-1.json"]
    assert rounds.load_round(state, "week-1").secret_hex.encode() in content
    assert rounds.load_round(state, "exam").secret_hex.encode() not in content
    assert rounds.course_secret(state).hex().encode() not in content
    assert CANARY.encode() not in content
    assert all(mode & 0o111 for mode in modes.values())
    traces = ("course/reference/mutants", "course/reference/tools", "__pycache__")
    assert not any(trace in name for name in names for trace in traces)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert archive.stat().st_size < 5e6


def test_the_same_bundle_is_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = made("gradescope", tmp_path / "again.zip")

    assert again.read_bytes() == archive.read_bytes()


@pytest.fixture
def prairielearn(tmp_path: Path) -> Container:
    question = made("prairielearn", tmp_path / "made") / "question"
    root = tmp_path / "root"
    shutil.copytree(question / "tests", root / "grade" / "tests")
    (root / "grade" / "student").mkdir()
    (root / "grade" / "data").mkdir()
    # The course is the one that is found from where the program starts.
    return Container("prairielearn", root, root / "grade" / "student", ROOT)


def test_prairielearn_gets_a_share_of_the_points(prairielearn: Container) -> None:
    as_bundle(prairielearn.submission)

    answer = prairielearn.grade()

    value = prairielearn.results()
    assert answer.judged
    assert (value["gradable"], value["score"]) == (True, 1.0)
    assert "Isolation: the inner wall only" in value["message"]
    results = prairielearn.root / "grade" / "results" / "results.json"
    assert results.stat().st_size <= 1_000_000
    assert stat.S_IMODE((prairielearn.root / "grade").stat().st_mode) & 0o055


def test_prairielearn_takes_no_attempt_for_a_broken_upload(
    prairielearn: Container,
) -> None:
    (prairielearn.submission / "x.tinytorch.tar.gz").write_bytes(b"\x1f\x8b broken")

    prairielearn.grade()

    value = prairielearn.results()
    assert value["gradable"] is False
    assert "score" not in value
    assert "cannot be graded" in value["format_errors"][0]


def test_the_prairielearn_question_is_complete(tmp_path: Path) -> None:
    out = made("prairielearn", tmp_path / "q", "--image", "example/grader")

    info = json.loads((out / "question" / "info.json").read_text())
    assert info["externalGradingOptions"] == {
        "enabled": True,
        "image": "example/grader",
        "timeout": 600,
        "enableNetworking": False,
    }
    dockerfile = (out / "image" / "Dockerfile").read_text()
    assert re.search(r"^ENV GRADER_CONTAINER= ", dockerfile, re.MULTILINE)


@pytest.fixture
def autolab(image: Path, tmp_path: Path) -> Iterator[Container]:
    lab = made("autolab", tmp_path / "lab")
    work = image / "home" / "autograde" / "autolab"
    work.mkdir(parents=True)
    with tarfile.open(lab / "autograde.tar") as files:
        for member in files:
            target = work / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            source = files.extractfile(member)
            assert source is not None
            target.write_bytes(source.read())
    (work / "handin").mkdir()
    yield Container("autolab", image, work / "handin", work)
    shutil.rmtree(image / "home")


def last_line(data: bytes) -> Any:
    return json.loads(data.decode().splitlines()[-1])


def test_autolab_reads_the_scores_in_the_last_line(autolab: Container) -> None:
    as_bundle(autolab.submission)

    data = autolab.grade().data

    assert last_line(data) == {"scores": {"setup": POINTS}, "scoreboard": [POINTS]}
    assert b"Isolation: the inner wall only" in data


def test_nothing_that_a_package_prints_is_the_last_line(autolab: Container) -> None:
    hostile(autolab)

    done = autolab.run()

    assert 0 <= last_line(done.stdout)["scores"]["setup"] < POINTS
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("content", "score"), [(b"broken", 0.0), (None, None)], ids=["broken", "ours"]
)
def test_autolab_has_null_for_what_is_our_fault(
    autolab: Container, content: bytes | None, score: float | None
) -> None:
    (autolab.submission / "handin.tar.gz").write_bytes(content or bundled())
    if content is None:
        (autolab.work / "tinytorch/state/rounds/week-1.json").unlink()

    answer = autolab.grade()

    assert last_line(answer.data) == {"scores": {"setup": score}}
    assert answer.judged == (score is not None)


def test_the_autolab_makefile_runs_one_program(tmp_path: Path) -> None:
    lab = made("autolab", tmp_path / "lab", "--handin", "work.tar.gz")

    makefile = (lab / "autograde-Makefile").read_text()
    assert "HANDIN = work.tar.gz\n" in makefile
    assert "sudo -n /opt/tinytorch-grader/grade" in makefile
    assert (lab / "image" / "sudoers").read_text().endswith('grade ""\n')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gradescope", "OUT", "--timeout-s", "9999"], "60 to 2400 s"),
        (["prairielearn", "OUT", "--timeout-s", "601"], "60 to 600 s"),
        (["autolab", "OUT", "--handin", "../x.zip"], "no name for a hand-in"),
        (["autolab", "OUT", "--handin", "work"], "no name for a hand-in"),
        (["gradescope", "OUT", "--module", "nothing"], "no module 'nothing'"),
        (["gradescope", "OUT", "--round", "nothing"], "no round 'nothing'"),
        (["gradescope", "OUT", "--wheels", "WHEELS"], "no wheels"),
    ],
)
def test_what_cannot_be_made_is_refused(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "wheels").mkdir()
    named = {"OUT": str(tmp_path / "out"), "WHEELS": str(tmp_path / "wheels")}
    words = [named.get(word, word) for word in arguments]
    if "--round" not in words:
        words += ["--round", "week-1"]

    done = CliRunner().invoke(cli, ["bundle", *words])

    assert done.exit_code in {2, 3}
    assert said in done.output
    assert not (tmp_path / "out").exists()


def test_a_bundle_is_never_replaced(tmp_path: Path) -> None:
    out = made("autolab", tmp_path / "lab")

    done = CliRunner().invoke(cli, ["bundle", "autolab", str(out), "--round", "week-1"])

    assert done.exit_code == 3
    assert "exists already" in done.output


def test_a_tar_of_ours_is_its_owners_alone(tmp_path: Path) -> None:
    lab = made("autolab", tmp_path / "lab")

    with tarfile.open(fileobj=io.BytesIO((lab / "autograde.tar").read_bytes())) as tar:
        assert {member.mode for member in tar} == {0o600}
    assert stat.S_IMODE(lab.stat().st_mode) == 0o700

"""Answer packs in real sandboxes: the same verdicts, and nothing of the reference."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from grader import api, rounds
from grader.checks.recording import Recording, seal
from grader.cli.main import cli
from grader.errors import ConfigError, UsageError
from grader.grading import make_pack
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport
from grader.packs import Built, opened
from grader.packs.file import basis_of, digest_of, read, written
from grader.packs.models import Manifest, PackFile

ROOT: Final = Path(__file__).resolve().parents[2]
CANARY: Final = "canary-5f1c9a02-of-the-reference"
MODULES: Final = ("tensor", "losses")  # with and without questions to the oracle


@dataclass(frozen=True)
class Site:
    """A course with a canary in its reference, a round and its pack."""

    course: Path
    built: Built

    def graded(self, source: Path, *, pack: Path | None = None) -> GradeReport:
        options = api.GradeOptions(
            course=self.course, modules=MODULES, milestones=(), pack=pack
        )
        return api.grade(str(source), options)


def course_with_canary(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "reference", folder / "reference", ignore=ignored)
    shutil.copy(ROOT / "course.toml", folder)
    for path in (folder / "reference" / "tinytorch").rglob("*.py"):
        text = path.read_text(encoding="utf8")
        inside = f'\n\ndef _canary() -> str:\n    return "{CANARY}"\n'
        path.write_text(text + inside, encoding="utf8")
    (folder / "reference").chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        state = folder / "state"
        patch.setenv("GRADER_STATE", str(state))
        rounds.new_round(state, "week-1", "feedback")
        options = api.GradeOptions(course=course_with_canary(folder))
        built = make_pack("week-1", folder / "w.pack", options, lambda _: None)
        yield Site(folder, built)


def wrong_package(folder: Path) -> Path:
    """A mutant: the reference with two typical mistakes."""
    shutil.copytree(ROOT / "reference" / "tinytorch", folder / "tinytorch")
    losses = folder / "tinytorch" / "losses.py"
    text = losses.read_text(encoding="utf8")
    assert text.count(".mean()") > 0
    losses.write_text(text.replace(".mean()", ".sum()"), encoding="utf8")
    return folder


@pytest.mark.parametrize("which", ["reference", "template", "mutant"])
def test_a_pack_gives_the_same_verdict_as_the_reference(
    site: Site, which: str, tmp_path: Path
) -> None:
    sources = {"reference": ROOT / "reference", "template": ROOT / "student_template"}
    source = sources.get(which) or wrong_package(tmp_path)

    with_reference = site.graded(source)
    with_pack = site.graded(source, pack=site.built.path)

    verdict = with_reference.verdict
    assert with_pack.verdict.model_dump_json() == verdict.model_dump_json()
    assert {"reference": verdict.points, "template": 0.0}.get(
        which, verdict.earned
    ) == verdict.earned
    assert with_reference.measurements.pack == ""
    assert with_pack.measurements.pack == site.built.digest
    if which == "mutant":
        assert 0 < verdict.earned < verdict.points


def content(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return b"\n".join([*(archive.read(n) for n in names), *map(str.encode, names)])


def statements(text: str) -> Iterator[str]:
    """Yield the code of every function body, statement by statement."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield from filter(None, (ast.get_source_segment(text, x) for x in body))


def test_nothing_of_the_reference_is_in_a_pack(site: Site) -> None:
    packed = content(site.built.path)
    given = b"\n".join(
        path.read_bytes()
        for folder in ("student_template", "reference/checks")
        for path in (ROOT / folder).rglob("*.py")
    )
    files = (ROOT / "reference" / "tinytorch").rglob("*.py")
    bodies = {s for f in files for s in statements(f.read_text(encoding="utf8"))}
    own = {s for s in bodies if len(s) >= 24 and s.encode() not in given}

    assert len(own) > 500
    assert CANARY in (site.course / "reference" / "tinytorch" / "tensor.py").read_text()
    assert CANARY.encode() not in packed
    assert [s for s in own if s.encode() in packed] == []
    assert all(
        "tinytorch" not in name for name in zipfile.ZipFile(site.built.path).NameToInfo
    )


def test_a_question_that_was_not_recorded_is_inconclusive(
    site: Site, tmp_path: Path
) -> None:
    """Taken out of the pack, the answers of one check are missed by it alone."""
    digest, manifest, _ = read(site.built.path)
    with opened(site.built.path) as pack:
        asking = next(n for n in pack.answers.recording if n.startswith("losses::"))
        kept = {k: v for k, v in pack.answers.recording.items() if k != asking}
        poorer = tmp_path / "poorer.pack"
        poorer.write_bytes(repacked(pack.manifest, site.built.path, kept))
        poorer.chmod(0o600)

    report = site.graded(ROOT / "reference", pack=poorer)

    outcomes = {c.id: c.outcome for m in report.verdict.modules for c in m.checks}
    unjudged = [k for k, v in outcomes.items() if isinstance(v, Inconclusive)]
    assert unjudged == [asking]
    assert report.measurements.pack != digest
    assert manifest.unanswered == ()
    assert api.is_inconclusive(report)


def repacked(manifest: Manifest, path: Path, recording: Recording) -> bytes:
    """The pack in `path` with other answers, and a manifest that fits them."""
    _, _, files = read(path)
    files["answers"] = seal(recording, basis_of(manifest), manifest.round.secret)
    listed = tuple(
        PackFile(name=n, size=len(d), digest=digest_of(d))
        for n, d in sorted(files.items())
    )
    changed = Manifest.model_validate(manifest.model_dump() | {"files": listed})
    return written(changed, files)


def test_a_pack_is_its_owners_alone_and_is_never_replaced(site: Site) -> None:
    options = api.GradeOptions(course=site.course)

    assert stat.S_IMODE(site.built.path.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        make_pack("week-1", site.built.path, options, lambda _: None)


def test_a_final_round_has_no_pack(site: Site, tmp_path: Path) -> None:
    state = Path(os.environ["GRADER_STATE"])
    rounds.new_round(state, "exam", "final")
    options = api.GradeOptions(course=site.course)

    with pytest.raises(ConfigError, match="packs are for feedback"):
        make_pack("exam", tmp_path / "x.pack", options, lambda _: None)
    assert not (tmp_path / "x.pack").exists()


def test_a_pack_of_a_final_round_is_not_used(site: Site, tmp_path: Path) -> None:
    _, manifest, files = read(site.built.path)
    final = manifest.round.model_dump() | {"kind": "final"}
    forged = Manifest.model_validate(manifest.model_dump() | {"round": final})
    path = tmp_path / "forged.pack"
    path.write_bytes(written(forged, files))

    with pytest.raises(ConfigError, match="feedback only"), opened(path):
        pass


@pytest.mark.parametrize(
    ("at", "why"),
    [(0, "another kind of file"), (0.5, "pack"), (1, "pack")],
    ids=["first byte", "middle", "cut"],
)
def test_a_damaged_pack_is_refused(
    site: Site, tmp_path: Path, at: float, why: str
) -> None:
    data = bytearray(site.built.path.read_bytes())
    if at == 1:
        data = data[:-40]
    else:
        data[int(at * len(data))] ^= 0xFF
    path = tmp_path / "damaged.pack"
    path.write_bytes(bytes(data))

    with pytest.raises(ConfigError, match=why), opened(path):
        pass


@pytest.mark.parametrize("name", ["../x", "reference/tinytorch/tensor.py", "/etc/x"])
def test_a_file_that_no_pack_has_is_refused(
    site: Site, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "more.pack"
    shutil.copy(site.built.path, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")

    with pytest.raises(ConfigError, match=r"not those of its pack\.json"), opened(path):
        pass


def test_a_pack_of_another_grader_is_refused(site: Site, tmp_path: Path) -> None:
    _, manifest, files = read(site.built.path)
    other = Manifest.model_validate(manifest.model_dump() | {"engine": "0.0.9"})
    path = tmp_path / "other.pack"
    path.write_bytes(written(other, files))

    with pytest.raises(ConfigError, match=r"another grader \(0\.0\.9\)"), opened(path):
        pass


@pytest.mark.parametrize(
    "change",
    [{"milestones": ("xor",)}, {"sandbox": "docker"}, {"round": "exam"}],
    ids=["milestone", "docker", "round"],
)
def test_options_that_a_pack_cannot_serve_are_refused(
    site: Site, change: dict[str, object]
) -> None:
    options = replace(api.GradeOptions(pack=site.built.path), **change)  # type: ignore[arg-type]

    with pytest.raises(UsageError):
        api.grade(str(ROOT / "student_template"), options)


def test_the_commands_name_the_digest(site: Site) -> None:
    shown = CliRunner().invoke(cli, ["pack", "show", str(site.built.path)])
    options = ["--pack", str(site.built.path), "--module", "setup"]
    source = str(ROOT / "student_template")
    table = CliRunner().invoke(cli, ["grade", source, *options])
    saved = CliRunner().invoke(cli, ["grade", source, *options, "--save"])

    assert shown.exit_code == 0
    assert site.built.digest in shown.stdout
    assert "secret" not in shown.stdout
    assert table.exit_code == 0
    assert site.built.digest.removeprefix("sha256:") in table.stdout
    assert "milestones need the reference" in table.stdout
    assert saved.exit_code == 2

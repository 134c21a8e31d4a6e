"""Containers that imitate those of other products, without a network.

Imitated: the folders of each contract, root and Docker's default rights, the program
that is started, a fresh container for each submission. Not imitated: the products'
own base images and harnesses, and the network at installation (wheels are put in).
"""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

PATIENCE_S: Final = 900
AUTODRIVER: Final = """
set -e
useradd -m autolab; useradd -m autograde; mkdir -p /home/output
"""
# As Tango starts a job: files copied in, given to `autograde`, limits, `make`, all
# output in one file. Its own program for this, autodriver, is not here.
JOB: Final = """
mkdir -p /home/autograde/autolab && cp -r /home/mount/* /home/autograde/autolab/
chown -R autograde:autograde /home/autograde && cd /home/autograde/autolab
mv autograde-Makefile Makefile
ulimit -u 100 -f 102400
setpriv --reuid=autograde --regid=autograde --init-groups \
  sh -c 'HOME=/home/autograde make > output.log 2>&1'
cat output.log
"""


@dataclass(frozen=True)
class Ended:
    """How a container ended."""

    code: int
    log: bytes
    results: bytes  # of the file that the product reads; empty if there is none

    def value(self) -> Any:
        """Return the results as the product reads them."""
        return json.loads(self.results)


def tarred(
    files: Mapping[str, tuple[bytes, int]], folders: Sequence[str] = ()
) -> bytes:
    """Return a tar of name -> (content, mode), owned by root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in folders:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for name, (data, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def folder_files(folder: Path, below: str) -> dict[str, tuple[bytes, int]]:
    """Return the files of a folder as `tarred` takes them, open to everybody."""
    return {
        f"{below}/{path.relative_to(folder).as_posix()}": (path.read_bytes(), 0o644)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def zip_files(archive: Path, below: str) -> dict[str, tuple[bytes, int]]:
    """Return the files of a zip as `unzip` would leave them: open to everybody."""
    with zipfile.ZipFile(archive) as files:
        return {
            f"{below}/{name}": (
                files.read(name),
                0o755 if files.getinfo(name).external_attr >> 16 & 0o100 else 0o644,
            )
            for name in files.namelist()
        }


class Engine:
    """A Docker engine, and what was made on it, which is removed at the end."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._images: list[str] = []

    def close(self) -> None:
        for image in reversed(self._images):
            with contextlib.suppress(Exception):
                self._client.images.remove(image, force=True)

    @contextlib.contextmanager
    def container(
        self, image: str, command: Sequence[str] | None, content: bytes
    ) -> Iterator[Container]:
        """A container with files put in; default rights, no network."""
        more = {"entrypoint": list(command)} if command else {}
        made = self._client.containers.create(image, network_mode="none", **more)
        try:
            made.put_archive("/", content)
            yield made
        finally:
            made.remove(force=True)

    def installed(self, base: str, content: bytes, script: str) -> str:
        """Run a script in a container of `base` and keep its file system as an image.

        Raises:
            RuntimeError: the script failed; with what it said.
        """
        with self.container(base, ["bash", "-c", script], content) as made:
            made.start()
            code = made.wait(timeout=PATIENCE_S)["StatusCode"]
            if code != 0:
                msg = f"installation ended with {code}: {made.logs().decode()[-2000:]}"
                raise RuntimeError(msg)
            image = made.commit().id
        assert image
        self._images.append(image)
        return image

    def built(self, dockerfile: bytes, base: str) -> str:
        """Build a Dockerfile whose only argument names the image it starts from."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_bytes(dockerfile)
            image, _ = self._client.images.build(
                path=folder,
                buildargs={"STAFF_IMAGE": base},
                network_mode="none",
                rm=True,
            )
        assert image.id
        self._images.append(image.id)
        return image.id

    def run(
        self, image: str, command: Sequence[str] | None, content: bytes, results: str
    ) -> Ended:
        """Run one grading; `results` is the file that the product reads."""
        with self.container(image, command, content) as made:
            made.start()
            code = made.wait(timeout=PATIENCE_S)["StatusCode"]
            return Ended(
                code, made.logs(), read_back(made, results) if results else b""
            )


def read_back(container: Container, path: str) -> bytes:
    """Return a file of a stopped container; empty if there is none."""
    try:
        stream, _ = container.get_archive(path)
    except NotFound:
        return b""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        file = archive.extractfile(archive.getmembers()[0])
        return file.read() if file else b""


class Gradescope:
    """`/autograder`: installed by setup.sh, then one container a submission."""

    def __init__(self, engine: Engine, base: str, archive: Path) -> None:
        self._engine = engine
        files = zip_files(archive, "autograder/source")
        files["autograder/run_autograder"] = files["autograder/source/run_autograder"]
        content = tarred(files, ["autograder/submission", "autograder/results"])
        script = "cd /autograder && bash /autograder/source/setup.sh"
        self.image = engine.installed(base, content, script)

    def grade(self, submission: Path, metadata: bytes = b"{}") -> Ended:
        """Grade what a student has uploaded: the content of a folder."""
        files = folder_files(submission, "autograder/submission")
        files["autograder/submission_metadata.json"] = metadata, 0o644
        command = ["/autograder/run_autograder"]
        where = "/autograder/results/results.json"
        return self._engine.run(self.image, command, tarred(files), where)


class PrairieLearn:
    """`/grade`: the staff image with another program to start."""

    def __init__(self, engine: Engine, staff: str, folder: Path) -> None:
        self._engine, self._tests = engine, folder / "question" / "tests"
        dockerfile = (folder / "image" / "Dockerfile").read_bytes()
        self.image = engine.built(dockerfile, staff)

    def grade(self, submission: Path) -> Ended:
        """Grade what a student has uploaded: the content of a folder."""
        files = folder_files(submission, "grade/student")
        files |= folder_files(self._tests, "grade/tests")
        files["grade/data/data.json"] = b"{}", 0o644
        where = "/grade/results/results.json"
        return self._engine.run(self.image, None, tarred(files), where)


class Autolab:
    """A job of Tango: `make` as the user autograde; Debian packages are put in."""

    def __init__(
        self, engine: Engine, base: str, folder: Path, packages: Sequence[Path]
    ) -> None:
        self._engine, self._folder = engine, folder
        files = folder_files(folder / "image", "opt/tinytorch-setup")
        files |= {f"debs/{p.name}": (p.read_bytes(), 0o644) for p in packages}
        steps = (folder / "image" / "Dockerfile").read_text(encoding="utf8")
        # What the Dockerfile does, but for apt-get, which has no network here.
        run = steps.split("RUN ", 1)[1].replace("\\\n", " ").split("&&")
        ours = " && ".join(part.strip() for part in run if "apt-get" not in part)
        script = (
            f"{AUTODRIVER} dpkg -i /debs/*.deb > /dev/null && rm -r /debs && {ours}"
        )
        self.image = engine.installed(base, tarred(files), script)

    def grade(self, handin: bytes, name: str) -> Ended:
        """Grade one hand-in; the results are what is printed."""
        files = {f"home/mount/{name}": (handin, 0o644)}
        for own in ("autograde-Makefile", "autograde.tar"):
            files[f"home/mount/{own}"] = (self._folder / own).read_bytes(), 0o644
        command = ["bash", "-c", JOB]
        done = self._engine.run(self.image, command, tarred(files), "")
        lines = done.log.decode().splitlines() or [""]
        return Ended(done.code, done.log, lines[-1].encode())

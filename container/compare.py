"""Compare the files of two images: paths, kinds, modes, owners, times, contents.

usage: python3 container/compare.py IMAGE IMAGE

Prints one line for every difference, and the layers that both share. Exit 0: the files
are equal; 1: they are not.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

REMOVED, EMPTIED = ".wh.", ".wh..wh..opq"  # how a layer removes what is below it
SHOWN = 200


class File(NamedTuple):
    """All that two builds should agree upon."""

    kind: str
    mode: str
    owner: str
    time: int
    link: str
    bytes: int
    digest: str


def files_of(image: str) -> dict[str, File]:
    """Return the files of an image by path, as its layers make them."""
    found: dict[str, File] = {}
    with tempfile.TemporaryFile() as saved:
        subprocess.run(["docker", "save", image], stdout=saved, check=True)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as whole:
            manifest = json.loads(opened(whole, "manifest.json").read())
            for name in manifest[0]["Layers"]:
                with tarfile.open(fileobj=opened(whole, name)) as layer:
                    apply(layer, found)
    return found


def opened(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """Return a member of a tar as a file."""
    stream = tar.extractfile(name)
    if stream is None:
        sys.exit(f"compare: {name} is no file")
    return stream


def apply(layer: tarfile.TarFile, files: dict[str, File]) -> None:
    """Add one layer to the files below it."""
    for member in layer:
        path = Path("/", member.name)
        if path.name == EMPTIED:
            remove_below(str(path.parent), files)
        elif path.name.startswith(REMOVED):
            gone = str(path.parent / path.name.removeprefix(REMOVED))
            files.pop(gone, None)
            remove_below(gone, files)
        else:
            files[str(path)] = file_of(layer, member)


def remove_below(folder: str, files: dict[str, File]) -> None:
    """Forget what is in a folder."""
    for path in [p for p in files if p.startswith(f"{folder}/")]:
        del files[path]


def file_of(layer: tarfile.TarFile, member: tarfile.TarInfo) -> File:
    """Return what is compared of one member."""
    stream = layer.extractfile(member) if member.isreg() else None
    return File(
        kind=member.type.decode(),
        mode=f"{member.mode & 0o7777:04o}",
        owner=f"{member.uid}:{member.gid}",
        time=int(member.mtime),
        link=member.linkname,
        bytes=member.size,
        digest=hashlib.sha256(stream.read()).hexdigest() if stream else "",
    )


def differences(left: dict[str, File], right: dict[str, File]) -> list[str]:
    """Return one line for every path that is not the same on both sides."""
    lines = []
    for path in sorted(left.keys() | right.keys()):
        if path not in right or path not in left:
            lines.append(f"{path}: only in the {'first' if path in left else 'second'}")
            continue
        pairs = zip(File._fields, left[path], right[path], strict=True)
        unlike = [f"{name} {a} and {b}" for name, a, b in pairs if a != b]
        if unlike:
            lines.append(f"{path}: {', '.join(unlike)}")
    return lines


def layers_of(image: str) -> list[str]:
    """Return the digests of an image's layers, as the engine has computed them."""
    command = ["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}"]
    done = subprocess.run([*command, image], stdout=subprocess.PIPE, check=True)
    layers: list[str] = json.loads(done.stdout)
    return layers


def main(first: str, second: str) -> int:
    """Print how two images differ; return the exit code."""
    unlike = differences(files_of(first), files_of(second))
    for line in unlike[:SHOWN]:
        print(line)
    if unlike[SHOWN:]:
        print(f"and {len(unlike) - SHOWN} more")
    layers, others = layers_of(first), layers_of(second)
    shared = sum(a == b for a, b in zip(layers, others, strict=False))
    print(f"layers equal: {shared} of {max(len(layers), len(others))}")
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

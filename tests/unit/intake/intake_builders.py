"""Archives as strangers make them, built in memory."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import subprocess
import tarfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

GOOD: dict[str, bytes] = {
    "tinytorch/__init__.py": b"",
    "tinytorch/tensor.py": b"class Tensor:\n    pass\n",
}
Tree = Mapping[str, bytes] | Sequence[tuple[str, bytes]]


def items(tree: Tree) -> list[tuple[str, bytes]]:
    return list(tree.items()) if isinstance(tree, Mapping) else list(tree)


def folder_of(root: Path, tree: Tree = GOOD) -> Path:
    for name, data in items(tree):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zip_of(tree: Tree = GOOD, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in items(tree):
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # the constructor would cut a name at NUL
            info.compress_type = method
            info.create_system = 3
            with warnings.catch_warnings(action="ignore"):  # of a name used twice
                archive.writestr(info, data)
    return out.getvalue()


def member(name: str, data: bytes = b"", **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def tar_of(
    tree: Tree = GOOD,
    extra: Sequence[tarfile.TarInfo] = (),
    *,
    form: int = tarfile.PAX_FORMAT,
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in items(tree):
            archive.addfile(member(name, data), io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def packed(tree: Tree, kind: str) -> bytes:
    if kind == "zip":
        return zip_of(tree)
    if kind == "stored":
        return zip_of(tree, method=zipfile.ZIP_STORED)
    if kind == "gnu":
        return gzip.compress(tar_of(tree, form=tarfile.GNU_FORMAT))
    plain = tar_of(tree)
    if kind == "gz":
        return gzip.compress(plain)
    return lzma.compress(plain) if kind == "xz" else plain


def git(folder: Path, *command: str, stdin: bytes = b"") -> str:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "a"), ("EMAIL", "a@b.c"), ("DATE", "@1 +0000"))
        },
    }
    done = subprocess.run(
        ["git", *command],
        check=False,
        cwd=folder,
        env=env,
        input=stdin,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def repository_of(root: Path, tree: Tree = GOOD) -> Path:
    folder_of(root, tree)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "all")
    return root

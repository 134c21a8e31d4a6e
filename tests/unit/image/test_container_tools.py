"""The programs in container/ that make an image and compare two."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.config import Home
from grader.image.contents import contents_of

ROOT = Path(__file__).resolve().parents[3]
EPOCH = 315_532_800


def tool(name: str) -> ModuleType:
    """Import a program, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"container/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rootfs: Any = tool("rootfs")
compare: Any = tool("compare")

# Which files get in.


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("json/decoder.py", True),
        ("lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so", True),
        ("lib-dynload/_tkinter.cpython-311-x86_64-linux-gnu.so", False),
        ("lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so", False),
        ("ensurepip", False),
        ("config-3.11-x86_64-linux-gnu", False),
        ("unittest/test", False),
        ("site-packages", False),
        ("json/decoder.pyc", False),
    ],
)
def test_standard_library(name: str, wanted: bool) -> None:
    assert rootfs.wanted_library(Path("/usr/lib/python3.11", name)) is wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("numpy/__init__.py", True),
        ("numpy.libs", True),
        ("numpy-2.4.6.dist-info", True),
        ("numpy-2.4.6.dist-info/METADATA", True),
        ("numpy-2.4.6.dist-info/direct_url.json", False),
        ("numpy/linalg/tests", False),
        ("numpy/random/lib/libnpyrandom.a", False),
        ("numpy/__init__.pyi", False),
        ("pip", False),
        ("pip-25.1.dist-info", False),
        ("grader", False),  # in a layer of its own
        ("tinytorch_grader-0.1.0.dist-info", False),
        ("sqlalchemy/grader", True),
    ],
)
def test_packages(name: str, wanted: bool) -> None:
    assert rootfs.wanted_package(rootfs.packages() / name) is wanted


def test_course_files_are_those_of_the_digest(tmp_path: Path) -> None:
    """What the image takes of the milestones, and what its label is computed of."""
    for name in ("course.toml", "reference"):
        (tmp_path / name).symlink_to(ROOT / name)
    for path in sorted((ROOT / "milestones").rglob("*")):
        name = path.relative_to(ROOT)
        if path.is_file() and rootfs.wanted_of_course(name):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(path.read_bytes())

    assert contents_of(Home(tmp_path)) == contents_of(Home(ROOT))


@pytest.mark.parametrize(
    "name", ["milestones/.cache/x.py", "reference/checks/__pycache__/x.pyc"]
)
def test_caches_of_the_course_stay_outside(name: str) -> None:
    assert not rootfs.wanted_of_course(Path(name))


def test_a_link_comes_with_what_it_leads_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "python3.11").write_bytes(b"program")
    (source / "python3").symlink_to("python3.11")
    (source / "python").symlink_to(source / "python3")
    (source / "broken").symlink_to("nothing")
    tree = rootfs.Tree(tmp_path / "out")

    tree.add(source / "python")
    tree.add(source / "broken")

    there = tmp_path / "out" / source.relative_to("/")
    assert sorted(path.name for path in there.iterdir()) == [
        "broken",
        "python",
        "python3",
        "python3.11",
    ]
    assert (there / "python3").readlink() == Path("python3.11")


def test_a_link_to_a_folder_comes_with_its_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "real").mkdir(parents=True)
    (source / "real/module.py").write_bytes(b"x = 1")
    (source / "link").symlink_to("real")
    tree = rootfs.Tree(tmp_path / "out")

    tree.add(source / "link")

    there = tmp_path / "out" / source.relative_to("/")
    assert (there / "link").readlink() == Path("real")
    assert (there / "link/module.py").read_bytes() == b"x = 1"


def test_a_missing_library_ends_the_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rootfs, "run", lambda *_: "\tlibx.so.1 => not found\n")

    with pytest.raises(SystemExit, match=r"needs a library: libx\.so\.1"):
        rootfs.loaded(Path("/usr/bin/program"))


def test_libraries_are_read_from_the_loaders_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "\tlinux-vdso.so.1 (0x00007f11)\n"
        "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f10)\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f12)\n"
    )
    monkeypatch.setattr(rootfs, "run", lambda *_: text)

    assert rootfs.loaded(Path("/usr/bin/program")) == {
        Path("/lib/x86_64-linux-gnu/libc.so.6"),
        Path("/lib64/ld-linux-x86-64.so.2"),
    }


@pytest.mark.parametrize(
    ("name", "mode", "plain"),
    [
        ("usr/bin/su", 0o104755, 0o755),
        ("usr/bin/wall", 0o102755, 0o755),
        ("etc/open", 0o100666, 0o644),
        ("root", 0o040755, 0o700),
        ("tmp", 0o040755, 0o1777),
    ],
)
def test_modes_are_plain(name: str, mode: int, plain: int) -> None:
    assert rootfs.plain(Path("/out", name), Path("/out"), mode) == plain


# How two images differ.


def layer(*members: tuple[str, dict[str, Any], bytes]) -> tarfile.TarFile:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, fields, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), EPOCH
            for field, value in fields.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(data))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def files(*layers: tarfile.TarFile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in layers:
        compare.apply(one, found)
    return found


BASE = files(layer(("etc/a", {}, b"one"), ("etc/b", {}, b"two")))


@pytest.mark.parametrize(
    ("fields", "data", "said"),
    [
        ({"mode": 0o4755}, b"one", "mode 0644 and 4755"),
        ({"uid": 7}, b"one", "owner 0:0 and 7:0"),
        ({"mtime": EPOCH + 1}, b"one", f"time {EPOCH} and {EPOCH + 1}"),
        ({}, b"eno", "digest "),
        ({"type": tarfile.SYMTYPE, "linkname": "b"}, b"", "link  and b"),
    ],
)
def test_every_kind_of_difference_is_found(
    fields: dict[str, Any], data: bytes, said: str
) -> None:
    other = files(layer(("etc/a", fields, data), ("etc/b", {}, b"two")))

    (line,) = compare.differences(BASE, other)
    assert line.startswith("/etc/a: ")
    assert said in line


def test_equal_trees_do_not_differ_and_missing_files_do() -> None:
    assert compare.differences(BASE, dict(BASE)) == []
    less = files(layer(("etc/a", {}, b"one")))
    assert compare.differences(BASE, less) == ["/etc/b: only in the first"]
    assert compare.differences(less, BASE) == ["/etc/b: only in the second"]


def test_a_later_layer_replaces_and_removes() -> None:
    upper = layer(("etc/.wh.a", {}, b""), ("etc/b", {}, b"new"))
    emptied = layer(("etc/.wh..wh..opq", {}, b""), ("etc/c", {}, b"c"))

    assert set(files(layer(("etc/a", {}, b"1"), ("etc/b", {}, b"2")), upper)) == {
        "/etc/b"
    }
    assert set(files(layer(("etc/a", {}, b"1")), emptied)) == {"/etc/c"}

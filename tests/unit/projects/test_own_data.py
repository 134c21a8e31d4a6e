"""A submission's own data: read without pickle, within the course's size."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from typing import Any

import numpy as np
import pytest

from grader.errors import SubmissionRejectedError
from grader.projects.own_data import read_examples, read_text

MOST = 2**20


class Trap:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/unpickled-by-the-grader",)


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def rezipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def examples(data: bytes, path: str = "entry/a.npz", *, classes: bool = True) -> Any:
    return read_examples(path, data, classes=classes, most=MOST)


X = np.arange(400, dtype=np.float32).reshape(200, 2)
Y = np.arange(200) % 3 + 5


def test_an_npz_is_read_as_it_was_written() -> None:
    found = examples(npz(x=X, y=Y))

    np.testing.assert_array_equal(found.x, X)
    np.testing.assert_array_equal(found.y, Y - 5)
    assert found.classes == 3


def test_an_array_in_the_order_of_fortran_is_read_too() -> None:
    np.testing.assert_array_equal(examples(npz(x=np.asfortranarray(X), y=Y)).x, X)


def test_answers_that_are_numbers_have_two_axes() -> None:
    found = examples(npz(x=X, y=X[:, 0]), classes=False)

    assert found.y.shape == (200, 1)
    assert found.classes == 0


def test_objects_are_refused_and_never_unpickled() -> None:
    marker = "/tmp/unpickled-by-the-grader"  # noqa: S108
    trap = np.array([Trap()] * 200, dtype=object)
    stream = io.BytesIO()
    np.savez(stream, x=trap, y=Y)  # type: ignore[arg-type]

    with pytest.raises(
        SubmissionRejectedError,
        match=r"x is of type \|O",
    ):
        examples(stream.getvalue())
    assert not os.path.lexists(marker)


def test_a_bomb_is_refused_by_its_size_before_it_is_unpacked() -> None:
    zeros = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}")
    bomb = rezipped(x=zeros + bytes(2**24), y=b"")
    assert len(bomb) < 2**16

    with pytest.raises(SubmissionRejectedError, match="unpacks to more than"):
        examples(bomb)


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(rezipped(x=bytes(2**22), y=b""))
    at = bomb.index(b"PK\1\2")  # the directory's first entry; its size is at 24
    bomb[at + 24 : at + 28] = struct.pack("<L", 100)

    with pytest.raises(SubmissionRejectedError, match="unpacks to more than it says"):
        examples(bytes(bomb))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2**63,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "__import__('os')",
        "{" * 2000,
        "",
    ],
)
def test_a_header_that_lies_takes_no_memory(header: str) -> None:
    with pytest.raises(SubmissionRejectedError, match="x is n"):
        examples(rezipped(x=npy(header, b"1234"), y=b""))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": X}, "must hold the arrays x and y"),
        ({"x": X, "y": Y, "z": Y}, "must hold the arrays x and y"),
        ({"x": X, "y": Y[:-1]}, "x has 200 examples, and y has 199"),
        ({"x": X[:99], "y": Y[:99]}, "it has 99 examples, and 100 are needed"),
        ({"x": X + np.inf, "y": Y}, "x has values that are no finite float32"),
        ({"x": X, "y": X}, "y must have one whole number"),
        ({"x": X, "y": Y * 0}, "it has 1 classes"),
        ({"x": X.astype(complex), "y": Y}, "x is of type <c16"),
    ],
)
def test_data_that_cannot_be_judged_on_are_refused(
    arrays: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(SubmissionRejectedError, match=said):
        examples(npz(**arrays))


def table(rows: int = 120, more: str = "") -> bytes:
    lines = [f"{n},{n / 2},{'ab'[n % 2]}" for n in range(rows)]
    return ("\n".join(["width,height,kind", *lines]) + more).encode()


def test_the_last_column_of_a_csv_is_the_answer() -> None:
    found = examples(table(), "entry/a.csv")

    assert found.x.shape == (120, 2)
    assert found.y[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (table(more="\n1,2"), "row 122 has 2 values, and the first line 3"),
        (table(more="\n1,many,a"), "row 122 has a value that is no number"),
        (table(more="\n1,nan,a"), "x has values that are no finite float32"),
        (table(more='\n1,2,"a'), "it is no table"),
        (b"", "it needs two columns or more"),
        (b"\xff\xfe", "it is not UTF-8"),
    ],
)
def test_a_csv_that_is_no_table_of_numbers_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(SubmissionRejectedError, match=said):
        examples(data, "entry/a.csv")


def test_a_text_becomes_ids_of_its_characters() -> None:
    found = read_text("entry/a.txt", "abé\n".encode() * 2000)

    assert found.alphabet == "\nabé"
    assert found.ids[:4].tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff" * 9000, "it is not UTF-8"),
        (b"short", "it has 5 characters, and 5000 are needed"),
        ("".join(map(chr, range(1000, 1300))).encode() * 20, "300 different"),
    ],
)
def test_a_text_that_cannot_be_judged_on_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(SubmissionRejectedError, match=said):
        read_text("entry/a.txt", data)

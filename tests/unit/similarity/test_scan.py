"""Tokens of Python source, and what hostile source costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.similarity.scan import decoded, scan

KIB = 1024
LIMIT_S = 20.0  # some need half a second; quadratic ones would need hours


def tokens(text: str) -> bytes:
    return b"".join(line.codes for line in scan(text)[0])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("total = a + 1", "s=b+2.5e-3"),
        ("x = 1  # why", "# why not\n\nx = 1"),
        ("def f():\n    'doc'\n    return 1", "def g():\n  return 1"),
        ("import numpy\nx = 1", "from a import b\nx = 1"),
        ("x = f(a,\n      b)", "x = f(a, b)"),
        ("x = a + \\\n    b", "x = a + b"),
        ("x = 'a' 'b'", 'y = rb"""c\nd"""'),
        ("x = [1, 2, 3, 4]", "x = [1]"),
        ("x = 1\r\ny = 2\r", "x = 1\ny = 2\n"),
    ],
)
def test_equal_up_to_names_literals_and_layout(one: str, two: str) -> None:
    assert tokens(one) == tokens(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [("a + b", "a - b"), ("if a:", "while a:"), ("a.b", "a[b]"), ("f(a)", "f(a, b)")],
)
def test_different_where_the_program_differs(one: str, two: str) -> None:
    assert tokens(one) != tokens(two)


def test_every_token_knows_its_row() -> None:
    lines, python = scan('x = 1\n\ny = f("""a\nb""",\n      z)\nreturn y\n')

    assert python
    assert [line.rows for line in lines] == [(1,) * 3, (3, 3, 3, 3, 3, 4, 5, 5), (6, 6)]


def test_a_bracket_that_is_never_closed_ends_at_the_next_statement() -> None:
    lines, _ = scan("x = f(1\ndef g(a):\n    return a\n")

    assert [line.text for line in lines] == ["x = f ( 1", "def g ( a ) :", "return a"]


@pytest.mark.parametrize("quotes", ['"""', "'''", 'rb"""'])
def test_a_string_that_never_ends_hides_nothing(quotes: str) -> None:
    code = "for i in range(n):\n    total += i * x[i]\n"

    lines, python = scan(f"a = {quotes}\n{code}")

    assert not python
    assert tokens(code) in b"".join(line.codes for line in lines)


@pytest.mark.parametrize(
    ("data", "text", "odd"),
    [
        (b"\xef\xbb\xbfx = 1", "x = 1", ""),
        (b"x = '\xff'", "x = '\xff'", "not UTF-8"),
        (b"x = 1\0", "x = 1 ", "has NUL bytes"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, text: str, odd: str) -> None:
    assert decoded(data) == (text, odd)


@pytest.mark.parametrize(
    "unit",
    [
        *("(", "[" * 100 + "]" * 100, '"', "\\'", '"\\"', "'''\"\"\"", "rb'''", "f'"),
        *(" ", "\t", "\n", "\\\n", "\f", "x", "1e", ".", "1,", "#", "\0", "\U0001f600"),
        *("x\n", "if x:\n", "    " * 90 + "if x:\n", "lambda:", "rb", "é", "\u0301"),
    ],
)
def test_hostile_source_costs_no_more_than_its_length(unit: str) -> None:
    text = unit * (512 * KIB // len(unit))
    started = time.perf_counter()

    for end in ("", "'''"):
        scan(text + end)

    assert time.perf_counter() - started < LIMIT_S


@given(st.text(alphabet=st.sampled_from("ab1 .,:=()[]\"'\\\n\t#rf\r\0é"), max_size=200))
def test_any_text_has_a_row_for_every_token(text: str) -> None:
    lines, _ = scan(text)

    last = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    rows = [row for line in lines for row in line.rows]
    assert all(len(line.rows) == len(line.codes) for line in lines)
    assert rows == sorted(rows)
    assert all(1 <= row <= last for row in rows)

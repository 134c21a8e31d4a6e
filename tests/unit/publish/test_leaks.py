"""What must not be public is found wherever and however it is written."""

from __future__ import annotations

import base64
import html
import json
from pathlib import PurePosixPath
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.publish.folding import fold
from grader.publish.leaks import Guarded, Scanner, Secret

PAGE = "<!doctype html><title>A board</title><p>Points, 100 \u2013 1.5 s</p>".encode()
ID = Guarded("student id", "s1024-lovelace")
SECRET = Secret("course secret", bytes(range(199, 231)))


def kinds(scanner: Scanner, data: bytes) -> set[str]:
    return {one.kind for one in scanner.found(data)}


def html_of(text: str) -> str:
    return html.escape(text)


def entities(text: str) -> str:
    return "".join(f"&#x{ord(c):X};" for c in text)


def url_of(text: str) -> str:
    return quote(text, safe="")


def all_url(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def json_of(text: str) -> str:
    return json.dumps(text)[1:-1]


def all_json(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


def plain(text: str) -> str:
    return text


ESCAPES = [plain, html_of, entities, url_of, all_url, json_of, all_json, str.upper]
LETTERS = st.characters(
    codec="utf-8", categories=("Lu", "Ll", "Nd"), max_codepoint=0x24F
)
SIGNS = st.sampled_from("-_.@' +&\"\\%<,/:")
# Eight letters or more, or a whole word: what is shorter is asked for on its own.
NAMES = st.text(st.one_of(LETTERS, SIGNS), min_size=3, max_size=40)


@settings(max_examples=80, deadline=None)
@given(
    name=NAMES,
    at=st.integers(0, len(PAGE)),
    inner=st.sampled_from(ESCAPES),
    outer=st.sampled_from([plain, html_of, json_of, url_of]),
    touching=st.booleans(),
)
def test_a_string_planted_anywhere_is_found_or_told_as_not_looked_for(
    name: str, at: int, inner: object, outer: object, *, touching: bool
) -> None:
    scanner = Scanner([Guarded("student id", name)])
    assert callable(inner)
    assert callable(outer)
    written = outer(inner(name)).encode()
    around = b"" if touching else b" "

    hidden = PAGE[:at] + around + written + around + PAGE[at:]

    if scanner.unchecked:
        return  # told beforehand; the tests below say when
    folded = fold(name.encode()).strip()
    long = len(folded) >= 8 and {*folded} - {*b"0123456789abcdef"}
    if long or (not touching and _apart(PAGE, at)):
        assert kinds(scanner, hidden) == {"student id"}


def _apart(page: bytes, at: int) -> bool:
    """Whether a space may be put there without cutting a character."""
    return at == len(page) or page[at] & 0xC0 != 0x80


def test_a_page_without_it_is_clean() -> None:
    scanner = Scanner([ID, Guarded("name", "Ada Lovelace")])

    assert scanner.found(PAGE) == []
    assert scanner.unchecked == []


@pytest.mark.parametrize(
    "written",
    ["JOSÉ ÁLVAREZ", "José Álvarez", "Jose Alvarez", "jos&eacute; &Aacute;lvarez"],
)
def test_accents_and_case_hide_nobody(written: str) -> None:
    scanner = Scanner([Guarded("name", "José Álvarez")])

    assert kinds(scanner, f"<td>{written}</td>".encode()) == {"name"}


def test_escapes_within_escapes_are_undone() -> None:
    scanner = Scanner([Guarded("e-mail address", "o'hara&co@example.edu")])

    for one in ESCAPES:
        for two in (html_of, json_of, url_of):
            for three in (html_of, json_of):
                data = three(two(one("o'hara&co@example.edu")))
                assert scanner.found(b"x" + data.encode() + b"x"), (one, two, three)


def test_short_strings_and_names_are_found_as_whole_words_only() -> None:
    scanner = Scanner(
        [Guarded("login", "lin"), Guarded("part of a name", "Christian", word=True)]
    )

    assert kinds(scanner, b"a linear Christianity, online, _baseline_") == set()
    assert kinds(scanner, b'{"who":"lin"}') == {"login"}
    assert kinds(scanner, b"by_christian.html") == {"part of a name"}


def test_digits_of_numbers_and_digests_are_no_student_number() -> None:
    scanner = Scanner(
        [Guarded("SIS id", "20261124"), Guarded("student id", "beef1024")]
    )

    digits = b'{"t": 0.20261124, "u": 20261124.5, "v": 120261124, "d": "a20261124f"}'
    assert kinds(scanner, digits + b" sha256:00beef10240") == set()
    assert kinds(scanner, b"<td>20261124</td>") == {"SIS id"}
    assert kinds(scanner, b"entry/beef1024.html") == {"student id"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ab", "it is too short"),
        ("12345", "a number of so few digits is everywhere"),
        ("--", "it has no letter or digit"),
        ("Table", "the site's own text has it"),
    ],
)
def test_what_cannot_be_looked_for_is_told(text: str, why: str) -> None:
    scanner = Scanner([Guarded("login", text)], own=[b"<table><caption>"])

    assert [(one.kind, one.why, one.strings) for one in scanner.unchecked] == [
        ("login", why, 1)
    ]
    assert scanner.found(f"<table>{text}</table>".encode()) == []


def test_a_name_that_the_site_has_is_found_with_the_rest_of_it() -> None:
    whole = Guarded("name", "Anna Table")
    scanner = Scanner(
        [whole, Guarded("part of a name", "Table", word=True)], own=[b"<table>"]
    )

    assert scanner.found(b"<table>anna table</table>") == [whole]


def test_within_a_name_that_is_shown_there_is_no_leak() -> None:
    hidden = [Guarded("part of a name", part, word=True) for part in ("Ada", "O'Hara")]
    scanner = Scanner(hidden, allowed=["Ada O'Hara"])

    for shown in ("Ada O'Hara", "Ada O&#39;Hara", "ADA O&#x27;HARA", "Ada%20O%27Hara"):
        assert scanner.found(f"<td>{shown}</td>".encode()) == []
    assert kinds(scanner, b"<td>Ada O&#39;Hara</td> as Ada said") == {"part of a name"}


def test_an_address_is_no_name_that_may_be_shown() -> None:
    scanner = Scanner(
        [Guarded("e-mail address", "ada@example.edu")], ["ada@example.edu"]
    )

    assert kinds(scanner, b"<td>ada@example.edu</td>") == {"e-mail address"}


def test_ideographs_need_no_spaces_around() -> None:
    scanner = Scanner([Guarded("name", "王伟")])

    assert kinds(scanner, "学生王伟说".encode()) == {"name"}
    assert kinds(scanner, "学生王力说".encode()) == set()


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_secrets_are_found_in_hex_and_base64_wherever_they_begin(before: int) -> None:
    scanner = Scanner([], secrets=[SECRET])

    run = bytes(before) + SECRET.data + b"!"
    for text in (
        SECRET.data.hex(),
        SECRET.data.hex().upper(),
        base64.b64encode(run).decode(),
        base64.urlsafe_b64encode(run).decode(),
    ):
        assert kinds(scanner, f"x{text}y".encode()) == {"course secret"}
    assert kinds(scanner, run) == {"course secret"}


def test_a_leak_names_file_and_kind_and_never_the_whole_string() -> None:
    scanner = Scanner([ID], secrets=[SECRET])
    files = {
        PurePosixPath("index.html"): PAGE,
        PurePosixPath(
            "data/v1/x.json"
        ): f'"S1024-LOVELACE {SECRET.data.hex()}"'.encode(),
        PurePosixPath("entry/s1024-lovelace.html"): PAGE,
    }

    found = list(scanner.leaks(files))

    assert [(leak.place, leak.kind) for leak in found] == [
        ("the name of a file", "student id"),
        ("data/v1/x.json", "course secret"),
        ("data/v1/x.json", "student id"),
    ]
    assert found[2].shown == "s1..., 14 characters"
    assert found[1].shown == "64 characters"
    assert "lovelace" not in repr(found).lower()

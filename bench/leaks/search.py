"""How long it takes to search a large site, and what is found of what was planted.

python -m bench.leaks.search SITE --pages 10000 --people 500
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import random
import time
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from grader.publish.guarded import OURS, _of_people
from grader.publish.leaks import Guarded, Scanner, Secret
from grader.roster import Person

ROOT = Path(__file__).parents[2]
LETTERS = "aeiou", "bdfgklmnprstvz"
ESCAPES = (
    str,
    str.upper,
    html.escape,
    quote,
    lambda text: json.dumps(text)[1:-1],
    lambda text: "".join(f"&#{ord(c)};" for c in text),
)


def main() -> None:
    """Print one line of JSON."""
    options = _options()
    rng = random.Random(options.seed)  # noqa: S311 -- a made-up roster
    people = [_person(rng, number) for number in range(options.people)]
    guarded = [*_of_people(people, {}), *_hashes(options.people)]
    pages = _pages(options.site, options.pages)
    own = [path.read_bytes() for folder in OURS for path in _texts(folder)]

    begin = time.process_time()
    scanner = Scanner(guarded, own=own, secrets=[Secret("secret", rng.randbytes(32))])
    made_s = time.process_time() - begin
    begin = time.process_time()
    clean = [*scanner.leaks(pages)]
    searched_s = time.process_time() - begin
    found = sum(_found(scanner, pages, guarded, rng) for _ in range(options.planted))
    size = sum(map(len, pages.values()))
    told = {
        "people": len(people),
        "strings": len(guarded),
        "not looked for": sum(one.strings for one in scanner.unchecked),
        "files": len(pages),
        "MB": round(size / 1e6, 1),
        "made CPU s": round(made_s, 2),
        "searched CPU s": round(searched_s, 2),
        "MB/s": round(size / 1e6 / searched_s, 1),
        "false hits": len(clean),
        "planted": options.planted,
        "found": found,
    }
    print(json.dumps(told))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("site", type=Path, help="a published site")
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _person(rng: random.Random, number: int) -> Person:
    first, last = _name(rng, 3).title(), _name(rng, 4).title()
    login = f"{first[0]}{last}{number}".lower()
    return Person(
        student=f"{login}@example.edu",
        name=f"{first} {last}",
        email=f"{first}.{last}@example.edu".lower(),
        sis_id=str(20_260_000 + number),
        login=login,
    )


def _name(rng: random.Random, syllables: int) -> str:
    return "".join(
        rng.choice(LETTERS[1]) + rng.choice(LETTERS[0]) for _ in range(syllables)
    )


def _hashes(count: int) -> list[Guarded]:
    texts = (hashlib.sha256(b"%d" % n).hexdigest() for n in range(count))
    return [Guarded("hash of a token", text) for text in texts]


def _texts(folder: str) -> list[Path]:
    every = (ROOT / "grader" / folder).rglob("*")
    return [p for p in every if p.suffix in (".py", ".css", ".js", ".j2")]


def _pages(site: Path, count: int) -> dict[PurePosixPath, bytes]:
    """Return the entry pages of a site, each with digests of its own, so often."""
    originals = [path.read_bytes() for path in sorted(site.glob("entry/*.html"))]
    pages = {}
    for number in range(count):
        page = originals[number % len(originals)]
        own = hashlib.sha256(b"page %d" % number).hexdigest().encode()
        pages[PurePosixPath(f"entry/{number}.html")] = page.replace(b"</main>", own)
    return pages


def _found(
    scanner: Scanner,
    pages: dict[PurePosixPath, bytes],
    guarded: list[Guarded],
    rng: random.Random,
) -> bool:
    """Plant one string as a word of its own into a copy of a page and look for it."""
    page = rng.choice([*pages.values()])
    text = rng.choice(ESCAPES)(rng.choice(guarded).text)
    at = rng.randrange(len(page))
    while at < len(page) and page[at] & 0xC0 == 0x80:
        at += 1
    planted = page[:at] + b" " + text.encode() + b" " + page[at:]
    return bool(scanner.found(planted))


if __name__ == "__main__":
    main()

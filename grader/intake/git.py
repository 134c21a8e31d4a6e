"""A commit as a submission: fetched into a fresh bare repository and never checked out.

So no hook, filter, attribute, submodule or configuration of a stranger takes effect.
"""

from __future__ import annotations

import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from grader.intake.entries import ArchiveError, Entry, Kind
from grader.intake.folder import kind_of
from grader.intake.git_process import SCHEMES, GitFailedError, run_git
from grader.intake.names import composed, shown

PREFIX: Final = "git+"
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to fetch what."""

    url: str
    ref: str

    @property
    def label(self) -> str:
        """The address without a password or token."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{urlunsplit(parts._replace(netloc=host))}@{self.ref}"


def parse_address(source: str) -> Address | None:
    """Return the git address that `source` means; None if it means none.

    Forms: `git+https://host/repo@ref`, `git+file:///path`, `git+/path#ref`, and for a
    local repository also `path#ref` and `path@ref`. No ref means HEAD.

    Raises:
        ArchiveError: it is a git address, but not one that is allowed.
    """
    marked = source.startswith(PREFIX)
    place, ref = split_ref(source.removeprefix(PREFIX))
    if "://" in place:
        return Address(checked_url(place), checked_ref(ref)) if marked else None
    if not (marked or ref) or not Path(place).is_dir():
        return None
    return Address(Path(place).resolve().as_uri(), checked_ref(ref))


def checked_url(url: str) -> str:
    """Refuse a transport that could run a command or reads something else.

    Raises:
        ArchiveError: it is none of the allowed ones.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError:  # brackets that hold no IPv6 address
        scheme = ""
    if scheme in SCHEMES and url.isprintable():
        return url
    msg = "git does not fetch from this kind of address"
    raise ArchiveError(msg, f"Use one of {', '.join(SCHEMES)}://.")


def split_ref(source: str) -> tuple[str, str]:
    """Split off `#ref`, or `@ref` where the @ is not that of user@host."""
    if "#" in source:
        place, _, ref = source.rpartition("#")
        return place, ref or "HEAD"
    start = source.find("/", source.find("://") + 3) if "://" in source else 0
    place, at, ref = source[max(start, 0) :].rpartition("@")
    return (source[: max(start, 0)] + place, ref or "HEAD") if at else (source, "")


def checked_ref(ref: str) -> str:
    """Refuse what git could take for an option, a range or an expression.

    Raises:
        ArchiveError: it is no plain name of a branch, a tag or a commit.
    """
    if REF.fullmatch(ref or "HEAD") and ".." not in ref:
        return ref or "HEAD"
    msg = f"{shown(ref)} is no name of a branch, a tag or a commit"
    raise ArchiveError(msg, "Give a branch, a tag or all 40 digits of a commit.")


class GitReader:
    """Reads the tree of one fetched commit."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        line = run_git(repository, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
        self.commit = line.decode("ascii").strip()

    def entries(self) -> Iterator[Entry]:
        # A commit needs few objects to describe endless trees: the output is capped.
        command = ("ls-tree", "-r", "-t", "-z", "--long", self.commit)
        for line in run_git(self.repository, *command).split(b"\0")[:-1]:
            fields, _, raw = line.partition(b"\t")
            mode, _kind, blob, size = fields.split()
            path = raw.decode("utf-8", "surrogateescape")
            parts = tuple(composed(part) for part in path.split("/"))
            claimed = int(size) if size.isdigit() else 0
            yield Entry(parts, git_kind(int(mode, 8)), claimed, blob)

    def read(self, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        asked = b"".join(b"%b\n" % blob_of(entry) for entry in wanted)
        output = run_git(self.repository, "cat-file", "--batch", stdin=asked)
        at = 0
        for entry in wanted:
            end = output.find(b"\n", at)
            expected = b"%b blob %d" % (blob_of(entry), entry.size)
            if end < 0 or output[at:end] != expected:
                msg = f"{shown('/'.join(entry.parts))} is missing in the commit"
                raise ArchiveError(msg, "Push the branch again.")
            at = end + 1 + entry.size
            yield entry, output[end + 1 : at]
            at += 1


def blob_of(entry: Entry) -> bytes:
    """Return the object's name, as `GitReader.entries` noted it."""
    assert isinstance(entry.key, bytes)  # noqa: S101 -- set by entries
    return entry.key


def git_kind(mode: int) -> Kind:
    """Return the kind; a submodule (160000) has no type that a file system knows."""
    return Kind.OTHER if stat.S_IFMT(mode) == 0o160000 else kind_of(mode)


@contextmanager
def fetched(address: Address) -> Iterator[GitReader]:
    """Fetch one commit without history and yield it; nothing stays on disk.

    Raises:
        ArchiveError: there is no such repository or commit, or it is too large.
        InconclusiveError: the other side did not answer in time.
        ConfigError: git is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="grader-git-") as folder:
        repository = Path(folder)
        run_git(repository, "init", "--quiet", "--bare", "--template=", ".")
        # One pack instead of many loose files, so that the size limit sees it grow.
        options = ("-c", "fetch.unpackLimit=1", "-c", "gc.auto=0")
        fetch = (
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-commit-graph",
        )
        what = ("--no-recurse-submodules", "--", address.url, address.ref)
        try:
            run_git(repository, *options, *fetch, *what)
        except GitFailedError as failed:
            msg = f"git cannot fetch {shown(address.label)}"
            raise ArchiveError(msg, fetch_hint(failed.output)) from None
        yield GitReader(repository)


def fetch_hint(output: bytes) -> str:
    """Return what to do, by git's own words; they are not shown to anyone."""
    if b"dubious ownership" in output:
        return "The repository belongs to another user; clone it, or give its folder."
    if b"ref" in output:
        return "Check the name of the branch or tag, or give all digits of the commit."
    return "Check the address, and that it may be read without a password."

"""A branch as the place of a site, as GitHub Pages and others serve it.

The branch has one commit without a parent. So what is withdrawn is gone from it, with
all that was ever there. The commit is made of the site alone: equal sites of one course
at one time have the same id, and an unchanged site is not sent.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from grader.errors import ConfigError, DestinationError, GraderError
from grader.publish.build import SUMS
from grader.publish.destination import Changes, changes
from grader.publish.git import REMOTE, Git, GitFailedError

BRANCH: Final = "gh-pages"
NO_JEKYLL: Final = PurePosixPath(".nojekyll")
# The domain of a site, which its owner sets and no build knows.
DOMAIN: Final = PurePosixPath("CNAME")
_DOMAIN: Final = re.compile(
    rb"(?=.{4,253}\s*\Z)([a-z0-9-]{1,63}\.)+[a-z]{2,63}\s*", re.IGNORECASE
)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*(\.[A-Za-z0-9_/-]+)*")
_THERE: Final = "refs/site/there"
_MADE: Final = "refs/site/made"
_FILE: Final = "100644"
_UNREACHED: Final = re.compile(
    r"Could not resolve|Couldn't connect|Could not connect|Failed to connect"
    r"|unreachable|timed out|Connection refused|Connection reset|No route to host"
    r"|Temporary failure|early EOF|hung up unexpectedly"
)
_UNKNOWN: Final = re.compile(
    r"not found|does not appear to be a git repository|does not exist|No such file"
)
_FORBIDDEN: Final = re.compile(
    r"Authentication failed|could not read Username|could not read Password|denied"
    r"|Host key verification failed|error: 40[13]|terminal prompts disabled"
)


class Signed(NamedTuple):
    """Who made a site, and when, as its commit says."""

    name: str
    at: datetime


class Sent(NamedTuple):
    """What became of a branch; nothing was sent where `commit` was there."""

    commit: str
    changes: Changes
    sent: bool


class Branch:
    """One branch of a remote."""

    def __init__(self, git: Git, name: str) -> None:
        self._git, self._name = git, name

    def tip(self) -> str:
        """Return the commit that the branch is at; empty where there is no branch.

        Raises:
            DestinationError: the remote cannot be reached or read.
        """
        try:
            told = self._git.run("ls-remote", "--quiet", REMOTE, self._ref)
        except GitFailedError as exc:
            raise _explained(exc.said) from exc
        lines = (line.split("\t") for line in told.decode().splitlines())
        return next((commit for commit, ref in lines if ref == self._ref), "")

    def fetch(self) -> str:
        """Take over what the branch holds; return its commit.

        Raises:
            DestinationError: it cannot be read, or it is no site of ours.
        """
        refs = f"+{self._ref}:{_THERE}"
        try:
            self._git.run(
                *(
                    "fetch",
                    "--quiet",
                    "--depth=1",
                    "--no-tags",
                    "--no-write-fetch-head",
                ),
                *(REMOTE, refs),
            )
        except GitFailedError as exc:
            raise _explained(exc.said) from exc
        if not {SUMS, PurePosixPath("index.html")} <= self._held(_THERE).keys():
            msg = f"the branch {self._name!r} holds something that is no leaderboard"
            hint = "Name another branch with `--branch`, or delete that one first."
            raise DestinationError(msg, hint=hint)
        return self._git.run("rev-parse", _THERE).decode().strip()

    def domain(self) -> bytes | None:
        """Return the file that names the site's own domain, of what was fetched."""
        if DOMAIN not in self._held(_THERE):
            return None
        found = self._git.run("cat-file", "blob", f"{_THERE}:{DOMAIN}")
        return found if _DOMAIN.fullmatch(found) else None

    def commit(self, files: Mapping[PurePosixPath, bytes], signed: Signed) -> str:
        """Make the one commit of a site, here; return its id."""
        stream = b"".join(_stream(files, signed))
        self._git.run("fast-import", "--quiet", "--done", "--force", stdin=stream)
        return self._git.run("rev-parse", _MADE).decode().strip()

    def changes(self, *, fetched: bool) -> Changes:
        """Return what the commit made here changes of what was fetched."""
        return changes(self._held(_THERE) if fetched else {}, self._held(_MADE))

    def push(self, commit: str, *, instead_of: str) -> None:
        """Put a commit in place of another, if that is still there.

        Args:
            instead_of: what the branch was at; empty: there was none.

        Raises:
            DestinationError: it was not taken; the branch is as it was.
        """
        lease = f"--force-with-lease={self._ref}:{instead_of}"
        try:
            self._git.run(
                *("push", "--porcelain", "--no-verify", "--no-signed", lease),
                *("--no-follow-tags", "--recurse-submodules=no", "--no-thin"),
                *(REMOTE, f"{commit}:{self._ref}"),
            )
        except GitFailedError as exc:
            told = exc.stdout.decode("utf-8", "replace")
            raise _refused(self._name, told, exc.said) from exc

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self._name}"

    def _held(self, commit: str) -> dict[PurePosixPath, tuple[str, str]]:
        """Return mode and id of every file of a commit."""
        found = {}
        listed = self._git.run("ls-tree", "-r", "-z", "--full-tree", commit)
        for entry in listed.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            facts, _, path = entry.partition("\t")
            mode, _, blob = facts.split(" ")
            found[PurePosixPath(path)] = (mode, blob)
        return found


@contextmanager
def branch_of(course: Path, remote: str, name: str) -> Iterator[Branch]:
    """Open a branch of a remote of the repository that `course` lies in.

    Nothing is written in that repository: neither files nor objects nor branches.

    Raises:
        ConfigError: no git, no repository, no such remote, or no name of a branch.
    """
    if not _NAME.fullmatch(name) or name.endswith((".lock", "/")) or "//" in name:
        msg = f"{name!r} is no name of a branch"
        raise ConfigError(msg, hint=f"The usual one is {BRANCH}.")
    with tempfile.TemporaryDirectory(prefix="grader-pages-") as folder:
        yield Branch(Git(Path(folder), course, remote), name)


def send(
    branch: Branch,
    site: Mapping[PurePosixPath, bytes],
    signed: Signed,
    *,
    dry: bool = False,
) -> Sent:
    """Put a site in place of what a branch holds, whole or not at all.

    A file `CNAME` that is there stays: it is the domain that the owner has chosen.

    Args:
        dry: only say what would change.

    Raises:
        DestinationError: it cannot be reached, refuses, or holds something else.
    """
    files = {**site, NO_JEKYLL: b""}
    before = branch.tip()
    commit = branch.commit(files, signed)
    if before and before != commit:
        before = branch.fetch()
        domain = branch.domain()
        if domain is not None:
            commit = branch.commit({**files, DOMAIN: domain}, signed)
    if before == commit:
        return Sent(commit, Changes((), (), ()), sent=False)
    found = branch.changes(fetched=bool(before))
    if not dry:
        branch.push(commit, instead_of=before)
    return Sent(commit, found, sent=not dry)


def _stream(files: Mapping[PurePosixPath, bytes], signed: Signed) -> Iterator[bytes]:
    """Yield what `git fast-import` makes one commit of."""
    name = re.sub(r"[<>\x00-\x1f]", " ", signed.name).strip() or "leaderboard"
    who = f"{name} <leaderboard@localhost> {int(signed.at.timestamp())} +0000"
    message = f"Leaderboard of {name}\n".encode()
    yield f"commit {_MADE}\nauthor {who}\ncommitter {who}\n".encode()
    yield b"data %d\n%s" % (len(message), message)
    for path, data in sorted(files.items()):
        yield b"M %s inline %s\n" % (_FILE.encode(), _quoted(path))
        yield b"data %d\n%s\n" % (len(data), data)
    yield b"done\n"


def _quoted(path: PurePosixPath) -> bytes:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'.encode("utf-8", "surrogateescape")


def _explained(said: str) -> GraderError:
    """Return what a failed word with a remote means to people."""
    told = _last(said)
    if _FORBIDDEN.search(said):
        msg = f"the remote does not let us in: {told}"
        hint = "Do `git fetch` and `git push` work there without a question?"
    elif _UNREACHED.search(said):
        msg = f"the remote cannot be reached: {told}"
        hint = "Are you online? Nothing was changed; try again later."
    elif _UNKNOWN.search(said):
        msg = f"there is no such repository, or we may not see it: {told}"
        hint = "Look at the address: `git remote -v`."
    else:
        msg, hint = f"the remote cannot be used: {told}", "Nothing was changed there."
    return DestinationError(msg, hint=hint)


def _refused(name: str, told: str, said: str) -> GraderError:
    if "(stale info)" in told or "(fetch first)" in told:
        msg = f"somebody else has changed the branch {name!r} in the meantime"
        return DestinationError(msg, hint="Nothing was published; say it once more.")
    reasons = re.findall(r"^!\t\S+\t\[.*?rejected\] \((.*)\)$", told, re.MULTILINE)
    if reasons:
        msg = f"the remote refuses the branch {name!r}: {reasons[0]}"
        hint = "Is it protected? It must be free to be replaced (force-pushed)."
        return DestinationError(msg, hint=hint)
    return _explained(said)


def _last(said: str) -> str:
    """Return the line of git's that says most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    loud = [line for line in lines if line.startswith(("fatal:", "ERROR:", "remote:"))]
    return [*loud, *lines, "git says nothing"][0][:300]

"""The road of git: a tag on the commit that was checked, pushed to the remote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tito.errors import LaterError, TitoError
from tito.git import Git, Said
from tito.package import PACKAGE, Source
from tito.parcel import Parcel, Receipt, receipt, stamp

TAGS = "submit"
WHO = ("-c", "user.name=student", "-c", "user.email=student@localhost")
# What git and ssh say when the other side is not there, in English (LC_ALL=C).
AWAY = re.compile(
    r"could not resolve|couldn't resolve|connection (refused|timed out|reset|closed)"
    r"|timed out|network is unreachable|no route to host|failed to connect"
    r"|couldn't connect|temporary failure|early eof|hung up unexpectedly"
    r"|HTTP (429|5\d\d)",
    re.IGNORECASE,
)
SIGN_IN = re.compile(
    r"authentication failed|could not read (username|password)|permission denied"
    r"|host key verification failed|access denied|HTTP (401|403)",
    re.IGNORECASE,
)


class GitRoad:
    """Hand in by an annotated tag; a tag that could not be pushed stays for later."""

    keeps = True

    def __init__(self, project: Path, remote: str) -> None:
        self.to, self._remote = f"git:{remote}", remote
        self._git = Git(project)

    def prepare(self, sources: Sequence[Source]) -> str:
        """Return the commit that has exactly these files.

        Raises:
            TitoError: there is no repository, no remote, or something is uncommitted.
        """
        if not self._git.run("rev-parse", "--is-inside-work-tree").good:
            raise TitoError(
                "this folder is no git repository",
                "Clone the one that your course gave you, or hand in another way: --to",
            )
        if not self._git.run("remote", "get-url", "--", self._remote).good:
            raise TitoError(
                f"this repository has no remote {self._remote!r}",
                f"git remote add {self._remote} ADDRESS, with your course's address.",
            )
        head = self._git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if not head.good:
            raise TitoError("there is no commit yet", f"{COMMIT}, then again.")
        commit = head.out.strip()
        if changed := self._uncommitted(commit, sources):
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise TitoError(
                f"not committed as they are now: {', '.join(changed[:3])}{more}",
                f"What is handed in is a commit. {COMMIT}, then hand in again.",
            )
        return commit

    def _uncommitted(self, commit: str, sources: Sequence[Source]) -> list[str]:
        """Compare content, so that what git is told to ignore counts, too."""
        paths = [source.path for source in sources]
        # This command counts from the top of the repository, others from here.
        top = self._git.run("rev-parse", "--show-prefix").out.rstrip("\n")
        names = "".join(f"{top}{path}\n" for path in paths)
        there = self._git.run("hash-object", "--stdin-paths", given=names)
        if not there.good:
            raise TitoError(f"git cannot read the package: {there.why}", "git status")
        now = dict(zip(paths, there.out.split(), strict=True))
        then = self._committed(commit)
        return sorted(p for p in now | then if now.get(p) != then.get(p))

    def _committed(self, commit: str) -> dict[str, str]:
        """Return the Python files of a commit, each with git's name of its content."""
        tree = self._git.run("ls-tree", "-r", "-z", commit, "--", f"{PACKAGE}/")
        found = {}
        for row in filter(None, tree.out.split("\0")):
            about, _, path = row.partition("\t")
            parts = path.split("/")
            hidden = any(p.startswith(".") or p == "__pycache__" for p in parts)
            if path.endswith(".py") and not hidden:
                found[path] = about.split()[2]
        return found

    def hand_in(self, parcel: Parcel) -> Receipt:
        if not parcel.commit:
            raise TitoError(
                "what is kept was not packed from a commit", "tito submit --to git"
            )
        tag = self._tag_of(parcel) or self._new_tag(parcel)
        ref = f"refs/tags/{tag}"
        said = self._git.run("push", "--porcelain", "--", self._remote, ref)
        row = next((r for r in said.out.splitlines() if f"{ref}:" in r), "")
        if said.good and row[:1] in ("*", "="):
            new = row.startswith("*")
            return receipt(parcel, tag, new=new, place=f"{self._remote}, {tag}")
        raise self._not_pushed(tag, row, said)

    def _tag_of(self, parcel: Parcel) -> str:
        """Return the tag by which the same was handed in before, if there is one."""
        form = "%(refname:strip=2)%00%(contents)%01"
        found = self._git.run(
            *("for-each-ref", f"--points-at={parcel.commit}", f"--format={form}"),
            f"refs/tags/{TAGS}/*",
        )
        for row in found.out.split("\x01"):
            name, _, words = row.strip().partition("\0")
            if words.strip() == _message(parcel).strip():
                return name
        return ""

    def _new_tag(self, parcel: Parcel) -> str:
        tag = self._free_name(parcel)
        named = self._git.run("var", "GIT_COMMITTER_IDENT").good
        made = self._git.run(
            *(() if named else WHO),
            *("-c", "tag.gpgSign=false", "tag", "--annotate"),
            *("--message", _message(parcel), tag, parcel.commit),
        )
        if not made.good:
            raise TitoError(f"git cannot make the tag {tag}: {made.why}", "git status")
        return tag

    def _free_name(self, parcel: Parcel) -> str:
        """Return a name; within one second, a commit may go to several rounds."""
        when = datetime.fromisoformat(parcel.made_at)
        while True:
            tag = f"{TAGS}/{stamp(when.isoformat())}-{parcel.commit[:7]}"
            found = self._git.run("show-ref", "--verify", "--quiet", f"refs/tags/{tag}")
            if not found.good:
                return tag
            when += timedelta(seconds=1)

    def _not_pushed(self, tag: str, row: str, said: Said) -> TitoError:
        stays = f"The tag {tag} stays here: the next `tito submit` pushes it"
        what = f"the tag could not be pushed to {self._remote}"
        if row.startswith("!"):  # the remote looked at it and said no
            why = row.rpartition("\t")[2]
            return TitoError(
                f"{what}: {why}", f"Ask your course: may you push tags? {stays}."
            )
        by_hand = f"git push {self._remote} {tag}"
        if SIGN_IN.search(said.error):
            todo = f"Sign in once yourself: {by_hand}"
            return TitoError(f"{what}: {said.why}", f"{todo}. {stays}.")
        if AWAY.search(said.error):
            return LaterError(f"{what}: {said.why}", f"{stays}, or: {by_hand}")
        return TitoError(
            f"{what}: {said.why}", f"Is the remote right? git remote -v. {stays}."
        )


COMMIT = f'git add {PACKAGE} && git commit -m "what you did"'


def _message(parcel: Parcel) -> str:
    facts: Mapping[str, str] = {
        "student": parcel.student,
        "round": parcel.round_ or "-",
        "digest": parcel.digest,
    }
    rows = "\n".join(f"{name}: {value}" for name, value in facts.items())
    return f"Handed in by tito\n\n{rows}\n"

"""What a submission may cost before anything of it is believed."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

ARCHIVE_BYTES: Final = 50 * MIB  # of the file handed in
ENTRIES: Final = 10_000  # a repository without .venv and .git has a few hundred
UNPACKED_BYTES: Final = 256 * MIB  # of a whole tar, read through and not kept
RATIO: Final = 200  # source text packs 4 to 6 times, zeros a thousand times
RATIO_FROM_BYTES: Final = 8 * MIB  # below this, no ratio is worth a refusal
META_BYTES: Final = 64 * KIB  # one long name or pax header of a tar; the manifest

FILES: Final = 500  # Python files of the package; the course has about 25
FILE_BYTES: Final = 256 * KIB  # one of them; data does not fit into source
PACKAGE_BYTES: Final = 2 * MIB  # all of them
DEPTH: Final = 8  # folders below the package
NAME_BYTES: Final = 100  # one part of a path
PATH_BYTES: Final = 240  # a whole path from the package on

GIT_SECONDS: Final = 120.0  # one git command; fetching is the slow one
GIT_DISK_BYTES: Final = 200 * MIB  # what one fetched commit may take on disk

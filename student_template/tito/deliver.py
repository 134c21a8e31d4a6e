"""The road of a folder: a bundle is put there whole or not at all, and only once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tito import notes
from tito.bundle import SUFFIX
from tito.errors import TitoError
from tito.package import Source
from tito.parcel import Parcel, Receipt, receipt


class Folder:
    """Hand in by putting the bundle into a folder, which is there or is not."""

    keeps = False

    def __init__(self, folder: Path, *, own: bool = False) -> None:
        """`own`: it is one of this repository, and made when it is needed."""
        self.to, self._folder, self._own = str(folder), folder, own

    def prepare(self, sources: Sequence[Source]) -> str:
        """Nothing to do: a folder that is not there is said when it is written to."""
        return ""

    def hand_in(self, parcel: Parcel) -> Receipt:
        if self._own:
            self._folder.mkdir(exist_ok=True)
        who, digest = parcel.student, parcel.digest
        path, new = deliver(parcel.data, self._folder, student=who, digest=digest)
        return receipt(parcel, path.name, new=new, place=str(path))


def deliver(
    data: bytes, folder: Path, *, student: str, digest: str
) -> tuple[Path, bool]:
    """Write the bundle; return its path, and False if it was there already."""
    if not folder.is_dir():
        raise TitoError(
            f"there is no folder {folder}",
            "Check SUBMIT_TO; it names the folder that your course collects from.",
        )
    short = digest.removeprefix("sha256:")[:8]
    for old in sorted(folder.glob(f"{student}-*-{short}{SUFFIX}")):
        if old.read_bytes() == data:
            return old, False
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"{student}-{moment}-{short}{SUFFIX}"
    try:
        # Readable for the group, so that staff can collect from a shared folder.
        notes.write(path, data, 0o640)
    except OSError as error:
        raise TitoError(
            f"the bundle cannot be written to {folder}: {error.strerror}",
            "Check that the folder is writable and has space; nothing was handed in.",
        ) from None
    return path, True

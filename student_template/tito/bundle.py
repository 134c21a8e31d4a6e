"""The file that is handed in: a tar.gz with a manifest first, then the sources.

The same sources, student and round always give the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Sequence

from tito import __version__
from tito.errors import TitoError
from tito.package import PACKAGE, Source, digest_of

MANIFEST = "manifest.json"
SUFFIX = ".tinytorch.tar.gz"
STUDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
ROUND = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})?")


def bundle(sources: Sequence[Source], *, student: str, round_: str) -> bytes:
    """Return the bytes of a bundle."""
    if not STUDENT.fullmatch(student):
        raise TitoError(
            "the student id is missing or has characters it may not have",
            "Give it once: echo YOUR-ID > .student  (or --student, or STUDENT=...).",
        )
    if not ROUND.fullmatch(round_):
        raise TitoError(
            "the round has characters it may not have",
            "Letters, digits, dots, dashes and underscores are fine.",
        )
    manifest = {
        "schema_version": 1,
        "student": student,
        "round": round_,
        "package": PACKAGE,
        "digest": digest_of(sources),
        "created_by": f"tito {__version__}",
        "files": [{"path": s.path, "size": len(s.data)} for s in sources],
    }
    text = json.dumps(manifest, indent=1).encode() + b"\n"
    members = [(MANIFEST, text), *((s.path, s.data) for s in sources)]
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)  # owner 0, mode 0644, time 0
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)

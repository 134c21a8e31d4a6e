"""The one program of the grader image: a request on stdin, a result on stdout."""

from __future__ import annotations

import sys

from grader.config import find_home
from grader.container import serve


def main() -> None:
    """Answer one request."""
    answer = serve(sys.stdin.buffer.read(), find_home())
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

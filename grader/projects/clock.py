"""How much slower than the standard machine this host is.

No reference runs a student's script, so the clock is the course's own measure: a
product of two 1024 x 1024 float32 matrices takes 21 ms of CPU time there.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

STANDARD_S: Final = 0.021
SIDE: Final = 1024
REPEATS: Final = 5


def host_factor() -> float:
    """Return by what CPU budgets are multiplied here, at least 1; takes 0.2 s."""
    side = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    spent_s = []
    for _ in range(REPEATS):
        before_s = time.process_time()
        _ = side @ side
        spent_s.append(time.process_time() - before_s)
    return max(1.0, min(spent_s) / STANDARD_S)

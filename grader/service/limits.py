"""How often somebody may do something, kept in memory: a restart forgives."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Final

MOST_NAMES: Final = 10_000  # the one that was quiet longest is forgotten


class Window:
    """At most so many times in the last while, for each name."""

    def __init__(self, most: int, span: timedelta) -> None:
        self._most, self._span = most, span
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, now: datetime) -> float:
        """Return the seconds until `name` may again; 0 if they may now."""
        with self._lock:
            times = self._recent(name, now)
            if times is None or len(times) < self._most:
                return 0.0
            return (times[-self._most] + self._span - now).total_seconds()

    def count(self, name: str, now: datetime) -> None:
        """Note that `name` did it once more."""
        with self._lock:
            times = self._recent(name, now)
            if times is None:
                times = self._times.setdefault(name, deque(maxlen=self._most))
            times.append(now)
            self._times.move_to_end(name)
            while len(self._times) > MOST_NAMES:
                self._times.popitem(last=False)

    def _recent(self, name: str, now: datetime) -> deque[datetime] | None:
        times = self._times.get(name)
        while times and times[0] <= now - self._span:
            times.popleft()
        return times

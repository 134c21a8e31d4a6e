"""What a runner makes of the output of a step: its commands, and what is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_NEW: Final = re.compile(
    r"^\s*::(?P<name>[^\s:]+)(?:\s(?P<words>.*?))?::(?P<message>.*)$"
)
_OLD: Final = re.compile(
    r"##\[(?P<name>[^\s\]]+)(?:\s(?P<words>[^\]]*))?\](?P<message>.*)$"
)
KNOWN: Final = {
    *("error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "echo"),
    *("add-path", "set-env", "set-output", "save-state", "add-matcher"),
    *("remove-matcher", "stop-commands"),
}


@dataclass(frozen=True)
class Command:
    """One command that the runner obeys."""

    name: str
    words: dict[str, str]
    message: str


@dataclass
class Log:
    """Reads line after line."""

    commands: list[Command] = field(default_factory=list)
    stopped_by: str = ""
    tokens: list[str] = field(default_factory=list)

    def read(self, output: str) -> None:
        """Take what a step printed; what is stopped there starts again after it."""
        for line in re.split(r"\r\n|\r|\n", output):
            self._line(line)
        self.stopped_by = ""

    def _line(self, line: str) -> None:
        found = _NEW.match(line) or _OLD.search(line)
        if not found:
            return
        name = found["name"]
        if self.stopped_by:
            self.stopped_by = "" if name == self.stopped_by else self.stopped_by
        elif name == "stop-commands":
            self.stopped_by = found["message"]
            self.tokens.append(self.stopped_by)
        elif name in KNOWN:
            self.commands.append(
                Command(name, _words(found["words"] or ""), _plain(found["message"]))
            )


def _words(text: str) -> dict[str, str]:
    pairs = (word.split("=", 1) for word in text.split(",") if "=" in word)
    return {
        key.strip(): _plain(value.replace("%3A", ":").replace("%2C", ","))
        for key, value in pairs
    }


def _plain(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

"""Drive headless Chromium over its debugging pipe; standard library only.

Theory of operation: Chromium is started with `--remote-debugging-pipe`, reads commands
from descriptor 3 and writes answers and events to descriptor 4, each a JSON text ended
by a NUL byte. There is no port, no websocket and no driver package. Clicks and keys are
sent as input events, so the page sees what it would see from a person.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DEADLINE_S = 60.0  # a loaded two-core machine needs up to ten for the first page


class BrowserError(RuntimeError):
    """Chromium answered with an error, or not before the deadline, or ended."""


class Browser:
    """One Chromium with one page; a context manager."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-")
        command_out, self._to = os.pipe()
        self._from, answer_in = os.pipe()
        options = [
            "--headless=new",
            "--no-sandbox",  # the pages are ours, and CI runs as root
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
        ]
        words = shlex.join([executable, *options, "about:blank"])
        # The shell puts the two pipes where Chromium looks for them.
        redirect = f"exec {words} 3<&{command_out} 4>&{answer_in}"
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", redirect],
            pass_fds=(command_out, answer_in),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_out)
        os.close(answer_in)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._session = ""
        self._attach()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def _attach(self) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; events meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE_S
        while True:
            answer = self._receive(deadline)
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise BrowserError(method, answer["error"])
            else:
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                raise BrowserError(DEADLINE_S)
            data = os.read(self._from, 1 << 20)
            if not data:
                raise BrowserError(self._process.poll())
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def open(self, address: str, *, scripts: bool = True) -> None:
        """Load a page and wait until it and its scripts are done."""
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.send("Page.navigate", url=address)
        deadline = time.monotonic() + DEADLINE_S
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive(deadline))
        if not scripts:  # the page ran without them; questions to it may use them
            self.send("Emulation.setScriptExecutionDisabled", value=False)
        self.settle()

    def settle(self) -> None:
        """Wait until two frames have been drawn."""
        self.evaluate(
            "new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))"
        )

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited."""
        result = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in result:
            raise BrowserError(json.dumps(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def resize(self, width: int, height: int = 900, *, mobile: bool = False) -> None:
        """Set the viewport in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    def media(self, *, kind: str = "", **features: str) -> None:
        """Emulate media: `kind="print"`, `prefers_color_scheme="dark"`."""
        self.send(
            "Emulation.setEmulatedMedia",
            media=kind,
            features=[
                {"name": name.replace("_", "-"), "value": value}
                for name, value in features.items()
            ],
        )

    def click(self, selector: str) -> None:
        """Click the middle of an element with a mouse event."""
        quoted = json.dumps(selector)
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({quoted});"
            "e.scrollIntoView({block: 'center', inline: 'center'});"
            "const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                clickCount=1,
            )
        self.settle()

    def write(self, text: str) -> None:
        """Type text into the focused element."""
        self.send("Input.insertText", text=text)
        self.settle()

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release one key."""
        common: dict[str, Any] = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": code,
        }
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)
        self.settle()

    def screenshot(self, path: Path, *, full: bool = True) -> None:
        """Write a PNG of the page, or of what the viewport shows."""
        data = self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=full
        )["data"]
        path.write_bytes(base64.b64decode(data))

    def requests(self) -> list[str]:
        """Return the addresses requested since `open`."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Return console errors, exceptions and CSP violations since `open`."""
        found = []
        for event in self.events:
            if event.get("method") == "Log.entryAdded":
                found.append(str(event["params"]["entry"]["text"]))
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(event["params"]["exceptionDetails"])[:300])
        return found

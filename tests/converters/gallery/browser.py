"""Headless Chromium, driven through its own protocol over a pipe: no driver, no port, no network.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)

_PATIENCE = 120
"""Seconds that a browser lives at most."""


class Tab:
    """One page in the browser.

    Attributes:
        complaints: what the console showed: errors, warnings, refusals by the content security policy.
    """

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        self._commands, self._answers = commands, answers
        self._session: str | None = None
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Run a command of the protocol; events that come before its answer are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, "sessionId": self._session}
        self._commands.write(json.dumps({key: value for key, value in message.items() if value}).encode() + b"\0")
        self._commands.flush()
        while (answer := self._next()).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path) -> None:
        """Load a file and wait until all of it is there."""
        self._events.clear()
        self.send("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _next(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        event: dict[str, Any] = json.loads(message)
        match event.get("method"):
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.complaints.append(json.dumps(event["params"]))
        return event


@contextmanager
def browsing(program: str, profile: Path) -> Iterator[Tab]:
    """A browser with one empty tab, ended with the block.

    Args:
        program: of Chromium.
        profile: an empty folder.
    """
    commands_read, commands_write = os.pipe()
    answers_read, answers_write = os.pipe()

    def as_three_and_four() -> None:
        # the browser expects them there; by way of higher numbers, so that neither overwrites the other
        first, second = os.dup(commands_read), os.dup(answers_write)
        os.dup2(first, 3)
        os.dup2(second, 4)

    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={profile}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=as_three_and_four,
        close_fds=False,
    )
    os.close(commands_read)
    os.close(answers_write)
    patience = threading.Timer(
        _PATIENCE, process.kill
    )  # a browser that hangs ends, and with it the wait for its answer
    patience.start()
    try:
        with os.fdopen(commands_write, "wb") as commands, os.fdopen(answers_read, "rb") as answers:
            yield Tab(commands, answers)
    finally:
        process.terminate()
        process.wait()
        patience.cancel()

"""A running service for the tests, in a process of its own and as a user starts it; and pictures to send it."""

from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
LINES = REPOSITORY / "examples" / "lines"

# What the shipped model reads in these without an error.
RECEIPT, RECEIPT_TEXT = LINES / "receipt.png", "Grand total: € 1,284.50"
GERMAN, GERMAN_TEXT = LINES / "german.png", "Die Straße nach Köln führt über den Fluß."

_START_SECONDS = 150.0


@dataclass
class Service:
    """A running service.

    Attributes:
        url: Its address.
        process: Its process.
        client: Asks it.
    """

    url: str
    process: subprocess.Popen[str]
    client: httpx.Client

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stops it in good order; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(40)

    def wait_for_job(self, job: str, seconds: float = 60) -> dict[str, object]:
        """Waits until a job is finished."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            values: dict[str, object] = self.client.get(f"/v1/jobs/{job}").raise_for_status().json()
            if values["state"] in ("done", "failed", "cancelled"):
                return values
            time.sleep(0.05)
        raise AssertionError(f"the job is not finished: {values}")


@contextmanager
def running(folder: Path, *arguments: str, ready: bool = True) -> Iterator[Service]:
    """Runs `typecase serve` on a free port; jobs lie in the folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"}
    environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY / "tests")])
    start = (
        "import sys, network_guard; network_guard.fail_at_exit(); sys.argv[0] = 'typecase'; "
        "from typecase.cli.main import main\nif __name__ == '__main__': main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", start, "serve", "--port", "0", "--jobs", str(folder), *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    client = httpx.Client(timeout=60)
    try:
        url = _url_of(process)
        client.base_url = httpx.URL(url)
        if ready:
            _wait_until_ready(client, process)
        yield Service(url, process, client)
    finally:
        client.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _url_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = ""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if select.select([process.stderr], [], [], 1.0)[0]:
            line = process.stderr.readline()
            said += line
            found = re.search(r"http://\S+", line)
            if found:
                return found.group()
            if not line:
                break
    raise AssertionError(f"the service does not start: {said}")


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if client.get("/ready").status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("the service is not ready")


def pages_of_lines(*paths: Path) -> bytes:
    """A TIFF whose pages are pictures of lines."""
    images = [Image.open(path).convert("L") for path in paths]
    content = io.BytesIO()
    images[0].save(content, "TIFF", save_all=True, append_images=images[1:], compression="tiff_lzw")
    return content.getvalue()

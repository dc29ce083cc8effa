"""The service under load, on this machine: clients that send mixed pictures as fast as they are answered.

    python benchmarks/serve.py                                  # 16 clients, 400 requests
    python benchmarks/serve.py --requests 5000 --memory-every 500
    python benchmarks/serve.py --clients 4 --requests 40 --mode line

Expected output: a line for the machine, then latency (p50, p95, p99), how many pictures are read a second and how
many by `typecase read` in as many processes from the same files, and the memory of the service as it goes. A request
that is told to come back later (429) comes back later, and its waiting counts. Any other failure ends the measurement.
The clients share the cores with the service.

Time: a minute for each four hundred requests on two cores of a server processor.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from _common import REPOSITORY, cores, machine, parser_for, print_head, print_table, run, weights_facts, write_json
from typecase.errors import DataError, UsageError

_WEIGHTS = REPOSITORY / "src" / "typecase" / "weights"
_START_SECONDS = 120.0


@dataclass
class Load:
    """What the clients saw.

    Attributes:
        seconds: Of each request, from its sending to its answer, with all that it waited.
        refusals: How often one was told to come back later.
        failures: Answers that should not be.
        memory: MiB of all the service's processes, after so many requests.
    """

    seconds: list[float] = field(default_factory=list)
    refusals: int = 0
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)


def pictures(mode: str) -> list[tuple[str, bytes]]:
    """The pictures that are sent: the example lines, or pages made of them, as PNG, JPEG, TIFF and WebP."""
    lines = sorted((REPOSITORY / "examples" / "lines").glob("*.png"))
    if not lines:
        raise DataError("The pictures of examples/lines are missing; run this from a whole checkout.")
    if mode == "line":
        return [(path.name, path.read_bytes()) for path in lines]
    made = []
    opened = [Image.open(path).convert("RGB") for path in lines]
    for number, kind in enumerate(("PNG", "JPEG", "TIFF", "WEBP")):
        page = Image.new("RGB", (1000, 1200), "white")
        y = 60
        while y < 1050:
            line = opened[(number + y) % len(opened)]
            line = line.resize((round(line.width * 36 / line.height), 36))
            page.paste(line.crop((0, 0, min(line.width, 900), 36)), (50, y))
            y += 66
        content = io.BytesIO()
        page.save(content, kind)
        made.append((f"page-{number}.{kind.lower()}", content.getvalue()))
    return made


@contextmanager
def serving(workers: int, queue: int) -> Iterator[tuple[str, int]]:
    """A running service: its address and the number of its process."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "typecase", "serve", "--port", "0", "--workers", str(workers)),
                *("--queue", str(queue), "--jobs", folder),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        )
        try:
            assert process.stderr is not None
            found = re.search(r"http://\S+", process.stderr.readline())
            if found is None:
                raise DataError("The service does not start; try it: typecase serve.")
            # Nobody reads what it says from here on, and it must not wait for that.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            _wait_until_ready(found.group(), workers)
            yield found.group(), process.pid
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(url: str, workers: int) -> None:
    import httpx

    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        answer = httpx.get(f"{url}/ready")
        if answer.status_code == 200 and answer.json()["workers"] == workers:
            return
        time.sleep(0.2)
    raise DataError(f"The service was not ready within {_START_SECONDS:g} seconds.")


def send(
    url: str, pid: int, sent: Sequence[tuple[str, bytes]], mode: str, clients: int, requests: int, every: int
) -> Load:
    """Lets clients send so many requests in all."""
    import httpx

    load = Load()
    lock = threading.Lock()
    left = iter(range(requests))

    def client() -> None:
        with httpx.Client(base_url=url, timeout=300) as http:
            while not load.failures:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                name, content = sent[number % len(sent)]
                begun = time.monotonic()
                while True:
                    answer = http.post("/v1/read", params={"mode": mode}, files={"file": (name, content)})
                    if answer.status_code != 429:
                        break
                    with lock:
                        load.refusals += 1
                    time.sleep(float(answer.headers["Retry-After"]))
                with lock:
                    load.seconds.append(time.monotonic() - begun)
                    if answer.status_code != 200:
                        load.failures.append(f"{answer.status_code} {answer.text[:200]}")
                    if len(load.seconds) % every == 0:
                        load.memory.append((len(load.seconds), resident_mib(pid)))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def resident_mib(pid: int) -> float:
    """MiB in memory of a process and of those that it started."""
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    total = 0
    for one in [pid, *map(int, listing.stdout.split())]:
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            # It has ended meanwhile.
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def by_command(sent: Sequence[tuple[str, bytes]], mode: str, workers: int, requests: int) -> float:
    """Seconds that `typecase read` takes for as many pictures, in as many processes; its start is taken off."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number in range(requests):
            name, content = sent[number % len(sent)]
            file = Path(folder) / f"{number}-{name}"
            file.write_bytes(content)
            files.append(str(file))
        command = [sys.executable, "-m", "typecase", "read", "--mode", mode, "-q", "-j", str(workers)]
        start = _seconds_of([*command, "-o", f"{folder}/first", *files[:workers]])
        return max(1e-9, _seconds_of([*command, "-o", f"{folder}/all", *files]) - start)


def _seconds_of(command: Sequence[str]) -> float:
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"typecase read failed: {done.stderr.strip()[-300:]}")
    return time.monotonic() - begun


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which so large a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(arguments: Sequence[str] | None) -> None:
    """Measures and prints."""
    parser = parser_for(__doc__)
    parser.add_argument("--clients", type=int, default=16, help="how many send at once (default: 16)")
    parser.add_argument("--requests", type=int, default=400, help="how many are sent in all (default: 400)")
    parser.add_argument("--mode", choices=("page", "line"), default="page", help="what the pictures show")
    parser.add_argument("--workers", type=int, default=cores(), help="processes that read (default: the cores)")
    parser.add_argument("--queue", type=int, default=32, help="requests that may wait (default: 32)")
    parser.add_argument("--memory-every", type=int, default=100, help="look at the memory after so many requests")
    options = parser.parse_args(arguments)
    if min(options.clients, options.requests, options.workers, options.queue, options.memory_every) < 1:
        raise UsageError("Every number must be 1 or more.")
    facts = machine("as the reader chooses")
    weights = weights_facts([_WEIGHTS / "lines.onnx", _WEIGHTS / "pages.onnx"])
    print_head(facts, weights)
    sent = pictures(options.mode)
    with serving(options.workers, options.queue) as (url, pid):
        # What is compiled with the first pictures of a size is not measured.
        send(url, pid, sent, options.mode, options.workers, 2 * len(sent), 1 << 30)
        begun = time.monotonic()
        load = send(url, pid, sent, options.mode, options.clients, options.requests, options.memory_every)
        seconds = time.monotonic() - begun
    if load.failures:
        raise DataError(f"The service failed: {load.failures[0]}")
    rate = options.requests / seconds
    command_rate = options.requests / by_command(sent, options.mode, options.workers, options.requests)
    results: dict[str, Any] = {
        "clients": options.clients,
        "requests": options.requests,
        "mode": options.mode,
        "workers": options.workers,
        "p50": percentile(load.seconds, 0.5),
        "p95": percentile(load.seconds, 0.95),
        "p99": percentile(load.seconds, 0.99),
        "per_second": rate,
        "per_second_by_command": command_rate,
        "refusals": load.refusals,
        "memory_mib": load.memory,
    }
    rows = [
        ["latency p50, p95, p99 (s)", ", ".join(f"{results[name]:.2f}" for name in ("p50", "p95", "p99"))],
        ["pictures a second", f"{rate:.2f}"],
        ["by typecase read (without its start)", f"{command_rate:.2f}"],
        ["share of that", f"{rate / command_rate:.0%}"],
        ["told to come back later", str(load.refusals)],
        *([f"memory after {count:,} requests (MiB)", f"{mib:.0f}"] for count, mib in load.memory),
    ]
    print_table([f"{options.clients} clients, {options.requests:,} requests, {options.mode}", "measured"], rows)
    write_json(options.json, "serve", facts, results, weights=weights)


if __name__ == "__main__":
    run(main)

"""The service under load, on this machine: clients that send mixed pictures as fast as they are answered.

    python benchmarks/serve.py                                  # 16 clients, 400 requests
    python benchmarks/serve.py --requests 5000 --memory-every 500 --mode mixed --by-command 500
    python benchmarks/serve.py --clients 4 --requests 40 --mode line

Expected output: a line for the machine, then latency (p50, p95, p99), how many pictures are read a second and how
many by `typecase read` in as many processes from the same files, the processor's time for a picture, which other work
on the machine disturbs less, and the memory of the service as it goes. A request that is told to come back later (429)
comes back later, and its waiting counts. Any other failure ends the measurement.

The clients are threads of one process that share the cores with the service. Each keeps its connection and sends forms
that were made beforehand, so that what is measured is the service and not them.

Time: a minute for each hundred pages, or thousand lines, on two idle cores of a server processor.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import resource
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
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

from PIL import Image

from _common import REPOSITORY, cores, machine, parser_for, print_head, print_table, run, weights_facts, write_json
from typecase.errors import DataError, UsageError

_WEIGHTS = REPOSITORY / "src" / "typecase" / "weights"
_START_SECONDS = 120.0
_BOUNDARY = "typecase-benchmark"

LINES_A_PAGE = 24
"""Of mixed pictures so many are lines for each that is a page."""


@dataclass(frozen=True)
class Sent:
    """A picture that is sent.

    Attributes:
        name: Of its file.
        content: The file.
        mode: What it shows.
    """

    name: str
    content: bytes
    mode: str

    @property
    def form(self) -> bytes:
        """It as `multipart/form-data`."""
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{self.name}"\r\n\r\n'
        return head.encode() + self.content + f"\r\n--{_BOUNDARY}--\r\n".encode()


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


def pictures(mode: str) -> list[Sent]:
    """The pictures that are sent, in one round.

    Args:
        mode: `line` for the example lines, `page` for pages made of them as PNG, JPEG, TIFF and WebP, `mixed` for both.
    """
    paths = sorted((REPOSITORY / "examples" / "lines").glob("*.png"))
    if not paths:
        raise DataError("The pictures of examples/lines are missing; run this from a whole checkout.")
    lines = [Sent(path.name, path.read_bytes(), "line") for path in paths]
    if mode == "line":
        return lines
    pages = []
    opened = [Image.open(path).convert("RGB") for path in paths]
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
        pages.append(Sent(f"page-{number}.{kind.lower()}", content.getvalue(), "page"))
    if mode == "page":
        return pages
    mixed = []
    for number, one in enumerate(pages):
        start = number * LINES_A_PAGE
        mixed += [lines[place % len(lines)] for place in range(start, start + LINES_A_PAGE)]
        mixed.append(one)
    return mixed


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
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with urlopen(f"{url}/ready") as answer:
                if json.load(answer)["workers"] == workers:
                    return
        except OSError:
            # 503 until the first of them is ready.
            pass
        time.sleep(0.2)
    raise DataError(f"The service was not ready within {_START_SECONDS:g} seconds.")


def send(url: str, pid: int, sent: Sequence[Sent], clients: int, requests: int, every: int) -> Load:
    """Lets clients send so many requests in all."""
    load = Load()
    lock = threading.Lock()
    left = iter(range(requests))
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    forms = [(f"/v1/read?mode={quote(one.mode)}", one.form) for one in sent]

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
        while not load.failures:
            with lock:
                number = next(left, None)
            if number is None:
                break
            path, form = forms[number % len(forms)]
            begun = time.monotonic()
            while True:
                connection.request("POST", path, form, headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 429:
                    break
                with lock:
                    load.refusals += 1
                # The service keeps no connection for as long as it may ask to wait.
                connection.close()
                time.sleep(float(answer.headers["Retry-After"]))
            with lock:
                load.seconds.append(time.monotonic() - begun)
                if answer.status != 200:
                    load.failures.append(f"{answer.status} {content[:200].decode(errors='replace')}")
                if len(load.seconds) % every == 0:
                    load.memory.append((len(load.seconds), resident_mib(pid)))
        connection.close()

    def guarded() -> None:
        try:
            client()
        except (OSError, http.client.HTTPException) as error:
            load.failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def _family(pid: int) -> list[int]:
    """A process and those that it started."""
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *map(int, listing.stdout.split())]


def processor_seconds(pid: int) -> float:
    """How long a process and those that it started have kept the processor busy."""
    ticks = 0
    for one in _family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            # It has ended meanwhile.
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """MiB in memory of a process and of those that it started."""
    total = 0
    for one in _family(pid):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            # It has ended meanwhile.
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def by_command(sent: Sequence[Sent], workers: int, requests: int) -> tuple[float, float]:
    """What `typecase read` takes for as many pictures, in as many processes; its start is taken off.

    Returns:
        Seconds, and seconds of the processor.
    """
    seconds = processor = 0.0
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, list[str]] = {}
        for number in range(requests):
            one = sent[number % len(sent)]
            file = Path(folder) / f"{number}-{one.name}"
            file.write_bytes(one.content)
            files.setdefault(one.mode, []).append(str(file))
        for mode, paths in files.items():
            command = [sys.executable, "-m", "typecase", "read", "--mode", mode, "-q", "-j", str(workers)]
            start = _taken([*command, "-o", f"{folder}/first-{mode}", *paths[:workers]])
            whole = _taken([*command, "-o", f"{folder}/all-{mode}", *paths])
            seconds += max(1e-9, whole[0] - start[0])
            processor += max(1e-9, whole[1] - start[1])
    return seconds, processor


def _taken(command: Sequence[str]) -> tuple[float, float]:
    """Runs a command: the seconds it takes, and those of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"typecase read failed: {done.stderr.strip()[-300:]}")
    seconds = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which so large a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(arguments: Sequence[str] | None) -> None:
    """Measures and prints."""
    parser = parser_for(__doc__)
    parser.add_argument("--clients", type=int, default=16, help="how many send at once (default: 16)")
    parser.add_argument("--requests", type=int, default=400, help="how many are sent in all (default: 400)")
    parser.add_argument("--mode", choices=("page", "line", "mixed"), default="page", help="what the pictures show")
    parser.add_argument("--workers", type=int, default=cores(), help="processes that read (default: the cores)")
    parser.add_argument("--queue", type=int, default=32, help="requests that may wait (default: 32)")
    parser.add_argument("--memory-every", type=int, default=100, help="look at the memory after so many requests")
    parser.add_argument(
        "--by-command", type=int, help="how many of the pictures `typecase read` reads too (default: all)"
    )
    options = parser.parse_args(arguments)
    compared = options.requests if options.by_command is None else min(options.requests, options.by_command)
    if min(options.clients, compared, options.workers, options.queue, options.memory_every) < 1:
        raise UsageError("Every number must be 1 or more.")
    facts = machine("as the reader chooses")
    weights = weights_facts([_WEIGHTS / "lines.onnx", _WEIGHTS / "pages.onnx"])
    print_head(facts, weights)
    sent = pictures(options.mode)
    pages = sum(sent[number % len(sent)].mode == "page" for number in range(options.requests))
    print(f"- sent: {pages:,} pages and {options.requests - pages:,} lines, {len(sent)} pictures over and over")
    with serving(options.workers, options.queue) as (url, pid):
        # What is compiled with the first pictures of a size is not measured.
        send(url, pid, sent, options.workers, 2 * len(sent), 1 << 30)
        service_before, clients_before = processor_seconds(pid), time.process_time()
        begun = time.monotonic()
        load = send(url, pid, sent, options.clients, options.requests, options.memory_every)
        seconds = time.monotonic() - begun
        service = (processor_seconds(pid) - service_before) / options.requests
        clients = (time.process_time() - clients_before) / options.requests
    if load.failures:
        raise DataError(f"The service failed: {load.failures[0]}")
    rate = options.requests / seconds
    command_seconds, command_processor = by_command(sent, options.workers, compared)
    command_rate = compared / command_seconds
    command = command_processor / compared
    results: dict[str, Any] = {
        "clients": options.clients,
        "requests": options.requests,
        "mode": options.mode,
        "pages": pages,
        "workers": options.workers,
        "p50": percentile(load.seconds, 0.5),
        "p95": percentile(load.seconds, 0.95),
        "p99": percentile(load.seconds, 0.99),
        "per_second": rate,
        "compared": compared,
        "per_second_by_command": command_rate,
        "processor_seconds": {"service": service, "clients": clients, "by_command": command},
        "refusals": load.refusals,
        "memory_mib": load.memory,
    }
    rows = [
        ["latency p50, p95, p99 (s)", ", ".join(f"{results[name]:.2f}" for name in ("p50", "p95", "p99"))],
        ["pictures a second", f"{rate:.2f}"],
        [f"by typecase read, {compared:,} of them (without its start)", f"{command_rate:.2f}"],
        ["share of that", f"{rate / command_rate:.0%}"],
        ["processor for a picture: service, clients (ms)", f"{1000 * service:.1f}, {1000 * clients:.1f}"],
        ["by typecase read (ms)", f"{1000 * command:.1f}"],
        ["share by the processor's time", f"{command / (service + clients):.0%}"],
        ["told to come back later", str(load.refusals)],
        *([f"memory after {count:,} requests (MiB)", f"{mib:.0f}"] for count, mib in load.memory),
    ]
    print_table([f"{options.clients} clients, {options.requests:,} requests, {options.mode}", "measured"], rows)
    write_json(options.json, "serve", facts, results, weights=weights)


if __name__ == "__main__":
    run(main)

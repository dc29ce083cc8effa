"""What a service may be told: where it listens, how much it takes on, who may ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from typecase.cores import usable_cores

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that no other machine can ask."""


@dataclass(frozen=True)
class ServeSettings:
    """Everything a service is told.

    Attributes:
        jobs_folder: Where jobs are kept, their pictures among them.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        workers: Processes that read, each with one thread.
        language: Codes of languages that must be readable, such as `eng+deu`; None asks for none.
        model: A recogniser of one's own, in place of the shipped one.
        max_body: The most bytes of one request.
        max_files: The most files of one request.
        max_pages: The most pages of a document that is read while the caller waits.
        max_job_pages: The most pages of a job.
        max_pixels: The most pixels of a picture.
        timeout: Seconds that a request, or a page of a job, may be computed for.
        queue: How many requests may wait for a worker; the next one is told to come back later.
        upload_timeout: Seconds in which a request must have arrived.
        idle_timeout: Seconds in which some part of a request must arrive.
        keys_file: The file of API keys; None lets everyone ask.
        origins: Other web sites whose pages may ask, such as `https://example.org`.
        hosts: Further names under which this service is reached.
        allow_urls: Whether pictures are fetched from addresses in the internet that a caller names.
        keep_hours: After how many hours a job is forgotten.
        max_jobs: How many jobs are kept at once.
        grace: Seconds that running work gets to finish when the service stops.
    """

    jobs_folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=usable_cores)
    language: str | None = None
    model: Path | None = None
    max_body: int = 50 << 20
    max_files: int = 20
    max_pages: int = 20
    max_job_pages: int = 1000
    max_pixels: int = 100_000_000
    timeout: float = 60.0
    queue: int = 32
    upload_timeout: float = 120.0
    idle_timeout: float = 15.0
    keys_file: Path | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    allow_urls: bool = False
    keep_hours: float = 24.0
    max_jobs: int = 1000
    grace: float = 20.0

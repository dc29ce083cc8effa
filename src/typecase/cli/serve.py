"""`typecase serve`: the page in the browser, and the HTTP service."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from typecase.cli import output
from typecase.errors import UsageError

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

_EXAMPLES = """
[bold]Examples[/bold]

  typecase serve

  typecase serve --host 0.0.0.0 --port 8080 --keys keys.txt

  typecase serve --keys keys.txt --new-key alice

  curl -F file=@receipt.jpg "http://127.0.0.1:8000/v1/read?format=text"

It listens to this machine alone unless told otherwise, and stops with Ctrl-C: what is being read is finished, and jobs
go on with the next start.
"""


@app.command(epilog=_EXAMPLES)
def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is for every machine that can reach this.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=1, max=256, help="Processes that read; by default one a core."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("-l", "--language", metavar="LANG", help="Languages that must be readable: eng+deu.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recogniser of your own, in place of the shipped one.")
    ] = None,
    max_mib: Annotated[int, typer.Option(min=1, max=4096, help="The most MiB of one request.")] = 50,
    max_pages: Annotated[
        int, typer.Option(min=1, help="The most pages of a document that is read while its sender waits.")
    ] = 20,
    max_job_pages: Annotated[int, typer.Option(min=1, help="The most pages of a job.")] = 1000,
    max_pixels: Annotated[int, typer.Option(min=1, help="The most pixels of a page.")] = 100_000_000,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for a request, or for a page of a job.")] = 60,
    upload_timeout: Annotated[float, typer.Option(min=1, help="Seconds in which a request must have arrived.")] = 120,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; others come back later.")] = 32,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Let only those in who have an API key of this file.")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make a key, print it, add its hash to --keys, and leave."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A web site whose pages may ask, such as https://example.org."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name under which this service is reached.")
    ] = None,
    allow_urls: Annotated[
        bool, typer.Option("--allow-urls", help="Fetch pictures from addresses in the open internet that callers name.")
    ] = False,
    jobs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where jobs are kept; by default in the cache folder.")
    ] = None,
    keep_hours: Annotated[float, typer.Option(min=0.01, help="Hours after which a job is forgotten.")] = 24,
    max_jobs: Annotated[int, typer.Option(min=1, help="How many jobs are kept at once.")] = 1000,
    grace: Annotated[float, typer.Option(min=0, help="Seconds that running work gets when the service stops.")] = 20,
) -> None:
    """Serve the page in the browser and the HTTP service."""
    from typecase.serve.keys import add_key
    from typecase.serve.server import open_socket, serve
    from typecase.serve.settings import LOOPBACK, ServeSettings

    if new_key is not None:
        if keys is None:
            raise UsageError("A new key's hash goes into a file; name it: typecase serve --keys FILE --new-key NAME.")
        output.print_result(add_key(keys, new_key))
        output.messages().print(f"Its hash is in {keys}; the key itself is kept nowhere, so keep it yourself.")
        return
    if jobs is None:
        from typecase.files import cache_folder

        jobs = cache_folder() / "jobs"
    settings = ServeSettings(
        jobs,
        host=host,
        port=port,
        language=language,
        model=model,
        max_body=max_mib << 20,
        max_pages=max_pages,
        max_job_pages=max_job_pages,
        max_pixels=max_pixels,
        timeout=timeout,
        upload_timeout=upload_timeout,
        queue=queue,
        keys_file=keys,
        origins=tuple(_checked_origin(one) for one in allow_origin or ()),
        hosts=tuple(one.lower() for one in allow_host or ()),
        allow_urls=allow_urls,
        keep_hours=keep_hours,
        max_jobs=max_jobs,
        grace=grace,
        **({} if workers is None else {"workers": workers}),
    )
    _let_libraries_speak()
    if host not in LOOPBACK and keys is None:
        logging.getLogger("typecase.serve").warning(
            "Everyone who can reach %s may ask this service; --keys lets in only who has a key.", host
        )
    with open_socket(host, port) as listening:
        address = f"[{host}]" if ":" in host else host
        # Told once it can be asked: connections are taken from here on, and wait for the models.
        output.messages().print(f"Serving on http://{address}:{listening.getsockname()[1]} (Ctrl-C stops)")
        serve(settings, listening)


def _checked_origin(origin: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise UsageError(f"{origin!r} is no web site; --allow-origin takes one such as https://example.org.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _let_libraries_speak() -> None:
    """Uvicorn's warnings and errors go where ours go."""
    ours = logging.getLogger("typecase")
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = list(ours.handlers)
        logger.propagate = False
        logger.setLevel(logging.WARNING if output.verbosity() < 2 else logging.DEBUG)

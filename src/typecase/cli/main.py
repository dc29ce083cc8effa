"""The command itself: finds the verb, sets how much is said, and turns whatever goes wrong into one sentence.

A verb is a file of its own beside this one that defines `app`, a `typer.Typer`, and a line in `VERBS` below. With a
single command and no callback the verb is that command (`typecase predict ...`); with an `@app.callback()` it is a
group (`typecase train classifier ...`). The file is imported only when its verb is called.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from typecase import __version__
from typecase.cli import output
from typecase.errors import ExitCode, MissingExtraError, OutputError, TypecaseError
from typecase.files import atomic_write, cache_folder


@dataclass(frozen=True)
class Verb:
    """One verb of the command.

    Attributes:
        help: The line that `typecase --help` shows.
        panel: The heading that it stands under.
        module: The file that defines its `app`.
    """

    help: str
    panel: str
    module: str


VERBS: dict[str, Verb] = {
    "read": Verb("Read the text in pictures and documents.", "Read", "typecase.cli.read"),
    "predict": Verb("Say which character each picture shows.", "Read", "typecase.cli.predict"),
    "serve": Verb("Serve the page in the browser and the HTTP service.", "Read", "typecase.cli.serve"),
    "check": Verb("Say what is installed and how it runs here, and read a picture.", "Read", "typecase.cli.check"),
    "models": Verb("List the networks and the shipped weights.", "Read", "typecase.cli.models"),
    "train": Verb("Train a network of your own.", "Train", "typecase.cli.train"),
    "evaluate": Verb("Measure a trained network on pictures it has not seen.", "Train", "typecase.cli.evaluate"),
    "average": Verb("Make the mean of several trained weights.", "Train", "typecase.cli.average"),
    "export": Verb("Turn trained weights into a file that runs without PyTorch.", "Train", "typecase.cli.export"),
    "render": Verb("Draw text with its ground truth.", "Train", "typecase.cli.render"),
    "data": Verb("List, download and prepare data sets.", "Train", "typecase.cli.data"),
}

# Libraries that the light install does not bring, by the extra that does.
_EXTRA_OF = {
    "torch": "train",
    "lightning_fabric": "train",
    "safetensors": "train",
    "onnx": "train",
    "onnxruntime": "train",
    "onnxscript": "train",
    "matplotlib": "train",
    "tensorboard": "train",
    "jinja2": "train",
    "fontTools": "train",
    "babel": "train",
    "faker": "train",
    "freetype": "train",
    "rapidfuzz": "train",
    "uharfbuzz": "train",
    "wordfreq": "train",
    "fastapi": "serve",
    "multipart": "serve",
    "prometheus_client": "serve",
    "python_multipart": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
}

# What a shell reports for a program that SIGPIPE ended, as `typecase ... | head -1` would.
BROKEN_PIPE = 141

_EXAMPLES = """
[bold]Examples[/bold]

  typecase read line.png --mode line

  typecase predict letter.png

  typecase predict photos/ --top 3 --json

  typecase models

  typecase train classifier --data EnglishFnt.tgz -o runs/first
"""


class Verbs(TyperGroup):
    """The group of all verbs; it knows their names and help, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, verb in VERBS.items():
            self.add_command(TyperCommand(name, help=verb.help, rich_help_panel=verb.panel), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Gives the called verb's real command in place of the line that stood for it in the help."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in VERBS:
            command = typer.main.get_command(importlib.import_module(VERBS[name].module).app)
            _prepare(command)
            command.name = name
        return name, command, rest


app = typer.Typer(
    cls=Verbs,
    name="typecase",
    help="OCR that you can train, read with and trust.",
    epilog=_EXAMPLES,
    rich_markup_mode="rich",
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(value: bool) -> None:
    if value:
        output.print_result(f"typecase {__version__}")
        raise typer.Exit


def _be_quiet(value: bool) -> None:
    if value:
        output.set_verbosity(-1)


def _be_verbose(value: int) -> None:
    if value:
        output.set_verbosity(output.verbosity() + value)


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", callback=_be_quiet, expose_value=False, rich_help_panel="Messages", help="Say errors only."
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_be_verbose,
        expose_value=False,
        show_default=False,
        metavar="",
        rich_help_panel="Messages",
        help="Say what is being done; -vv says everything and shows the traceback of a bug.",
    ),
]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """OCR that you can train, read with and trust."""


def _prepare(command: Any) -> None:
    """Makes a verb like the others: -h everywhere, and -q and -v after the verb too, where hands put them."""
    command.context_settings.setdefault("help_option_names", ["-h", "--help"])
    inner = getattr(command, "commands", None)
    if inner is not None:
        # Typer would print the help of a group without a verb to standard output; see `_wrong_usage`.
        command.no_args_is_help = False
        for one in inner.values():
            _prepare(one)
        return
    shared = typer.Typer(add_completion=False)

    @shared.command()
    def nothing(quiet: Quiet = False, verbose: Verbose = 0) -> None: ...

    taken = {flag for parameter in command.params for flag in parameter.opts}
    command.params.extend(
        parameter for parameter in typer.main.get_command(shared).params if taken.isdisjoint(parameter.opts)
    )


def main() -> NoReturn:
    """Runs the command on `sys.argv` and leaves with its exit code.

    Raises:
        SystemExit: Always.
    """
    output.set_verbosity(0)
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        code = _end_quietly()
    except OSError as error:
        code = _fail(_full_output(error))
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    # The base of Click's own errors has no public name in Typer.
    usage_error = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="typecase", standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.OK
    except TypecaseError as error:
        return _fail(error)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except SystemExit as error:
        if isinstance(error.__context__, OSError) and error.__context__.errno == errno.EPIPE:
            raise BrokenPipeError from error
        raise
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRA_OF:
            return _bug(error)
        verb = next((argument for argument in arguments if not argument.startswith("-")), "")
        return _fail(MissingExtraError(f"typecase {verb}".strip(), _EXTRA_OF[library]))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return _bug(error)
        return _fail(_full_output(error))
    except Exception as error:
        return _wrong_usage(error) if isinstance(error, usage_error) else _bug(error)


def _fail(error: TypecaseError) -> int:
    if output.verbosity() > 1:
        traceback.print_exception(error)
    _say_error(str(error))
    return error.exit_code


def _wrong_usage(error: Any) -> int:
    """One of Click's own errors: an option that does not exist, a value of the wrong type, no verb at all."""
    text = error.format_message().strip()
    context = getattr(error, "ctx", None)
    if context is not None and text == "Missing command.":
        # Rich prints the help to standard output and returns nothing; nobody asked for it as a result.
        with contextlib.redirect_stdout(sys.stderr):
            context.get_help()
        return ExitCode.USAGE
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    command = context.command_path if context is not None else "typecase"
    _say_error(f"{text} See '{command} --help'.")
    return ExitCode.USAGE


def _full_output(error: OSError) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"The result cannot be written ({reason}); free some space or choose another place.")


def _end_quietly() -> int:
    # Python flushes standard output once more when it ends, and would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _bug(error: Exception) -> int:
    if output.verbosity() > 1:
        traceback.print_exception(error)
        where = "the details are above"
    else:
        log = _written_log(error)
        where = f"the details are in {log}" if log else "-vv shows the details"
    _say_error(
        f"This is a bug in typecase, not a mistake of yours ({type(error).__name__}); please report it: {where}."
    )
    return ExitCode.INTERNAL


def _written_log(error: Exception) -> Path | None:
    text = "".join(
        [
            f"typecase {__version__}, Python {sys.version}, {sys.platform}\n",
            f"arguments: {sys.argv[1:]}\n\n",
            *traceback.format_exception(error),
        ]
    )
    try:
        path = cache_folder() / "logs" / f"bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    except (TypecaseError, OSError):
        return None
    return path


def _say_error(sentence: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from typecase.cli.picture_arguments import in_one_line

    # An error is said with -q too, and on one line whatever the width and the names in it: scripts and logs read it.
    Console(stderr=True, soft_wrap=True).print(Text.assemble(("Error: ", "bold red"), in_one_line(sentence)))


if __name__ == "__main__":
    main()

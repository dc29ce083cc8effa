"""The command: its help, its exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from conftest import REPOSITORY, RunTypecase
from typecase import __version__, errors
from typecase.cli import main, output
from typecase.errors import ExitCode
from typecase.nets import NETWORKS

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command here, with a verb `try` whose body is a function of the test."""

    def runner(*arguments: str, body: Callable[[], None] | None = None) -> int:
        if body is not None:
            module = types.ModuleType("typecase.cli.trial")
            module.app = typer.Typer(add_completion=False)  # type: ignore[attr-defined]
            function = body

            @module.app.command()  # type: ignore[untyped-decorator]
            def trial() -> None:
                function()

            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setitem(main.VERBS, "try", main.Verb("Try.", "Read", module.__name__))
        monkeypatch.setattr(sys, "argv", ["typecase", *arguments])
        with pytest.raises(SystemExit) as left:
            main.main()
        assert isinstance(left.value.code, int)
        return left.value.code

    return runner


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def test_version_and_help_are_results(run_typecase: RunTypecase) -> None:
    done = run_typecase("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"typecase {__version__}\n", "")
    for flag in ("--help", "-h"):
        done = run_typecase(flag)
        assert done.returncode == 0
        assert done.stderr == ""
        assert all(verb in done.stdout for verb in main.VERBS)
        assert "typecase predict letter.png" in done.stdout


def test_no_colour_where_nobody_looks(run_typecase: RunTypecase) -> None:
    for arguments in (["--help"], ["models"], ["prdict"]):
        done = run_typecase(*arguments, env={"NO_COLOR": ""})
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("verb", list(main.VERBS))
def test_every_verb_has_help_that_needs_no_extra(run_typecase: RunTypecase, verb: str) -> None:
    done = run_typecase(verb, "--help", blocked=list(main._EXTRA_OF))
    assert done.returncode == 0, done.stderr
    assert "Usage: typecase" in done.stdout
    assert "Examples" in done.stdout or "Commands" in done.stdout


def test_start_is_light() -> None:
    heavy = ("numpy", "torch", "openvino", "PIL", "matplotlib", "onnx", "pandas", "yaml")
    for statement in (
        "import typecase, typecase.errors",
        "import sys; sys.argv = ['typecase', '--help']; from typecase.cli.main import main\ntry: main()\n"
        "except SystemExit: pass",
    ):
        code = f"{statement}\nimport sys; print('LOADED', [name for name in {heavy} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "LOADED []" in done.stdout


def test_module_runs_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "typecase", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert done.stdout == f"typecase {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["-v"], ["train"], ["train", "-h"]])
def test_nothing_asked_is_wrong_usage(run_typecase: RunTypecase, arguments: list[str]) -> None:
    done = run_typecase(*arguments)
    asked = "-h" in arguments
    assert done.returncode == (ExitCode.OK if asked else ExitCode.USAGE)
    assert "Usage: typecase" in (done.stdout if asked else done.stderr)
    assert (done.stderr if asked else done.stdout) == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prdict"], "'predict'"),
        (["--vresion"], "--version"),
        (["models", "--jsn"], "--json"),
        (["models", "extra"], "extra"),
        (["predict", "--top", "many"], "--top"),
        (["predict"], "PICTURES"),
    ],
)
def test_wrong_usage_is_one_line(run_typecase: RunTypecase, arguments: list[str], words: str) -> None:
    done = run_typecase(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TypecaseError)],
)
def test_our_errors_leave_with_their_code(
    run: Run, capsys: pytest.CaptureFixture[str], kind: type[errors.TypecaseError]
) -> None:
    error = kind("This", "train") if kind is errors.MissingExtraError else kind("The thing is [red]; do this.")
    assert run("try", body=raising(error)) == kind.exit_code
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == f"Error: {error}\n"


def test_exit_codes_are_documented_and_differ() -> None:
    page = (REPOSITORY / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = {
        int(line.split("|")[1])
        for line in page.splitlines()
        if line.startswith("|") and line.split("|")[1].strip().isdigit()
    }
    assert rows == {*map(int, ExitCode), main.BROKEN_PIPE}


def test_bug_is_one_sentence_and_a_log(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("try", body=raising(ZeroDivisionError("by zero"))) == ExitCode.INTERNAL
    written = capsys.readouterr()
    assert written.out == ""
    assert "Traceback" not in written.err
    assert written.err.count("\n") == 1
    assert "bug in typecase" in written.err
    log = Path(written.err.rpartition("the details are in ")[2].strip().removesuffix("."))
    assert log.is_relative_to(os.environ["TYPECASE_CACHE"])
    text = log.read_text(encoding="utf-8")
    assert "ZeroDivisionError: by zero" in text
    assert f"typecase {__version__}" in text


def test_bug_shows_its_traceback_on_request(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["-vv", "try"], ["try", "-vv"], ["-v", "try", "-v"]):
        assert run(*arguments, body=raising(ZeroDivisionError("by zero"))) == ExitCode.INTERNAL
        assert "Traceback" in capsys.readouterr().err


def test_bug_where_no_log_can_be_written(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TYPECASE_CACHE", str(tmp_path / "file"))
    assert run("try", body=raising(ZeroDivisionError())) == ExitCode.INTERNAL
    assert "-vv shows the details" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_interruption(run: Run, capsys: pytest.CaptureFixture[str], error: BaseException) -> None:
    assert run("try", body=raising(error)) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_a_verb_may_leave_with_a_code_of_its_own(run: Run) -> None:
    assert run("try", body=raising(typer.Exit(5))) == 5


@pytest.mark.parametrize("library", ["torch", "safetensors.torch", "matplotlib.pyplot"])
def test_missing_library_names_the_extra(run: Run, capsys: pytest.CaptureFixture[str], library: str) -> None:
    error = ModuleNotFoundError(f"No module named {library!r}", name=library)
    assert run("-q", "try", body=raising(error)) == ExitCode.MISSING_EXTRA
    assert "typecase try needs libraries that are not installed; run: pip install 'typecase[train]'" in (
        capsys.readouterr().err
    )


def test_missing_library_that_no_extra_brings_is_a_bug(run: Run) -> None:
    assert run("try", body=raising(ModuleNotFoundError("no", name="numpy"))) == ExitCode.INTERNAL


def test_training_without_pytorch(run_typecase: RunTypecase, tmp_path: Path) -> None:
    (tmp_path / "letters" / "a").mkdir(parents=True)
    done = run_typecase(
        "train", "classifier", "--data", tmp_path / "letters", "--out", tmp_path / "run", blocked=["torch"]
    )
    assert done.returncode == ExitCode.MISSING_EXTRA
    assert "pip install 'typecase[train]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_results_and_messages_are_apart(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        output.print_result("result [bold]")
        output.messages().print("message [bold]")
        logging.getLogger("typecase.anything").warning("careful")
        logging.getLogger("typecase.anything").info("detail")

    assert run("try", body=body) == 0
    written = capsys.readouterr()
    assert written.out == "result [bold]\n"
    assert written.err == "message [bold]\nWARNING: careful\n"
    assert run("try", "-q", body=body) == 0
    written = capsys.readouterr()
    assert (written.out, written.err) == ("result [bold]\n", "")
    assert run("try", "-v", body=body) == 0
    assert "INFO: detail" in capsys.readouterr().err


def test_progress_is_silent_where_nobody_looks(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        with output.progress() as progress:
            progress.advance(progress.add_task("reading", total=3))

    assert run("try", body=body) == 0
    assert capsys.readouterr() == ("", "")


def test_full_disk_is_one_sentence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert run("try", body=raising(error)) == ExitCode.OUTPUT
    assert "no space left on device" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_on_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "typecase", "models", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        )
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr.startswith("Error: The result cannot be written")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["models", "--json"], ["models"], ["--help"]])
def test_reader_that_went_away_is_no_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "typecase", *arguments],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        )
    finally:
        os.close(write)
    assert done.returncode == main.BROKEN_PIPE
    assert done.stderr == ""


def test_models_lists_networks_and_weights(run_typecase: RunTypecase) -> None:
    done = run_typecase("models", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert {one["name"]: one["parameters"] for one in listed["networks"]} == {
        facts.name: facts.parameters for facts in NETWORKS.values()
    }
    shipped = sorted((REPOSITORY / "src" / "typecase" / "weights").glob("*.onnx"))
    assert [one["name"] for one in listed["weights"]] == [path.stem for path in shipped]
    for one, path in zip(listed["weights"], shipped, strict=True):
        assert one["bytes"] == path.stat().st_size
        assert len(one["sha256"]) == 64
        assert one["classes"]
    assert {"classifier", "recognizer"} <= {one["task"] for one in listed["weights"]}
    table = run_typecase("models").stdout
    assert "charnet" in table
    assert "1,728,062" in table
    # Characters in a square, lines of any width, pages of any size.
    for shape in ("48 x 48 grey", "any x 32 grey", "any x any grey"):
        assert shape in table


def test_models_needs_no_extra(run_typecase: RunTypecase) -> None:
    done = run_typecase("models", blocked=[*main._EXTRA_OF, "openvino"])
    assert done.returncode == 0, done.stderr


def test_sizes_that_are_listed_are_those_of_the_networks() -> None:
    pytest.importorskip("torch")
    from typecase import nets

    for facts in NETWORKS.values():
        classes = 1 if facts.task == "detector" else 62
        network = nets.build(facts.name, classes=classes, channels=facts.channels, size=facts.size)
        assert sum(parameter.numel() for parameter in network.parameters()) == facts.parameters

"""What every test shares: the data it may use, the network it may not, and the command that it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The network is cut for this process; `run_typecase` cuts it for the command's.
import network_guard

REPOSITORY = Path(__file__).resolve().parents[1]

pytest_plugins = ["pytester"]

# A machine at work on something else is no reason to fail, and one example more is no reason to wait.
hypothesis.settings.register_profile("typecase", deadline=None, max_examples=50)
hypothesis.settings.load_profile("typecase")


def require_all() -> bool:
    """Whether a skipped test counts as failed (`TYPECASE_REQUIRE_ALL=1`), as it does where the project is checked."""
    return os.environ.get("TYPECASE_REQUIRE_ALL", "") not in ("", "0")


def data_folder() -> Path:
    """The folder of the shared data: `TYPECASE_DATA`, by default `../shared/data` beside the repository."""
    return Path(os.environ.get("TYPECASE_DATA") or REPOSITORY.parent / "shared" / "data").resolve()


def shared_data(relative: str) -> Path:
    """Gives the path of a shared file or folder, or skips the test with the reason.

    Args:
        relative: Path below the folder of the shared data, such as `chars74k/EnglishFnt.tgz`.
    """
    path = data_folder() / relative
    if not path.exists():
        pytest.skip(f"shared data {relative} is not there; set TYPECASE_DATA to the folder that holds it")
    return path


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turns a skip into a failure where everything is required; an expected failure (xfail) stays what it is."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if report.skipped and require_all() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{_reason(report.longrepr)} (a skip is a failure with TYPECASE_REQUIRE_ALL=1)"


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for a whole module that skips itself while it is collected."""
    outcome: Any = yield
    report: pytest.CollectReport = outcome.get_result()
    if report.skipped and require_all():
        report.outcome = "failed"
        report.longrepr = f"{_reason(report.longrepr)} (a skip is a failure with TYPECASE_REQUIRE_ALL=1)"


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the tests away from the user's cache; subprocesses inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TYPECASE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Fails a test that reached for the network, also where the refusal was swallowed."""
    network_guard.ATTEMPTS.clear()
    yield
    assert not network_guard.ATTEMPTS


RunTypecase = Callable[..., "subprocess.CompletedProcess[Any]"]


@pytest.fixture(scope="session")
def run_typecase() -> RunTypecase:
    """Runs the command as a user does, in a process of its own.

    Returns:
        A function (`*arguments`, `input=`, `env=`, `cwd=`, `text=True`, `timeout=120`, `blocked=`) that gives the
        finished process with `returncode`, `stdout` and `stderr`. `blocked` names libraries that shall seem not
        to be installed.
    """

    def run(
        *arguments: str | os.PathLike[str],
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        text: bool = True,
        timeout: float = 120,
        blocked: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[Any]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1", **(env or {})}
        # The code of this checkout is tested, whichever is installed.
        environment["PYTHONPATH"] = os.pathsep.join(
            part for part in (str(REPOSITORY / "src"), str(REPOSITORY / "tests"), environment.get("PYTHONPATH")) if part
        )
        start = "import sys, network_guard; network_guard.fail_at_exit(); "
        if blocked:
            start += f"sys.modules.update(dict.fromkeys({list(blocked)!r})); "
        start += "sys.argv[0] = 'typecase'; from typecase.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", start, *(os.fspath(argument) for argument in arguments)],
            input=input,
            env=environment,
            cwd=cwd,
            text=text,
            encoding="utf-8" if text else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    return run

"""Nothing reaches for the network and nothing is left in the user's home, openvino's telemetry included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import network_guard
from model_fixtures import write_bars, write_model

Run = Callable[..., "subprocess.CompletedProcess[Any]"]

# Telemetry keeps silent where it believes to be tested, so nothing may tell it.
_SIGNS_OF_CI = ("CI", "TF_BUILD", "JENKINS_URL")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def environment(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key not in _SIGNS_OF_CI and not key.startswith("XDG_")}
    tests = Path(__file__).resolve().parent
    paths = os.pathsep.join([str(tests.parent / "src"), str(tests)])
    return {**clean, "HOME": str(home), "USERPROFILE": str(home), "TYPECASE_CACHE": str(home), "PYTHONPATH": paths}


def run_python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    start = "import sys, network_guard; network_guard.fail_at_exit()\n"
    return subprocess.run(
        [sys.executable, "-B", "-c", start + code],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def left_in(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*"))


def test_the_guard_sees_telemetry(home: Path) -> None:
    """Without this the tests below would prove nothing: the guard notices what fails in silence."""
    code = (
        "import urllib.request\n"
        "try: urllib.request.urlopen('https://www.google-analytics.com')\n"
        "except (OSError, AssertionError): pass\n"
    )
    done = run_python(code, home)
    assert done.returncode == network_guard.EXIT_CODE
    assert "google-analytics" in done.stderr


def test_predict_is_silent(tmp_path: Path, home: Path) -> None:
    model, paths = write_model(tmp_path / "bars.onnx"), write_bars(tmp_path / "bars")
    arguments = ["typecase", "predict", "--model", str(model), *map(str, paths)]
    arguments += ["--plot", str(tmp_path / "plot.png"), "--json"]
    done = run_python(f"sys.argv = {arguments!r}\nfrom typecase.cli.main import main\nmain()", home)
    assert (done.returncode, done.stderr) == (0, "")
    assert left_in(home) == []


def test_classify_is_silent_and_brings_no_telemetry(tmp_path: Path, home: Path) -> None:
    model, paths = write_model(tmp_path / "bars.onnx"), write_bars(tmp_path / "bars")
    code = (
        f"import threading, typecase\n"
        f"assert typecase.classify({str(paths[0])!r}, model={str(model)!r}).label == 'I'\n"
        f"assert len(typecase.classify([{str(paths[1])!r}] * 70, model={str(model)!r})) == 70\n"
        # It would be sent from a thread of its own, which may not have come to its imports yet.
        f"[one.join(10) for one in threading.enumerate() if one is not threading.current_thread()]\n"
        f"print(sorted(name for name in sys.modules if 'telemetry' in name or name.startswith('openvino.tools')))\n"
    )
    done = run_python(code, home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert left_in(home) == []


def test_openvino_stays_usable_for_others(home: Path) -> None:
    code = (
        "from typecase.runtime.openvino import import_openvino\n"
        "ours = import_openvino()\n"
        "import openvino\n"
        "assert openvino is ours and import_openvino() is openvino\n"
        "assert openvino.Core().available_devices\n"
        "assert 'openvino.tools.ovc' not in sys.modules\n"
    )
    done = run_python(code, home)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_openvino_that_is_there_already_is_left_alone(home: Path) -> None:
    code = (
        "import types\n"
        "sys.modules['openvino'] = there = types.ModuleType('openvino')\n"
        "from typecase.runtime.openvino import import_openvino\n"
        "assert import_openvino() is there\n"
    )
    done = run_python(code, home)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_typecase_is_light(home: Path) -> None:
    code = "import typecase\nprint(sorted({'numpy', 'openvino', 'torch', 'PIL', 'rich', 'typer'} & set(sys.modules)))"
    assert run_python(code, home).stdout == "[]\n"

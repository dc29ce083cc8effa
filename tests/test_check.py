"""`typecase check` where something is wrong, and what it prints."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from typecase.cli import check, main
from typecase.errors import ModelError


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["typecase", "check", *arguments])
        with pytest.raises(SystemExit) as left:
            main.main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return int(left.value.code), said.out, said.err

    return run


def reading(*lines: str) -> type:
    """A reader that reads these lines, whatever it is given."""

    class Reader:
        recognizer = SimpleNamespace(precision="f32")

        def read(self, *_: Any, **__: Any) -> Any:
            word = SimpleNamespace(confidence=0.9)
            return SimpleNamespace(lines=[SimpleNamespace(text=line) for line in lines], words=[word])

    return Reader


def test_all_is_well(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.reader.Reader", reading(*check.SAMPLE_TEXT))
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "passed: 'typecase reads this page. / 12 pages, 345 words'" in out
    assert "Model lines" in out
    assert "OpenVINO" in out
    assert "f32" in out


def test_a_letter_may_be_wrong_but_not_all_of_them(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.reader.Reader", reading("typecase raeds this page.", "12 pages, 345 words"))
    assert run()[0] == 0
    monkeypatch.setattr("typecase.reader.Reader", reading("tttt", "eeee"))
    code, out, err = run()
    assert code == 4
    assert "FAILED" in out
    assert "'tttt / eeee' was read; install typecase again." in err


def test_a_model_that_is_missing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise ModelError("This installation carries no model.")

    monkeypatch.setattr("typecase.reader.Reader", refused)
    code, out, err = run("--json")
    assert code == 4
    assert '"passed": false' in out
    assert "carries no model" in err


def test_what_is_not_there_is_said(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.reader.Reader", reading(*check.SAMPLE_TEXT))
    usual = importlib.util.find_spec
    missing = ("pillow_heif", "torch")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else usual(name))
    _, out, _ = run()
    assert "not installed; pip install 'typecase[train]'" in out
    assert "not here: HEIC" in out

"""The measurements under benchmarks/ start, say what they need, and measure on tiny data what they measure on real."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from dataset_fixtures import fnt, write_tar
from font_fixtures import family
from model_fixtures import write_model
from typecase.errors import ExitCode

BENCHMARKS = sorted((REPOSITORY / "benchmarks").glob("[!_]*.py"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a script as its docstring says; data is looked for in an empty folder."""
    nothing = tmp_path_factory.mktemp("no-data")

    def run(name: str, *arguments: str | os.PathLike[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, REPOSITORY / "benchmarks" / f"{name}.py", *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1", "TYPECASE_DATA": str(nothing), "NO_COLOR": "1"},
            cwd=cwd,
            text=True,
            encoding="utf-8",
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny EnglishFnt where the data's folder has it, with one picture that stands twice."""
    files = fnt(range(1, 4), 40)
    files["English/Fnt/Sample001/img001-00040.png"] = files["English/Fnt/Sample001/img001-00001.png"]
    folder = tmp_path_factory.mktemp("data") / "chars74k"
    folder.mkdir()
    return write_tar(folder / "EnglishFnt.tgz", files)


def table(text: str) -> list[list[str]]:
    """The cells of the first Markdown table, without its rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def test_there_is_a_measurement_for_each_figure() -> None:
    assert [path.stem for path in BENCHMARKS] == [
        *("characters", "decoding", "documents", "feeding", "lines", "pages", "predict_time", "render", "replica"),
        *("serve", "throughput"),
    ]


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_head_and_help_give_the_command(run_benchmark: Run, path: Path) -> None:
    done = run_benchmark(path.stem, "--help")
    assert done.returncode == 0, done.stderr
    assert f"python benchmarks/{path.name}" in done.stdout
    for word in ("Expected output:", "Time:", "--json FILE"):
        assert word in done.stdout


@pytest.mark.parametrize("name", ["characters", "decoding", "feeding", "render", "replica"])
def test_missing_data_or_weights_are_a_sentence(run_benchmark: Run, tmp_path: Path, name: str) -> None:
    more = ["--models", tmp_path] if name == "characters" else []
    done = run_benchmark(name, *more, cwd=tmp_path)
    assert done.returncode == (ExitCode.MODEL if name == "characters" else ExitCode.DATA)
    assert "There is no" in done.stderr or "There are no weights" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_unknown_rows_are_refused_by_name(run_benchmark: Run) -> None:
    done = run_benchmark("characters", "fnt-randon")
    assert done.returncode == ExitCode.USAGE
    assert "'fnt-randon'" in done.stderr
    assert "fnt-random" in done.stderr


@pytest.fixture(scope="module")
def replica(run_benchmark: Run, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three variants, for one epoch."""
    out = tmp_path_factory.mktemp("replica")
    variants = [word for name in ("replica", "unmirrored-test", "files-tied") for word in ("--only", name)]
    done = run_benchmark(
        "replica", "--archive", archive, "--epochs", "1", "--threads", "1", "--out", out, *variants, "--json", out / "j"
    )
    assert done.returncode == 0, done.stderr
    head, *rows = table(done.stdout)
    assert head[1] == "test accuracy"
    assert [row[0].startswith(start) for row, start in zip(rows, ("the repl", "the same", "strat"), strict=True)]
    assert all("only 1" in row[0] for row in rows)
    assert rows[0][4] == ""
    assert rows[1][4] != ""
    return out


def test_replica_takes_one_habit_away_at_a_time(replica: Path) -> None:
    written = json.loads((replica / "j").read_text(encoding="utf-8"))
    assert list(written["results"]) == ["replica", "unmirrored-test", "files-tied"]
    assert len(written["weights"]) == 2
    provenance = [
        json.loads((replica / f"{name}-1-epochs.json").read_text(encoding="utf-8"))["provenance"]
        for name in written["results"]
    ]
    assert [one["settings"]["flip"] for one in provenance] == ["recorded", "never", "recorded"]
    splits = [one["data"][0]["split"] for one in provenance]
    assert [(one["method"], one["duplicates"]) for one in splits] == [
        ("journey", "pixels"),
        ("journey", "pixels"),
        ("random", "files"),
    ]


def test_replica_goes_on_where_it_stopped(run_benchmark: Run, archive: Path, replica: Path) -> None:
    model = replica / "replica-1-epochs" / "model.safetensors"
    before = model.stat().st_mtime_ns
    arguments = ["--archive", archive, "--epochs", "1", "--out", replica, "--only", "replica"]
    again = run_benchmark("replica", *arguments, "--threads", "1")
    assert again.returncode == 0, again.stderr
    assert model.stat().st_mtime_ns == before
    other = run_benchmark("replica", *arguments, "--threads", "2")
    assert other.returncode == ExitCode.USAGE
    assert "other settings" in other.stderr


def test_characters_measures_the_recorded_part(
    run_benchmark: Run, archive: Path, replica: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "fnt-random.safetensors").write_bytes((replica / "files-tied-1-epochs/model.safetensors").read_bytes())
    data = archive.parents[1]
    done = run_benchmark(
        "characters", "fnt-random", "--models", models, "--data", data, "--sheets", tmp_path, "--json", tmp_path / "j"
    )
    assert done.returncode == 0, done.stderr
    [row] = table(done.stdout)[1:]
    results = json.loads((tmp_path / "j").read_text(encoding="utf-8"))["results"]["fnt-random"]
    assert row[1] == "top-1"
    assert row[3] == f"{100 * results['top1']['value']:.2f} %"
    assert row[7] == ("yes" if results["top1"]["value"] >= 0.955 else "no")
    assert results["data"][0]["split_taken_from"] == "the model's card"
    assert results["pictures"] == results["data"][0]["split"]["counts"]["test"]
    assert "expected calibration error" in done.stdout
    assert (tmp_path / "fnt-random.png").exists() == bool(results["surest_mistakes"])


def test_characters_says_how_weights_are_trained(
    run_benchmark: Run, archive: Path, replica: Path, tmp_path: Path
) -> None:
    data = archive.parents[1]
    recipe = run_benchmark("characters", "--retrain", "fnt-random", "--models", tmp_path, "--data", data, cwd=tmp_path)
    assert recipe.returncode == 0, recipe.stderr
    words = shlex.split(recipe.stdout)
    assert words[:5] == ["typecase", "train", "classifier", "--recipe", "fnt"]
    assert f"fnt={archive}" in words

    (tmp_path / "fnt-random.safetensors").write_bytes((replica / "files-tied-1-epochs/model.safetensors").read_bytes())
    again = run_benchmark("characters", "--retrain", "fnt-random", "--models", tmp_path, "--data", data, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    words = shlex.split(again.stdout)
    assert words[3] == "--config"
    from typecase import config
    from typecase.training.settings import TrainClassifierSettings

    settings = config.load(TrainClassifierSettings, tmp_path / words[4])
    assert settings.data["fnt"].path == archive
    assert settings.data["fnt"].options == {"duplicates": "files"}
    assert settings.network.name == "ocrnet"


def test_feeding_measures_both_ways(run_benchmark: Run, archive: Path, tmp_path: Path) -> None:
    small = ["--batches", "2", "--rounds", "1", "--trainings", "1", "--threads", "1", "--json", tmp_path / "j"]
    done = run_benchmark("feeding", "--archive", archive, *small)
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert [row[0] for row in rows[1:4]] == ["plain, 0 workers", "plain, 2 workers", "ours"]
    results: dict[str, Any] = json.loads((tmp_path / "j").read_text(encoding="utf-8"))["results"]
    assert results["pictures"] == 120
    assert len(results["seconds_of_an_epoch"]["plain, 0 workers"]) == 1
    plain, ours = (results["pictures_a_second"][name][0] for name in ("plain, 0 workers", "ours"))
    assert results["ratio_alone"] == pytest.approx(ours / plain)


def test_predict_time_measures_the_whole_process(run_benchmark: Run, tmp_path: Path) -> None:
    model = write_model(tmp_path / "bars.onnx")
    small = ["--runs", "2", "--cold", "0", "--pictures", "3", "--model", model, "--json", tmp_path / "j"]
    done = run_benchmark("predict_time", *small)
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert rows[1][0] == "one picture, 2 runs"
    assert "3 drawn pictures" in rows[2][0]
    results = json.loads((tmp_path / "j").read_text(encoding="utf-8"))["results"]
    assert len(results["one_picture_seconds"]) == 2
    assert min(results["one_picture_seconds"]) > 0
    assert results["answer"][0] in ("I", "-", "/", "\\")


def test_predict_time_without_a_model_is_a_sentence(run_benchmark: Run, tmp_path: Path) -> None:
    done = run_benchmark("predict_time", "--model", tmp_path / "none.onnx")
    assert done.returncode == ExitCode.MODEL
    assert "typecase export" in done.stderr


def test_render_measures_every_domain(run_benchmark: Run, tmp_path: Path) -> None:
    family(tmp_path / "fonts", "plain")
    (tmp_path / "en.txt").write_text("A sentence with some words.\n" * 3, encoding="utf-8")
    where = ("--fonts", tmp_path / "fonts", "--texts", tmp_path / "en.txt", "--json", tmp_path / "results.json")
    done = run_benchmark("render", "--lines", "4", *where)
    assert done.returncode == 0, done.stderr
    _, *rows = table(done.stdout)
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    assert [row[0] for row in rows] == list(results)
    assert {"receipt", "scene", "mixture"} <= set(results)
    assert all(result["lines_a_second"] > 0 and result["mean_width"] >= 4 for result in results.values())

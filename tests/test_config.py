"""Settings: what is saved comes back the same, and nothing misspelt or impossible is let through."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from typecase.config import Meta, Setting, Settings, describe, load, parse_assignments, save, to_plain
from typecase.errors import OutputError, UsageError


class Optimizer(Settings):
    name: Literal["sgd", "adamw"] = "adamw"
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="Largest step size.")] = 0.001
    betas: tuple[float, float] = (0.9, 0.999)


class Stopping(Settings):
    patience: Annotated[int, Meta(ge=1)] = 5


class Source(Settings):
    path: Path
    split_by: Literal["random", "group"] = "random"


class Task(Settings):
    epochs: Annotated[int, Meta(ge=1, description="Passes over the training part.")] = 20
    title: str = ""
    shuffle: bool = True
    weights: Path | None = None
    classes: tuple[str, ...] = ()
    optimizer: Optimizer = Optimizer(learning_rate=0.01)
    stopping: Stopping | None = None
    data: dict[str, Source] = {}
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if self.stopping is not None and self.stopping.patience > self.epochs:
            raise ValueError("The setting 'stopping.patience' is above 'epochs'; lower it.")


def yaml_of(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return path


texts = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
paths = st.text(string.ascii_letters + " é-_./", min_size=1, max_size=12).map(Path)
optimizers = st.builds(
    Optimizer,
    name=st.sampled_from(["sgd", "adamw"]),
    learning_rate=st.floats(1e-9, 10),
    betas=st.tuples(numbers, numbers),
)
sources = st.builds(Source, path=paths, split_by=st.sampled_from(["random", "group"]))
tasks = st.builds(
    Task,
    epochs=st.integers(50, 2**40),
    title=texts,
    shuffle=st.booleans(),
    weights=st.none() | paths,
    classes=st.lists(texts, max_size=5).map(tuple),
    optimizer=optimizers,
    stopping=st.none() | st.builds(Stopping, patience=st.integers(1, 50)),
    data=st.dictionaries(names, sources, max_size=3),
    options=st.dictionaries(texts, plain, max_size=3),
)


@example(Task(title="next\x85line", options={"\x85": ["\u2028", "no", "1e-3", "=", "<<", "~", ""]}))
@given(tasks)
def test_load_of_save_is_the_same(tmp_path_factory: pytest.TempPathFactory, task: Task) -> None:
    path = tmp_path_factory.mktemp("config") / "task.yaml"
    save(task, path)
    assert load(Task, path) == task


@given(tasks)
def test_plain_values_as_overrides_are_the_same(task: Task) -> None:
    assert load(Task, None, to_plain(task)) == task


spelt_keys = [
    setting.key
    for setting in describe(Task)
    if len(setting.key) > 6 and not setting.key.startswith(("data.", "options"))
]


@given(st.sampled_from(spelt_keys), st.data())
def test_slip_of_the_fingers_is_refused_with_the_right_key(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(key) - 1).filter(lambda i: "." not in (key[i], key[i - 1])))
    wrong = key[: place - 1] + key[place] + key[place - 1] + key[place + 1 :]
    if wrong == key:
        return
    with pytest.raises(UsageError) as caught:
        load(Task, None, {wrong: 1})
    # A slip in the name of a section is reported for that section.
    nearest = str(caught.value).partition("did you mean '")[2].partition("'")[0]
    assert nearest
    assert key == nearest or key.startswith(f"{nearest}.") or key.rpartition(".")[2] == nearest.rpartition(".")[2]


def test_defaults_then_file_then_overrides(tmp_path: Path) -> None:
    file = yaml_of(tmp_path, "epochs: 30\noptimizer: {learning-rate: 0.5}\n")
    assert load(Task) == Task()
    task = load(Task, file, {"epochs": 40, "title": None})
    assert (task.epochs, task.title) == (40, "")
    assert task.optimizer == Optimizer(learning_rate=0.5)


def test_a_section_keeps_the_default_that_its_field_names() -> None:
    task = load(Task, None, {"optimizer.name": "sgd"})
    assert task.optimizer == Optimizer(name="sgd", learning_rate=0.01)


def test_dashes_and_underscores_are_the_same(tmp_path: Path) -> None:
    dashes = load(Task, yaml_of(tmp_path, "optimizer:\n  learning-rate: 0.5\n"))
    underscores = load(Task, yaml_of(tmp_path, "optimizer:\n  learning_rate: 0.5\n"))
    assert dashes == underscores == load(Task, None, {"optimizer.learning_rate": 0.5})


def test_optional_section_can_be_given_and_taken_away(tmp_path: Path) -> None:
    file = yaml_of(tmp_path, "stopping:\n  patience: 3\n")
    assert load(Task, file).stopping == Stopping(patience=3)
    assert load(Task, file, {"stopping": "null"}).stopping is None
    assert load(Task, yaml_of(tmp_path, "stopping: null\n"), {"stopping.patience": 4}).stopping == Stopping(patience=4)


def test_named_sections_and_free_keys_are_merged(tmp_path: Path) -> None:
    file = yaml_of(tmp_path, "data:\n  my_fnt: {path: a.tgz}\noptions: {widths: [1, 2], deep: {a: 1}}\n")
    task = load(Task, file, {"data.my_fnt.split-by": "group", "data.img.path": "b.tgz", "options.deep.b": "2"})
    assert task.data == {
        "my_fnt": Source(path=Path("a.tgz"), split_by="group"),
        "img": Source(path=Path("b.tgz")),
    }
    assert task.options == {"widths": [1, 2], "deep": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1e-3", 1e-3), ("0.01", 0.01), (".5", 0.5), ("2", 2.0)],
)
def test_numbers_written_as_people_write_them(tmp_path: Path, text: str, expected: float) -> None:
    # PyYAML takes 1e-3 for a text.
    file = yaml_of(tmp_path, f"optimizer: {{learning-rate: {text}}}\n")
    assert load(Task, file).optimizer.learning_rate == expected
    assert load(Task, None, {"optimizer.learning-rate": text}).optimizer.learning_rate == expected


def test_texts_of_flags_become_what_the_field_takes() -> None:
    task = load(
        Task, None, parse_assignments(["optimizer.betas=[0.5, 0.9]", "shuffle=false", "title=123", "weights=a=b.x"])
    )
    assert task.optimizer.betas == (0.5, 0.9)
    assert task.shuffle is False
    assert task.title == "123"
    assert task.weights == Path("a=b.x")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("epochs", 0, "a whole number (at least 1)"),
        ("epochs", 2.5, "a whole number"),
        ("epochs", True, "a whole number"),
        ("epochs", "many", "a whole number"),
        ("optimizer.learning-rate", 0, "a number (above 0 and at most 10)"),
        ("optimizer.learning-rate", float("nan"), "a number"),
        ("optimizer.name", "sdg", "one of adamw, sgd"),
        ("optimizer.betas", [1.0], "a list of 2"),
        ("optimizer.betas", [1.0, float("inf")], "a list of 2"),
        ("optimizer", 3, "a section of settings"),
        ("shuffle", "perhaps", "true or false"),
        ("weights", 3, "a path or nothing (null)"),
        ("classes", "abc", "a list, each a text"),
        ("data.fnt", 3, "a section of settings"),
        ("stopping.patience", 0, "a whole number (at least 1)"),
    ],
)
def test_impossible_value_names_key_value_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(Task, None, {key: value})
    message = str(caught.value)
    assert f"'{key}'" in message
    assert allowed in message
    assert "on the command line" in message
    assert "\n" not in message


def test_the_file_is_named_where_the_mistake_is_in_it(tmp_path: Path) -> None:
    file = yaml_of(tmp_path, "epochs: none\n")
    with pytest.raises(UsageError, match=r"'epochs' in .*task\.yaml cannot be 'none'"):
        load(Task, file)
    file = yaml_of(tmp_path, "optimizer: {leaning-rate: 1}\n")
    with pytest.raises(UsageError, match=r"'optimizer\.leaning-rate' \(in .*task\.yaml\).*'optimizer\.learning-rate'"):
        load(Task, file)


def test_right_key_in_the_wrong_section_is_found() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'optimizer\.learning-rate'"):
        load(Task, None, {"learning_rate": 1})


def test_key_like_no_other_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match="there are: epochs, title"):
        load(Task, None, {"zzzzzz": 1})


def test_required_key_is_asked_for() -> None:
    with pytest.raises(UsageError, match=r"'data\.fnt\.path' is missing; give it a path"):
        load(Task, None, {"data.fnt.split-by": "group"})


def test_fields_at_odds_are_refused() -> None:
    with pytest.raises(UsageError, match="above 'epochs'; lower it"):
        load(Task, None, {"stopping.patience": 21})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs: [1", "not valid YAML, line"),
        ("epochs: 1\nepochs: 2\n", "'epochs' stands twice"),
        ("optimizer: {learning-rate: 1, learning_rate: 2}", "given twice"),
        ("- epochs\n", "'key: value'"),
        ("epochs: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        ("1: 2\n", "no setting '1'"),
    ],
)
def test_file_that_is_no_settings(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load(Task, yaml_of(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_files_that_hold_nothing_change_nothing(tmp_path: Path) -> None:
    assert load(Task, yaml_of(tmp_path, "")) == Task()
    assert load(Task, yaml_of(tmp_path, "# nothing yet\noptimizer:\n")) == Task()


def test_file_missing_folder_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(Task, tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        load(Task, tmp_path)
    (tmp_path / "latin.yaml").write_bytes("title: \xe9".encode("latin-1"))
    with pytest.raises(UsageError, match="UTF-8"):
        load(Task, tmp_path / "latin.yaml")


def test_save_says_what_is_wrong_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        save(Task(), tmp_path)


def test_describe_lists_every_key() -> None:
    settings = {setting.key: setting for setting in describe(Task)}
    assert settings["epochs"] == Setting("epochs", "a whole number (at least 1)", 20, "Passes over the training part.")
    assert settings["optimizer.learning-rate"].default == 0.01
    assert settings["optimizer.learning-rate"].help == "Largest step size."
    assert settings["data.NAME.path"].required
    assert set(settings) == {
        *("epochs", "title", "shuffle", "weights", "classes", "options", "stopping.patience"),
        *("optimizer.name", "optimizer.learning-rate", "optimizer.betas", "data.NAME.path", "data.NAME.split-by"),
    }


@pytest.mark.parametrize("assignments", [["epochs"], ["=3"], ["epochs=1", "epochs=2"]])
def test_assignments_that_set_nothing(assignments: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_assignments(assignments)

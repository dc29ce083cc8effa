from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from model_fixtures import CLASSES, SIZE, bar, card, onnx_model, write_model
from typecase.charset import ClassSet
from typecase.errors import ModelError, UsageError
from typecase.preprocess import CharacterPreprocess
from typecase.runtime import onnx_file
from typecase.runtime.onnx_file import parse_onnx, read_onnx, with_card
from typecase.runtime.openvino import BATCHES, SHAPES_KEPT, OpenVinoNet, _OnePrimitive


def exported(**changes: Any) -> bytes:
    return with_card(onnx_model().SerializeToString(), card(**changes))


def net(**options: Any) -> OpenVinoNet:
    return OpenVinoNet(parse_onnx(exported(), "bars.onnx"), **options)


def inputs(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 1, SIZE, SIZE)).astype(np.float32)


# ---- the file


def test_the_card_comes_back(tmp_path: Path) -> None:
    path = write_model(tmp_path / "bars.onnx")
    model = read_onnx(path)
    assert model.card == card()
    assert model.where == str(path)
    assert model.content == path.read_bytes()


def test_onnx_itself_reads_what_we_append() -> None:
    model = onnx.load_model_from_string(exported())
    onnx.checker.check_model(model)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["typecase"] == card().to_json()
    assert len(metadata[onnx_file.SHA256_KEY]) == 64


def test_metadata_written_by_onnx_is_read() -> None:
    model = onnx_model()
    model.metadata_props.add(key="author", value="somebody")
    model.metadata_props.add(key="typecase", value=card(licence="Zürich–x").to_json())
    assert parse_onnx(model.SerializeToString(), "m").card.licence == "Zürich–x"


def test_large_cards_and_long_fields() -> None:
    names = ClassSet.of(f"class {number}" for number in range(20_000))
    content = with_card(onnx_model().SerializeToString(), card(classes=names))
    assert parse_onnx(content, "m").card.classes == names


def test_only_one_card() -> None:
    with pytest.raises(ModelError, match="has a card already"):
        with_card(exported(), card())
    with pytest.raises(ModelError, match="not a whole ONNX file"):
        with_card(b"\x0a\xff", card())


def test_a_file_cut_short_anywhere_is_refused() -> None:
    content = exported()
    # The checksum is the last field: cut off exactly before it, the file is whole, only unproven.
    last = content.rindex(onnx_file.SHA256_KEY.encode()) - 4
    assert parse_onnx(content[:last], "m").card == card()
    for length in {*range(0, len(content), 41), *range(last - 40, len(content))} - {last}:
        with pytest.raises(ModelError, match=r"^(The model )?m\.onnx "):
            parse_onnx(content[:length], "m.onnx")


def test_changed_weights_are_noticed() -> None:
    content = bytearray(exported())
    weights = onnx_model().graph.initializer[0].raw_data
    position = bytes(content).index(weights) + len(weights) // 2
    content[position] ^= 1
    with pytest.raises(ModelError, match="was changed after it was exported"):
        parse_onnx(bytes(content), "m")


def test_damage_anywhere_never_gives_another_exception() -> None:
    generator = np.random.default_rng(1)
    content = exported()
    refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        for position in generator.integers(0, len(damaged), 3):
            damaged[position] = int(generator.integers(256))
        try:
            parse_onnx(bytes(damaged), "m")
        except ModelError:
            refused += 1
    # What is left over hit the few fields that neither checksum nor card cover, such as the producer's name.
    assert refused > 380


def test_bytes_without_meaning_never_give_another_exception() -> None:
    generator = np.random.default_rng(2)
    for length in range(1, 300):
        with pytest.raises(ModelError):
            parse_onnx(generator.bytes(length), "m")


class Bomb:
    """Would run a program if anything unpickled it."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return exec, ("raise AssertionError('the pickle was run')",)


def pickled(protocol: int) -> bytes:
    return pickle.dumps(Bomb(), protocol)


def zipped_pickle() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(2))
    return buffer.getvalue()


@pytest.mark.parametrize("content", [pickled(2), pickled(3), pickled(4), pickled(5), zipped_pickle()])
def test_a_pickle_is_never_run(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="typecase never unpickles a model"):
        read_onnx(path)


def test_a_checkpoint_of_pytorch_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    for new in (True, False):
        path = tmp_path / f"{new}.pt"
        torch.save({"weights": torch.zeros(3)}, path, _use_new_zipfile_serialization=new)
        with pytest.raises(ModelError, match="typecase never unpickles a model"):
            read_onnx(path)


def test_safetensors_are_sent_to_the_export(tmp_path: Path) -> None:
    numpy_format = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "weights.safetensors"
    numpy_format.save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelError, match=r"holds weights for training \(safetensors\).*typecase export .*weights"):
        read_onnx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"just some text, not a model", "is not a whole ONNX file"),
        (b"\x89HDF\r\n\x1a\n rest", "is an HDF5 file"),
        (b"\x1f\x8b\x08 rest", "is a compressed archive"),
        (b"\x89PNG\r\n\x1a\n rest", "is not a whole ONNX file"),
        (b"\x08\x09", "holds no network"),
    ],
)
def test_other_files(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        read_onnx(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        read_onnx(tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        read_onnx(tmp_path)


def test_someone_elses_onnx() -> None:
    with pytest.raises(ModelError, match=r"not one that typecase exported.*typecase export MODEL"):
        parse_onnx(onnx_model().SerializeToString(), "m.onnx")


def test_a_newer_card() -> None:
    model = onnx_model()
    model.metadata_props.add(key="typecase", value='{"format": 99}')
    with pytest.raises(ModelError, match="written by a newer typecase"):
        parse_onnx(model.SerializeToString(), "m.onnx")


def test_two_cards_are_no_card() -> None:
    model = onnx_model()
    for licence in ("one", "two"):
        model.metadata_props.add(key="typecase", value=card(licence=licence).to_json())
    with pytest.raises(ModelError, match="damaged"):
        parse_onnx(model.SerializeToString(), "m.onnx")


def outside(tensor: onnx.TensorProto) -> None:
    onnx.external_data_helper.set_external_data(tensor, "../../etc/passwd", 0, 16)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.ClearField("raw_data")


def in_the_graph(model: onnx.ModelProto) -> None:
    outside(model.graph.initializer[0])


def in_a_constant(model: onnx.ModelProto) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "c")
    outside(tensor)
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["c"], value=tensor))


def in_a_branch(model: onnx.ModelProto) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "c")
    outside(tensor)
    constant = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    result = onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, [4])
    branch = onnx.helper.make_graph([constant], "branch", [], [result])
    model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch))


def in_a_function(model: onnx.ModelProto) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "c")
    outside(tensor)
    constant = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    opsets = [onnx.helper.make_opsetid("", 17)]
    model.functions.append(onnx.helper.make_function("own", "f", [], ["c"], [constant], opsets))


def in_a_sparse_tensor(model: onnx.ModelProto) -> None:
    values = onnx.numpy_helper.from_array(np.ones(1, np.float32), "s")
    indices = onnx.numpy_helper.from_array(np.zeros(1, np.int64), "i")
    outside(values)
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, indices, [4]))


@pytest.mark.parametrize("place", [in_the_graph, in_a_constant, in_a_branch, in_a_function, in_a_sparse_tensor])
def test_weights_in_other_files_are_not_followed(place: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx_model()
    place(model)
    content = with_card(model.SerializeToString(), card())
    with pytest.raises(ModelError, match="keeps its weights in another file, which is not followed"):
        parse_onnx(content, "m.onnx")


def test_messages_nested_without_end_are_refused() -> None:
    # A graph in an attribute of a node of a graph in an attribute ...
    inner = b""
    for _ in range(200):
        for number in (6, 5, 1):
            inner = onnx_file._delimited(number, inner)
    with pytest.raises(ModelError, match="damaged"):
        parse_onnx(onnx_file._delimited(7, inner), "m")


# ---- the net


@pytest.fixture(scope="module")
def bars() -> OpenVinoNet:
    return net(threads=1)


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 64, 65, 130])
def test_any_number_of_pictures_gives_the_right_logits(bars: OpenVinoNet, count: int) -> None:
    given = inputs(count)
    weights = onnx.numpy_helper.to_array(onnx_model().graph.initializer[0])
    logits = bars(given)
    assert logits.shape == (count, len(CLASSES))
    assert logits.dtype == np.float32
    assert np.allclose(logits, given.reshape(count, SIZE * SIZE) @ weights, atol=1e-4)


def test_few_shapes_are_compiled(bars: OpenVinoNet) -> None:
    for count in range(1, 80):
        bars(inputs(count))
    assert set(bars._compiled) <= set(BATCHES)


def test_threads_get_their_own_answers(bars: OpenVinoNet) -> None:
    given = [inputs(count % 9 + 1, seed=count) for count in range(60)]
    expected = [bars(one) for one in given]
    with ThreadPoolExecutor(4) as pool:
        for got, wanted in zip(pool.map(bars, given), expected, strict=True):
            assert np.array_equal(got, wanted)


def test_results_are_not_overwritten_by_the_next_call(bars: OpenVinoNet) -> None:
    first = bars(inputs(1, seed=1))
    kept = first.copy()
    bars(inputs(1, seed=2))
    assert np.array_equal(first, kept)


def test_bfloat16_stays_near(bars: OpenVinoNet) -> None:
    given = np.stack([CharacterPreprocess(size=SIZE)(bar(label)) for label in CLASSES])
    near = net(precision="bf16", threads=1)(given)
    assert np.array_equal(near.argmax(axis=1), np.arange(len(CLASSES)))
    assert np.abs(near - bars(given)).max() < 0.02 * np.abs(bars(given)).max()


def test_a_wrong_shape_is_a_bug_of_the_caller(bars: OpenVinoNet) -> None:
    with pytest.raises(ValueError, match=r"instead of \[N, 1, 24, 24\]"):
        bars(np.zeros((1, 3, SIZE, SIZE), np.float32))


@pytest.mark.parametrize(("options", "message"), [({"threads": 0}, "one thread"), ({"precision": "f64"}, "'f64'")])
def test_impossible_settings(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        net(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ClassSet.of("abc")}, r"its output is \[4\] where the card says \[3\]"),
        ({"preprocess": CharacterPreprocess(size=32)}, r"its input is \[1, 24, 24\] where the card says \[1, 32, 32\]"),
    ],
)
def test_a_card_that_belongs_to_another_net(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        OpenVinoNet(parse_onnx(exported(**changes), "m"))


def test_a_net_with_two_outputs() -> None:
    model = onnx_model()
    model.graph.output.append(onnx.helper.make_tensor_value_info("flat", onnx.TensorProto.FLOAT, ["n", SIZE * SIZE]))
    with pytest.raises(ModelError, match="1 inputs and 2 outputs"):
        OpenVinoNet(parse_onnx(with_card(model.SerializeToString(), card()), "m"))


def test_an_operation_that_nobody_knows() -> None:
    model = onnx_model()
    model.graph.node[0].op_type = "Guess"
    with pytest.raises(ModelError, match="m cannot be run by OpenVINO"):
        OpenVinoNet(parse_onnx(with_card(model.SerializeToString(), card()), "m"))


def test_a_batch_that_is_fixed_in_name_only_is_freed(bars: OpenVinoNet) -> None:
    content = with_card(onnx_model(batch=2).SerializeToString(), card())
    given = inputs(9)
    assert np.array_equal(OpenVinoNet(parse_onnx(content, "m"), threads=1)(given), bars(given))


@pytest.mark.parametrize("count", [1, 5])
def test_a_fixed_batch_is_refused_with_a_sentence(count: int) -> None:
    model = onnx_model()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((2, 4), np.float32), "two"))
    model.graph.node[1].output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Add", ["before", "two"], ["logits"]))
    with pytest.raises(ModelError, match="export it again with a free batch size"):
        OpenVinoNet(parse_onnx(with_card(model.SerializeToString(), card()), "m"))(inputs(count))


@pytest.mark.skipif(sys.platform != "linux", reason="only there OpenVINO changes the stack of signals")
def test_ctrl_c_outlives_nets_that_went_in_the_order_in_which_they_came() -> None:
    script = """
import faulthandler, gc, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
faulthandler.enable()
import numpy as np
from typecase.stages.recognize import LineRecognizer
one, two = LineRecognizer(threads=1), LineRecognizer(threads=1)
for reader in (one, two):
    reader.read([np.random.default_rng(0).integers(0, 256, (32, 64), dtype=np.uint8)])
del reader, one
gc.collect()
del two
gc.collect()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("handled")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_what_is_set_while_nets_are_compiled_is_seen_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(variable, raising=False)
    guard = _OnePrimitive()
    with guard:
        with guard:
            assert os.environ[variable] == "1"
        # Another thread compiles still.
        assert os.environ[variable] == "1"
    assert variable not in os.environ
    monkeypatch.setenv(variable, "7")
    with guard:
        assert os.environ[variable] == "7"
    assert os.environ[variable] == "7"


def test_a_net_keeps_few_prepared_shapes(bars: OpenVinoNet, monkeypatch: pytest.MonkeyPatch) -> None:
    core, asked = bars._core, []

    class Core:
        def compile_model(self, model: Any, device: str, settings: dict[str, Any]) -> Any:
            asked.append((settings["CPU_RUNTIME_CACHE_CAPACITY"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]))
            return core.compile_model(model, device, settings)

    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    monkeypatch.setattr(bars, "_core", Core())
    assert bars._compiled_for("LATENCY") is not None
    assert asked == [(SHAPES_KEPT, "1")]

"""Weights with their facts in one safetensors file; the side of a model that training goes on from.

The format holds numbers and one text, so that loading never runs code. The text is the model's card
(`typecase.modelcard`): network, classes, preprocessing, data, figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from typecase.errors import MissingExtraError, ModelError, UsageError
from typecase.files import atomic_write
from typecase.modelcard import METADATA_KEY, ModelCard, parse_card

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save

    from typecase import nets
except ImportError as error:
    raise MissingExtraError("Loading weights to train or evaluate them", "train") from error

if TYPE_CHECKING:
    from torch import Tensor, nn


def save_model(state: Mapping[str, Tensor], card: ModelCard, path: Path, *, half: bool = False) -> None:
    """Writes weights and card to one file, whole or not at all.

    Args:
        state: Weights by name, as `module.state_dict()` gives them.
        card: The model's facts.
        path: The file, by custom ending in `.safetensors`.
        half: Store floating-point numbers in 16 bits where they fit: half the size, for shipping.

    Raises:
        OutputError: The file cannot be written.
    """
    write_tensors(state, {METADATA_KEY: card.to_json()}, path, half=half)


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """Builds the network that a file names and fills it with the file's weights.

    Returns:
        The network in evaluation mode, in float32, on the CPU; and its card.

    Raises:
        ModelError: The file is missing, damaged, no model of ours, or newer than this program.
    """
    state, metadata = read_tensors(path)
    if METADATA_KEY not in metadata:
        raise ModelError(f"{path} holds weights but not the facts of a typecase model; choose one that typecase saved.")
    card = parse_card(metadata[METADATA_KEY], str(path))
    try:
        # Without memory until the shapes are known to be those of the file, and without random numbers.
        with torch.device("meta"):
            module = nets.build(
                card.network_name,
                classes=len(card.classes),
                channels=card.preprocess.channels,
                size=card.input_size,
                options=card.network_options,
            )
    except UsageError as error:
        reason = str(error).rstrip(".").replace("; ", ", ")
        raise ModelError(
            f"{path} names a network that cannot be built here ({reason}); update typecase, or fetch the file again."
        ) from error
    wanted = module.state_dict()
    wrong = sorted(
        name
        for name in wanted.keys() | state.keys()
        if name not in wanted or name not in state or wanted[name].shape != state[name].shape
    )
    if wrong:
        raise ModelError(
            f"{path} does not fit its own network {card.network_name!r} ({', '.join(wrong[:3])}"
            f"{' and more' if len(wrong) > 3 else ''}); the file is damaged or was made by another program."
        )
    # Copied, for the tensors of the file may be a view of it, and somebody may write to it.
    copies = {name: tensor.to(wanted[name].dtype, copy=True) for name, tensor in state.items()}
    module.load_state_dict(copies, assign=True)
    return module.eval(), card


def load_matching(module: nn.Module, path: Path) -> list[str]:
    """Fills a network with those weights of a file that have its names and shapes; for fine-tuning.

    Returns:
        The names of the weights that stay fresh, such as those of a last layer with other classes.

    Raises:
        ModelError: The file cannot be read, or nothing in it fits.
    """
    state, _ = read_tensors(path)
    wanted = module.state_dict()
    fitting = {
        name: tensor.to(wanted[name].dtype)
        for name, tensor in state.items()
        if name in wanted and wanted[name].shape == tensor.shape
    }
    # The last layer alone would be no reason to start from these weights.
    if len(fitting) < len(wanted) // 2:
        raise ModelError(f"The weights in {path} do not fit this network; start from weights of the same network.")
    module.load_state_dict(fitting, strict=False)
    return sorted(wanted.keys() - fitting.keys())


def write_tensors(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path, *, half: bool = False
) -> None:
    """Writes named tensors and texts to a safetensors file, whole or not at all.

    Raises:
        OutputError: The file cannot be written; an older file of that name is as it was.
    """
    largest = torch.finfo(torch.float16).max
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().to("cpu")
        if half and plain.is_floating_point() and not bool((plain.abs() > largest).any()):
            plain = plain.half()
        # Two names may share their memory, which the format does not allow.
        stored[name] = plain.contiguous().clone()
    with atomic_write(path) as temporary:
        # Written by us and not by the library, whose own file would be readable to its owner alone.
        temporary.write_bytes(save(stored, metadata=dict(metadata)))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads all tensors and texts of a safetensors file.

    Raises:
        ModelError: The file is missing, damaged, or something else.
    """
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is damaged or no safetensors file; fetch it again ({error}).") from error


def _refuse_pickle(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError:
        raise ModelError(f"There is no model file {path}; check the path.") from None
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read ({error.strerror}); check the path.") from error
    if not start:
        raise ModelError(f"The model file {path} is empty; fetch or train it again.")
    # A zip archive is what torch.save writes since 1.6; 0x80 opens a bare pickle of protocol 2 and later.
    # A safetensors file opens with a length, whose bytes can be the same; its JSON follows at the ninth byte.
    pickled = start[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") and start[8:] != b"{"
    if start[:4] == b"PK\x03\x04" or pickled:
        raise ModelError(
            f"{path} holds a Python pickle, which can run code when it is loaded, so typecase never loads one; "
            "save the weights as safetensors instead."
        )

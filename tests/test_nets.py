"""The networks: their size, their shapes, what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from typecase import nets
from typecase.charset import LATIN_CHARACTERS
from typecase.errors import UsageError
from typecase.nets.charnet import CharNet, ResidualBlock, standardised
from typecase.nets.ocrnet import OcrNet


@pytest.mark.parametrize("facts", nets.NETWORKS.values(), ids=lambda facts: facts.name)
def test_the_stated_number_of_parameters_is_exact(facts: nets.NetworkFacts) -> None:
    classes = 1 if facts.task == "detector" else 62
    module = nets.build(facts.name, classes=classes, channels=facts.channels, size=facts.size)
    assert sum(parameter.numel() for parameter in module.parameters()) == facts.parameters


def test_charnet_has_at_most_two_million_parameters() -> None:
    assert nets.facts_of("charnet").parameters <= 2_000_000


def test_ocrnet_is_the_journeys_net() -> None:
    layers = list(OcrNet(classes=62).features)
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU, nn.Flatten]
    for layer, channels in ((layers[0], (3, 16)), (layers[2], (16, 32))):
        assert isinstance(layer, nn.Conv2d)
        assert (layer.in_channels, layer.out_channels) == channels
        assert (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))
    linear = OcrNet(classes=62).classifier
    assert (linear.in_features, linear.out_features) == (73_728, 62)


@pytest.mark.parametrize("name", [facts.name for facts in nets.NETWORKS.values() if facts.task == "classifier"])
@pytest.mark.parametrize(("classes", "channels", "size"), [(1, 1, 48), (62, 3, 48), (500, 1, 32), (7, 3, 16)])
def test_any_number_of_classes_channels_and_sizes(name: str, classes: int, channels: int, size: int) -> None:
    module = nets.build(name, classes=classes, channels=channels, size=size).eval()
    with torch.inference_mode():
        assert module(torch.randn(3, channels, size, size)).shape == (3, classes)


@pytest.mark.parametrize("mixer", ["attention", "recurrent"])
@pytest.mark.parametrize(("classes", "channels", "size", "width"), [(1, 1, 32, 32), (398, 3, 48, 96), (7, 1, 16, 320)])
def test_a_net_for_lines_gives_two_frames_for_every_four_pixels(
    mixer: str, classes: int, channels: int, size: int, width: int
) -> None:
    options = {"mixer": mixer, "widths": [8, 8, 8], "features": 32, "layers": 1}
    module = nets.build("linenet", classes=classes, channels=channels, size=size, options=options).eval()
    with torch.inference_mode():
        assert module(torch.randn(2, channels, size, width)).shape == (2, width // 2, classes + 1)


def test_a_net_for_lines_stays_within_its_size() -> None:
    module = nets.build("linenet", classes=len(LATIN_CHARACTERS), channels=1, size=32)
    assert sum(parameter.numel() for parameter in module.parameters()) <= 4_500_000


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 32, 32), (1, 64, 160), (3, 96, 32)])
def test_a_net_for_pages_gives_seven_maps_of_cells_of_four_pixels(channels: int, height: int, width: int) -> None:
    options = {"widths": [4, 8, 8, 12], "depths": [0, 1, 0, 1], "joined": [8, 4, 8, 8]}
    module = nets.build("pagenet", classes=1, channels=channels, size=32, options=options).eval()
    with torch.inference_mode():
        maps = module(torch.randn(2, channels, height, width))
    assert maps.shape == (2, 7, height // 4, width // 4)
    # A fresh net sees hardly any text.
    assert float(maps[:, :4].sigmoid().mean()) < 0.3


def test_a_net_for_another_task_is_refused() -> None:
    nets.check_task("linenet", "recognizer")
    with pytest.raises(UsageError, match="'linenet' is no classifier; choose charnet or ocrnet"):
        nets.check_task("linenet", "classifier")


def test_options_shape_the_net() -> None:
    plain = CharNet(classes=5, size=16, widths=(4, 8, 8), depths=(0, 0, 0))
    deep = nets.build("charnet", classes=5, channels=1, size=16, options={"widths": [4, 8, 8], "depths": [0, 0, 2]})
    blocks = [module for module in deep.modules() if isinstance(module, ResidualBlock)]
    added = sum(p.numel() for p in deep.parameters()) - sum(p.numel() for p in plain.parameters())
    assert len(blocks) == 2
    assert added == 2 * (2 * 8 * 8 * 9 + 2 * 2 * 8)


@pytest.mark.parametrize(
    ("name", "size", "options", "sentence"),
    [
        ("charnet", 48, {"width": 3}, "has no option 'width'; it has widths, depths, dropout"),
        ("charnet", 48, {"classes": 3}, "has no option 'classes'"),
        ("linenet", 32, {"mixer": "window"}, "mixer must be 'attention' or 'recurrent'"),
        ("linenet", 32, {"features": 36}, "features must be a whole number"),
        ("linenet", 32, {"frames": 5}, "frames must be a whole number from 1 to 4"),
        ("linenet", 20, {}, "the height of its lines must be a multiple of 8"),
        ("ocrnet", 48, {"dropout": 0.1}, "has no option 'dropout'; it has none"),
        ("charnet", 50, {}, "divisible by 8, not 50"),
        ("charnet", 48, {"widths": [8, 8]}, "widths must be three whole numbers from 1 to 4,096"),
        ("charnet", 48, {"widths": [8, 8.5, 8]}, "widths must be three whole numbers"),
        ("charnet", 48, {"widths": "abc"}, "widths must be three whole numbers"),
        ("charnet", 48, {"depths": [0, -1, 0]}, "depths must be three whole numbers from 0 to 100"),
        ("charnet", 48, {"depths": [0, 10**9, 0]}, "depths must be three whole numbers from 0 to 100"),
        ("charnet", 48, {"dropout": 1}, "dropout must be a number from 0 to below 1, not 1"),
        ("charnet", 48, {"dropout": "much"}, "dropout must be a number"),
        ("charnet", 48, {"shift": 12}, "shift must be a whole number from 0 to below 12, not 12"),
        ("charnet", 48, {"shift": 1.5}, "shift must be a whole number"),
        ("pagenet", 32, {}, "it finds one kind of thing"),
        ("resnet", 48, {}, "There is no network 'resnet'; there are: charnet, ocrnet"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, size: int, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        nets.build(name, classes=3, channels=1, size=size, options=options)


@pytest.mark.parametrize(
    ("size", "options", "sentence"),
    [
        (48, {}, "multiples of 32"),
        (32, {"widths": [8, 8, 8]}, "widths must be four whole numbers from 1 to 1,024"),
        (32, {"depths": [0, 0, 0, -1]}, "depths must be four whole numbers from 0 to 50"),
        (32, {"joined": [8, 8, 8, 8.5]}, "joined must be four whole numbers"),
        (32, {"features": 3}, "has no option 'features'; it has widths, depths, joined"),
    ],
)
def test_a_net_for_pages_that_does_not_fit_is_refused(size: int, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        nets.build("pagenet", classes=1, channels=1, size=size, options=options)


def test_each_picture_is_standardised_by_itself() -> None:
    pictures = torch.randn(4, 1, 8, 8) * torch.tensor([0.5, 1.0, 2.0, 9.0]).view(4, 1, 1, 1) + 3
    even = standardised(pictures)
    assert torch.allclose(even.mean(dim=(1, 2, 3)), torch.zeros(4), atol=1e-5)
    assert torch.allclose(even.std(dim=(1, 2, 3), correction=0), torch.ones(4), atol=0.01)
    assert torch.allclose(standardised(pictures[2:3]), even[2:3])


def test_faint_and_black_print_look_alike_and_a_blank_picture_stays_finite() -> None:
    module = CharNet(classes=3, size=16, widths=(4, 8, 8), depths=(1, 0, 1)).eval()
    black = torch.where(torch.rand(1, 1, 16, 16) < 0.3, -1.0, 1.0)
    blank = torch.ones(2, 1, 16, 16, requires_grad=True)
    with torch.no_grad():
        assert torch.allclose(module(black), module(black * 0.3 + 0.6), atol=0.05)
    logits = module(blank)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert blank.grad is not None
    assert torch.isfinite(blank.grad).all()
    assert torch.equal(standardised(torch.ones(1, 1, 8, 8)), torch.zeros(1, 1, 8, 8))


def test_a_picture_is_seen_from_nine_places_when_the_net_is_not_training() -> None:
    torch.manual_seed(4)
    options = {"widths": [8, 8, 8], "depths": [0, 0, 1], "dropout": 0.0}
    once = nets.build("charnet", classes=5, channels=1, size=16, options=options).eval()
    often = nets.build("charnet", classes=5, channels=1, size=16, options={**options, "shift": 2}).eval()
    often.load_state_dict(once.state_dict())
    pictures = torch.full((3, 1, 16, 16), 1.0)
    pictures[:, :, 5:9, 6:10] = torch.randn(3, 1, 4, 4)
    with torch.inference_mode():
        # The ink is far from the edges, so that what is moved is the same picture elsewhere.
        moved = [once(pictures.roll((down, right), (2, 3))) for down in (-2, 0, 2) for right in (-2, 0, 2)]
        assert torch.allclose(often(pictures), torch.stack(moved).mean(dim=0), atol=1e-5)
        assert not torch.allclose(often(pictures), once(pictures), atol=1e-3)
        assert torch.allclose(often.train()(pictures), once.train()(pictures), atol=1e-5)


def test_a_fresh_block_passes_its_input() -> None:
    features = torch.rand(2, 6, 5, 5)
    assert torch.equal(ResidualBlock(6).eval()(features), features)

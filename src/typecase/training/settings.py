"""What can be set for training a classifier: the one place that names a setting, its default and its range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from typecase.config import Meta, Settings
from typecase.preprocess import CharacterPreprocess, LinePreprocess

Share = Annotated[float, Meta(ge=0, le=1)]

CONFIG_NAME = "config.yaml"
"""Name of the file of effective settings in a training's folder."""


class SplitSettings(Settings):
    """How pictures are divided into training, validation and test part."""

    by: Annotated[
        Literal["random", "group", "journey"],
        Meta(description="Stratified at random, by typeface or writer, or as the founding journey did."),
    ] = "random"
    fractions: Annotated[
        tuple[Share, Share, Share], Meta(description="Shares of training, validation and test part.")
    ] = (0.7, 0.15, 0.15)
    seed: Annotated[int, Meta(ge=0, lt=2**32, description="Of the division.")] = 42


class DataSettings(Settings):
    """One source of pictures."""

    path: Annotated[Path, Meta(description="Archive or folder.")]
    kind: Annotated[str, Meta(description="What lies there (typecase data list), or auto.")] = "auto"
    split: Annotated[
        SplitSettings | None, Meta(description="How it is divided; nothing takes the settings' own split.")
    ] = None
    test_groups: Annotated[
        tuple[str, ...], Meta(description="Typefaces or writers that are the test part, by name.")
    ] = ()
    parts: Annotated[
        tuple[Literal["train", "validation", "test"], ...],
        Meta(min_length=1, description="Parts to train on; with `validation` among them nothing is left to judge by."),
    ] = ("train",)
    repeat: Annotated[float, Meta(gt=0, description="How often an epoch shows each picture; 0.1 shows a tenth.")] = 1.0
    augmentation: Annotated[
        Literal["settings", "light", "none"],
        Meta(description="How its pictures are varied: as set, hardly (for clean print), or not at all."),
    ] = "settings"
    validate: Annotated[bool, Meta(description="Whether its validation part counts.")] = True
    options: Annotated[dict[str, Any], Meta(description="Further arguments of the data set.")] = {}


class NetworkSettings(Settings):
    """Which net."""

    name: Annotated[str, Meta(description="A network of `typecase models`.")] = "charnet"
    options: Annotated[dict[str, Any], Meta(description="The network's own options, such as widths.")] = {}


class PreprocessSettings(Settings):
    """How a picture becomes the net's input; see `typecase.preprocess`."""

    size: Annotated[int, Meta(ge=8, le=256, description="Side of the canvas in pixels.")] = 48
    channels: Annotated[Literal[1, 3], Meta(description="1 for grey, 3 for RGB.")] = 1
    fit: Annotated[Literal["pad", "stretch"], Meta(description="Pad to a square, or stretch.")] = "pad"
    polarity: Annotated[
        Literal["dark-on-light", "keep"], Meta(description="Whether light characters are turned dark.")
    ] = "dark-on-light"

    def to_preprocess(self) -> CharacterPreprocess:
        """The function with these settings."""
        return CharacterPreprocess(size=self.size, channels=self.channels, fit=self.fit, polarity=self.polarity)


class OptimizerSettings(Settings):
    """How weights move."""

    name: Annotated[Literal["sgd", "adamw"], Meta(description="The optimiser.")] = "adamw"
    learning_rate: Annotated[float, Meta(gt=0, description="Largest step size.")] = 0.002
    momentum: Annotated[float, Meta(ge=0, lt=1, description="Of sgd alone.")] = 0.9
    weight_decay: Annotated[float, Meta(ge=0, description="Of weight matrices; never of biases and norms.")] = 0.05
    gradient_clip: Annotated[float, Meta(ge=0, description="Largest norm of the gradient; 0 is no limit.")] = 5.0


class ScheduleSettings(Settings):
    """How the step size changes."""

    name: Annotated[
        Literal["constant", "cosine", "one-cycle"], Meta(description="The shape of the step size over time.")
    ] = "one-cycle"
    warm_up: Annotated[float, Meta(ge=0, lt=1, description="Share of the steps in which it rises.")] = 0.15
    last: Annotated[float, Meta(ge=0, le=1, description="Step size at the end over the largest.")] = 0.005


class LossSettings(Settings):
    """What is made small."""

    label_smoothing: Annotated[float, Meta(ge=0, lt=1, description="Share of the target spread over all classes.")] = (
        0.05
    )
    class_weights: Annotated[
        Literal["none", "balanced"], Meta(description="balanced gives every class the same say.")
    ] = "none"


class AugmentationSettings(Settings):
    """How pictures are varied while training; every value is a largest change or a probability."""

    rotation: Annotated[float, Meta(ge=0, le=180, description="Degrees either way.")] = 8.0
    shear: Annotated[float, Meta(ge=0, le=1, description="Tangent of the slant either way.")] = 0.15
    scale: Annotated[float, Meta(ge=0, lt=1, description="Relative change of each side's length.")] = 0.12
    shift: Annotated[float, Meta(ge=0, le=0.5, description="Share of the canvas either way.")] = 0.06
    warp: Annotated[float, Meta(ge=0, le=0.2, description="Smooth local displacement, as a share of the canvas.")] = (
        0.02
    )
    blur: Annotated[Share, Meta(description="Probability of a Gaussian blur of 0.3 to 1.2 pixels.")] = 0.15
    noise: Annotated[float, Meta(ge=0, le=0.5, description="Largest deviation of Gaussian noise, white being 1.")] = (
        0.06
    )
    contrast: Annotated[float, Meta(ge=0, lt=1, description="Largest loss of contrast.")] = 0.5
    inversion: Annotated[Share, Meta(description="Probability of light on dark.")] = 0.03
    flip_left_right: Annotated[
        Share, Meta(description="Probability of a mirror image; harms letters, kept for the founding journey.")
    ] = 0.0
    flip_in_testing: Annotated[
        bool, Meta(description="Mirror pictures in validation and test too, as the founding journey did.")
    ] = False


LIGHT_AUGMENTATION = AugmentationSettings(
    rotation=2.0, shear=0.03, scale=0.03, shift=0.02, warp=0.01, blur=0.0, noise=0.0, contrast=0.0, inversion=0.0
)
"""For clean print, where the weight of a stroke is all that tells c from C and stronger variations would hide it."""


class LoopSettings(Settings):
    """How long, how fast, and on what."""

    epochs: Annotated[int, Meta(ge=1, description="Passes over the training part.")] = 20
    batch_size: Annotated[int, Meta(ge=1, description="Pictures a step, over all devices.")] = 256
    seed: Annotated[int, Meta(ge=0, lt=2**31, description="Of weights, order and augmentation.")] = 42
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Meta(description="auto takes bfloat16 where the processor computes in it."),
    ] = "auto"
    accelerator: Annotated[Literal["auto", "cpu", "cuda", "mps"], Meta(description="What to compute on.")] = "auto"
    devices: Annotated[int, Meta(ge=1, description="Devices, or processes on a CPU.")] = 1
    nodes: Annotated[int, Meta(ge=1, description="Machines.")] = 1
    threads: Annotated[int, Meta(ge=0, description="Threads a process on a CPU; 0 is one for each core.")] = 0
    patience: Annotated[
        int, Meta(ge=0, description="Stop after so many epochs without a better validation; 0 never stops.")
    ] = 0
    keep: Annotated[
        Literal["best", "last"], Meta(description="Which epoch's weights become the model, judged on validation.")
    ] = "best"
    average_decay: Annotated[
        float, Meta(ge=0, lt=1, description="Decay of the running average of the weights; 0 takes them as they are.")
    ] = 0.998


class LineLoopSettings(LoopSettings):
    """The same for a recogniser, which may be validated and calibrated without learning anything."""

    epochs: Annotated[int, Meta(ge=0, description="How many epochs; 0 only validates and calibrates.")] = 20


class TrainClassifierSettings(Settings):
    """Everything that decides what `typecase train classifier` makes."""

    data: Annotated[dict[str, DataSettings], Meta(description="Sources of pictures, each under a name.")] = {}
    classes: Annotated[tuple[str, ...], Meta(description="Class names in order; empty takes them from the data.")] = ()
    start_from: Annotated[Path | None, Meta(description="Weights to go on from; the last layer may change.")] = None
    max_bad: Annotated[Share, Meta(description="Share of pictures that may be unreadable.")] = 0.01
    licence: Annotated[str, Meta(description="Licence of the weights, for their card.")] = ""
    split: SplitSettings = SplitSettings()
    network: NetworkSettings = NetworkSettings()
    preprocess: PreprocessSettings = PreprocessSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    loss: LossSettings = LossSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    loop: LoopSettings = LoopSettings()


class LineDataSettings(Settings):
    """One source of lines."""

    path: Annotated[Path, Meta(description="List, folder, or archive of fonts.")]
    kind: Annotated[
        Literal["auto", "lines", "sroie", "drawn"],
        Meta(description="A labels.jsonl, the receipts of SROIE, or lines drawn while training."),
    ] = "auto"
    weight: Annotated[float, Meta(gt=0, description="Its say: an epoch's lines are shared out by the weights.")] = 1.0
    folded: Annotated[bool, Meta(description="Whether its truth is upper case only, so that it teaches no case.")] = (
        False
    )
    validation: Annotated[Share, Meta(description="Share kept apart to validate with; of drawn lines it is 600.")] = 0.1
    texts: Annotated[Path | None, Meta(description="For drawn lines: files of sentences.")] = None
    domains: Annotated[
        dict[str, float], Meta(description="For drawn lines: the weight of each domain; empty takes the usual mix.")
    ] = {}
    repeat: Annotated[int, Meta(ge=1, description="For drawn lines: epochs that show the same ones.")] = 1
    margins: Annotated[
        tuple[float, ...], Meta(min_length=1, description="For sroie: margins around a line, in heights, all used.")
    ] = (0.0,)


class LinePreprocessSettings(Settings):
    """How a line becomes the net's input; see `typecase.preprocess`."""

    height: Annotated[int, Meta(ge=16, le=128, multiple_of=16, description="Of the canvas in pixels.")] = 32
    polarity: Annotated[Literal["dark-on-light", "keep"], Meta(description="Whether light text is turned dark.")] = (
        "dark-on-light"
    )
    contrast: Annotated[
        int, Meta(ge=1, le=255, description="The least difference of ink and paper that is stretched in full.")
    ] = 48
    widest: Annotated[int, Meta(ge=512, le=1 << 16, description="Width in pixels above which a line is cut.")] = 2048

    def to_preprocess(self) -> LinePreprocess:
        """The function with these settings."""
        return LinePreprocess(self.height, self.polarity, self.contrast, self.widest)


class LineAugmentationSettings(Settings):
    """How lines are varied while training; every value is a largest change or a probability."""

    stretch: Annotated[float, Meta(ge=0, le=0.5, description="Relative change of the width.")] = 0.15
    scale: Annotated[float, Meta(ge=0, le=0.5, description="Relative change of the height.")] = 0.08
    shift: Annotated[float, Meta(ge=0, le=0.5, description="Shift up or down, as a share of the height.")] = 0.05
    shear: Annotated[float, Meta(ge=0, le=1, description="Tangent of the slant either way.")] = 0.08
    tone: Annotated[Share, Meta(description="Probability of other contrast and gamma.")] = 0.3
    blur: Annotated[Share, Meta(description="Probability of a blur, or of a lost and regained resolution.")] = 0.15
    noise: Annotated[Share, Meta(description="Probability of noise.")] = 0.15


class TrainRecognizerSettings(Settings):
    """Everything that decides what `typecase train recognizer` makes."""

    data: Annotated[dict[str, LineDataSettings], Meta(description="Sources of lines, each under a name.")] = {}
    characters: Annotated[str, Meta(description="What it can read; empty is the Latin set, 398 characters.")] = ""
    start_from: Annotated[Path | None, Meta(description="Weights to go on from; the last layer may change.")] = None
    max_bad: Annotated[Share, Meta(description="Share of lines that may be unusable.")] = 0.05
    epoch_lines: Annotated[int, Meta(ge=1, description="Lines of an epoch, over all sources.")] = 20_000
    longest: Annotated[int, Meta(ge=32, description="Widest line to train on, in pixels of the canvas.")] = 1024
    hopeless: Annotated[
        float,
        Meta(ge=0, description="Loss a character above which a line is taken for illegible; 0 takes none for it."),
    ] = 0.0
    drawing: Annotated[int, Meta(ge=0, description="Processes that draw lines; 0 is one for every two cores.")] = 0
    licence: Annotated[str, Meta(description="Licence of the weights, for their card.")] = ""
    network: NetworkSettings = NetworkSettings(name="linenet")
    preprocess: LinePreprocessSettings = LinePreprocessSettings()
    optimizer: OptimizerSettings = OptimizerSettings(learning_rate=0.0015, weight_decay=0.02)
    schedule: ScheduleSettings = ScheduleSettings(warm_up=0.05)
    augmentation: LineAugmentationSettings = LineAugmentationSettings()
    loop: LineLoopSettings = LineLoopSettings(batch_size=32, keep="last", average_decay=0.9985)


class PageDataSettings(Settings):
    """One source of pages."""

    path: Annotated[Path, Meta(description="Folder of receipts, or folder or archive of fonts.")]
    kind: Annotated[
        Literal["auto", "sroie", "drawn"], Meta(description="The receipts of SROIE, or pages drawn while training.")
    ] = "auto"
    weight: Annotated[float, Meta(gt=0, description="Its say: pages are taken from the sources by their weights.")] = (
        1.0
    )
    texts: Annotated[Path | None, Meta(description="For drawn pages: files of sentences.")] = None
    layouts: Annotated[
        dict[str, float], Meta(description="For drawn pages: the weight of each layout; empty takes the usual mix.")
    ] = {}
    validate_with: Annotated[bool, Meta(description="Whether some of its pages are kept apart to validate with.")] = (
        True
    )


class PageAugmentationSettings(Settings):
    """How windows of pages are varied while training."""

    heights: Annotated[
        tuple[float, float], Meta(description="Least and largest height of a page's usual line, in pixels of the net.")
    ] = (7.0, 36.0)
    skew: Annotated[float, Meta(ge=0, le=45, description="Degrees either way, seldom more.")] = 4.0
    quarter_turn: Annotated[Share, Meta(description="Probability of a page on its side.")] = 0.16
    half_turn: Annotated[Share, Meta(description="Probability of a page upside down.")] = 0.08
    tone: Annotated[Share, Meta(description="Probability of other contrast and gamma.")] = 0.4
    blur: Annotated[Share, Meta(description="Probability of a blur.")] = 0.2
    noise: Annotated[Share, Meta(description="Probability of noise.")] = 0.2
    inversion: Annotated[Share, Meta(description="Probability of light on dark.")] = 0.08


class TrainDetectorSettings(Settings):
    """Everything that decides what `typecase train detector` makes."""

    data: Annotated[dict[str, PageDataSettings], Meta(description="Sources of pages, each under a name.")] = {}
    start_from: Annotated[Path | None, Meta(description="Weights to go on from.")] = None
    window: Annotated[
        int, Meta(ge=64, le=2048, multiple_of=32, description="Side of the windows that are trained on, in pixels.")
    ] = 512
    epoch_windows: Annotated[int, Meta(ge=1, description="Windows of an epoch, over all sources.")] = 2_400
    drawing: Annotated[int, Meta(ge=0, description="Processes that draw and cut; 0 is one for every two cores.")] = 0
    licence: Annotated[str, Meta(description="Licence of the weights, for their card.")] = ""
    network: NetworkSettings = NetworkSettings(name="pagenet")
    optimizer: OptimizerSettings = OptimizerSettings(learning_rate=0.002, weight_decay=0.02)
    schedule: ScheduleSettings = ScheduleSettings(warm_up=0.05)
    augmentation: PageAugmentationSettings = PageAugmentationSettings()
    loop: LoopSettings = LoopSettings(batch_size=8, keep="last", average_decay=0.998)

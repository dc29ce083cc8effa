"""`typecase models`: the networks that can be trained, and the weights that come with the program."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from typecase.cli import output
from typecase.files import sha256_of
from typecase.nets import NETWORKS, NetworkFacts

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(
    epilog="[bold]Examples[/bold]\n\n  typecase models\n\n  typecase models --json | jq '.weights[].sha256'",
)
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """List the networks that can be trained, and the shipped weights with what was measured on them."""
    networks = [_network(facts) for facts in NETWORKS.values()]
    with resources.as_file(resources.files("typecase") / "weights") as folder:
        weights = [_weights(path) for path in sorted(folder.glob("*.onnx"))]
    if as_json:
        output.print_json({"networks": networks, "weights": weights})
        return
    console = output.results()
    console.print(_network_table(networks))
    console.print()
    if weights:
        console.print(_weights_table(weights))
    else:
        console.print("No weights are shipped with this copy; train some: typecase train classifier --help")


def _network(facts: NetworkFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "task": facts.task,
        "summary": facts.summary,
        "parameters": facts.parameters,
        "input": {"channels": facts.channels, "size": facts.size},
    }


def _weights(path: Path) -> dict[str, Any]:
    # The card's own module brings numpy, which the help of this verb can do without.
    from typecase.runtime.onnx_file import read_onnx

    card = read_onnx(path).card
    return {
        "name": path.stem,
        "task": card.task,
        "network": card.network_name,
        "classes": list(card.classes.names),
        "input": {"channels": card.preprocess.channels, "size": card.input_size},
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "created": card.created,
        "typecase": card.version,
        "licence": card.licence,
        "data": [dict(one) for one in card.data],
        "figures": dict(card.figures),
    }


def _table(title: str, columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("parameters", "classes", "size") else "left")
    return table


def _network_table(networks: list[dict[str, Any]]) -> Table:
    table = _table("Networks", ["name", "task", "parameters", "input", "what it is"])
    for one in networks:
        table.add_row(one["name"], one["task"], f"{one['parameters']:,}", _input(one), one["summary"])
    return table


def _weights_table(weights: list[dict[str, Any]]) -> Table:
    table = _table("Shipped weights", ["name", "task", "network", "classes", "input", "size", "sha256", "figures"])
    for one in weights:
        figures = "\n".join(_figure(key, value) for key, value in one["figures"].items())
        table.add_row(
            one["name"],
            one["task"],
            one["network"],
            str(len(one["classes"])),
            _input(one),
            f"{one['bytes'] / 1e6:.1f} MB",
            one["sha256"][:12],
            figures,
        )
    return table


def _input(one: dict[str, Any]) -> str:
    shape = one["input"]
    # A line is as wide as it is, and a page has any sides; its `size` is what these are filled up to multiples of.
    width = shape["size"] if one["task"] == "classifier" else "any"
    height = "any" if one["task"] == "detector" else shape["size"]
    return f"{width} x {height} {'grey' if shape['channels'] == 1 else 'RGB'}"


def _figure(key: str, value: object) -> str:
    if isinstance(value, dict):
        return f"{key}: " + ", ".join(_figure(inner, one) for inner, one in value.items())
    return f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}"

"""The page in a headless Chromium, and a receipt to show it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import BrowserContext, Dialog, Error, Page, Playwright, sync_playwright

from serve_fixtures import REPOSITORY

SCREENSHOTS = REPOSITORY / "build" / "screenshots"
"""Where the tests leave pictures of the page, for a look."""

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

RECEIPT_LINES = (
    "CORNER BAKERY",
    "12 Market Street, Leeds",
    "",
    "2 Coffee            7.80",
    "1 Almond cake       3.25",
    "1 Orange juice      4.10",
    "",
    "Subtotal           15.15",
    "TOTAL              18.18",
    "",
    "27 Nov 2026        09:41",
    "Thank you for your visit",
)


@dataclass(frozen=True)
class DrawnWord:
    """A word of the receipt and where it is drawn: left, top, right, bottom."""

    text: str
    box: tuple[float, float, float, float]


def draw_receipt(path: Path) -> list[DrawnWord]:
    """Draws the receipt, and tells its words."""
    font = ImageFont.truetype(_font(), 26)
    image = Image.new("L", (480, 60 + 50 * len(RECEIPT_LINES)), 250)
    draw = ImageDraw.Draw(image)
    words = []
    for number, line in enumerate(RECEIPT_LINES):
        y = 36 + 50 * number
        draw.text((40, y), line, font=font, fill=20)
        place = 0
        for text in line.split():
            place = line.index(text, place)
            left = 40 + draw.textlength(line[:place], font=font)
            words.append(DrawnWord(text, draw.textbbox((left, y), text, font=font)))
            place += len(text)
    image.save(path)
    return words


def _font() -> str:
    found = [
        *Path("/usr/share/fonts").rglob("DejaVuSansMono.ttf"),
        *Path("/usr/share/fonts").rglob("LiberationMono-Regular.ttf"),
    ]
    if not found:
        pytest.skip("there is no monospaced typeface; install fonts-dejavu-core")
    return str(found[0])


@contextmanager
def chromium() -> Iterator[Playwright]:
    """Playwright, where Chromium is."""
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium; install Debian's package chromium")
    with sync_playwright() as playwright:
        yield playwright


@contextmanager
def window(playwright: Playwright, url: str, **settings: Any) -> Iterator[Page]:
    """A window with the page in it; it fails if a script fails, or anything but the service is asked."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        context: BrowserContext = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=shutil.which("chromium"),
            args=_FLAGS,
            headless=True,
            accept_downloads=True,
            **settings,
        )
        failures: list[str] = []
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: failures.append(f"script: {error}"))
        page.on("console", lambda said: failures.append(f"console: {said.text}") if _is_failure(said) else None)
        page.on(
            "request", lambda asked: failures.append(f"asked {asked.url}") if not _is_ours(asked.url, url) else None
        )

        def refuse(dialog: Dialog) -> None:
            failures.append("a script ran")
            dialog.dismiss()

        page.on("dialog", refuse)
        try:
            page.goto(url)
            page.wait_for_selector("html[data-ready]")
            yield page
        finally:
            try:
                context.close()
            except Error:
                failures.append("the browser died")
        assert not failures, failures


def _is_failure(said: Any) -> bool:
    # The browser notes every answer that is not a success, which tests of refusals bring about.
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text


def _is_ours(address: str, url: str) -> bool:
    return address.startswith((url, "blob:", "data:"))


def keep(page: Page, name: str) -> None:
    """Keeps a picture of the page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")

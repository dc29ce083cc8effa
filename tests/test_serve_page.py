"""The page as people use it, in a real browser against a real service."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import FilePayload, FloatRect, Locator, Page, Playwright, expect

from page_fixtures import DrawnWord, chromium, draw_receipt, keep, window
from serve_fixtures import GERMAN, GERMAN_TEXT, RECEIPT, RECEIPT_TEXT, Service, pages_of_lines, running
from typecase.datasets.lines import LineList
from typecase.serve.keys import add_key

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
expect.set_options(timeout=60_000)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("jobs")) as service:
        yield service


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with chromium() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def desktop(playwright: Playwright, service: Service) -> Iterator[Page]:
    """One window for several tests, which costs less than one for each."""
    with window(playwright, service.url, **DESKTOP) as page:
        yield page


@pytest.fixture
def page(desktop: Page) -> Iterator[Page]:
    """That window as if it were new."""
    yield desktop
    desktop.evaluate("sessionStorage.clear(); localStorage.clear()")
    desktop.emulate_media(color_scheme="light")
    desktop.goto(desktop.url.partition("#")[0])
    desktop.wait_for_selector("html[data-ready]")


def bring(page: Page, *files: Path | FilePayload, mode: str = "line") -> None:
    """Chooses files, and waits until their words are there."""
    page.select_option("#option-mode", mode, force=True)
    page.set_input_files("#choose", list(files))  # type: ignore[arg-type]
    page.wait_for_selector("#text .word")
    page.wait_for_selector("#progress", state="hidden")


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None
    return box


def in_memory(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def text_of(page: Page) -> str:
    return page.locator("#text").inner_text().strip()


def check_accessibility(page: Page) -> None:
    """WCAG 2.2 A and AA, as far as a program can tell."""
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    results = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response
    found = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in results["violations"]]
    assert not found, found


def overlap(box: dict[str, float], word: DrawnWord, scale: float, origin: tuple[float, float]) -> float:
    """How much of the smaller of a shown box and a drawn word the two share."""
    left, top, right, bottom = (value * scale for value in word.box)
    x, y = box["x"] - origin[0], box["y"] - origin[1]
    width = min(right, x + box["width"]) - max(left, x)
    height = min(bottom, y + box["height"]) - max(top, y)
    smaller = min((right - left) * (bottom - top), box["width"] * box["height"])
    return max(0.0, width) * max(0.0, height) / smaller


def test_a_receipt_is_read_and_its_boxes_lie_where_its_words_are(page: Page, tmp_path: Path) -> None:
    words = draw_receipt(tmp_path / "bakery.png")
    bring(page, tmp_path / "bakery.png", mode="page")
    keep(page, "receipt-desktop")
    check_accessibility(page)
    shown = text_of(page).split()
    found = [word for word in words if word.text in shown]
    assert len(found) >= 0.7 * len(words), shown
    sheet = box_of(page.locator("#frame"))
    scale = sheet["width"] / 480
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("#overlay .word")].map((one) => {
            const {x, y, width, height} = one.getBoundingClientRect();
            return {text: one.textContent, box: {x, y, width, height}};
        })"""
    )
    lie = [
        max(overlap(one["box"], word, scale, (sheet["x"], sheet["y"])) for one in boxes if one["text"] == word.text)
        > 0.6
        for word in found
    ]
    assert sum(lie) >= 0.9 * len(lie)
    page.emulate_media(color_scheme="dark")
    keep(page, "receipt-dark")
    check_accessibility(page)


def test_words_tell_how_sure_they_are_and_are_linked_both_ways(page: Page) -> None:
    bring(page, RECEIPT)
    assert text_of(page) == RECEIPT_TEXT
    page.locator("#overlay .word").nth(1).hover()
    assert "total:" in page.locator("#hint").inner_text()
    assert "% sure" in page.locator("#hint").inner_text()
    assert page.locator("#text .near").inner_text() == "total:"
    page.locator("#text .word").nth(3).hover()
    assert page.locator("#overlay .near").inner_text() == "1,284.50"
    keep(page, "hint")
    page.mouse.move(5, 5)
    assert page.locator("#hint").is_hidden()


def test_text_is_selected_on_the_picture_and_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bring(page, RECEIPT)
    page.evaluate(
        """() => {
            const words = document.querySelectorAll("#overlay .word > span");
            getSelection().setBaseAndExtent(words[0].firstChild, 0, words[2].firstChild, 1);
        }"""
    )
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == "Grand total: €"
    page.evaluate("getSelection().removeAllRanges()")
    page.click("#copy")
    expect(page.locator("#status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == RECEIPT_TEXT
    # As a hand would do it: dragged over two words.
    first, second = (box_of(page.locator("#overlay .word").nth(place)) for place in (0, 1))
    page.mouse.move(first["x"] + 2, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(second["x"] + second["width"] - 2, second["y"] + second["height"] / 2, steps=8)
    page.mouse.up()
    assert page.locator("#card").is_hidden()
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()").startswith("Grand total")


def test_a_word_is_corrected_downloaded_and_trained_on(page: Page, tmp_path: Path) -> None:
    bring(page, in_memory("bill.tif", pages_of_lines(RECEIPT, GERMAN)))
    page.locator("#overlay .word").nth(1).click()
    keep(page, "card")
    check_accessibility(page)
    page.fill("#card-text", "<b>sum</b>:")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card", state="hidden")
    corrected = RECEIPT_TEXT.replace("total:", "<b>sum</b>:")
    assert text_of(page) == corrected
    assert page.locator("#text b, #overlay b").count() == 0
    assert page.evaluate("document.activeElement.textContent") == "<b>sum</b>:"

    assert fetched(page, "Text", tmp_path).read_text("utf-8") == f"{corrected}\n\f\n{GERMAN_TEXT}\n"
    document = json.loads(fetched(page, "JSON", tmp_path).read_text("utf-8"))
    assert document["pages"][0]["blocks"][0]["text"] == corrected
    pdf = fetched(page, "Searchable PDF", tmp_path)
    assert pdf.name == "bill.pdf"
    with pypdfium2.PdfDocument(pdf) as opened:
        texts = [opened[number].get_textpage().get_text_range() for number in range(len(opened))]
    assert [" ".join(text.split()) for text in texts] == [corrected, GERMAN_TEXT]
    page.click("#downloads summary")
    page.locator("#formats button", has_text="CSV").click()
    expect(page.locator("#problems")).to_have_text("This document has nothing of that kind.")
    with zipfile.ZipFile(io.BytesIO(fetched(page, "Corrections", tmp_path).read_bytes())) as archive:
        archive.extractall(tmp_path / "training")
    assert [sample.text for sample in LineList(tmp_path / "training")] == [corrected]

    # Loading the page anew loses nothing.
    page.reload()
    page.wait_for_selector("#text .word")
    assert text_of(page) == corrected
    assert [one.strip() for one in page.locator("#thumbnails button").all_inner_texts()] == ["1", "2"]
    page.locator("#thumbnails button").nth(1).click()
    expect(page.locator("#text")).to_have_text(GERMAN_TEXT)
    assert page.locator("#thumbnails [aria-current]").inner_text().strip() == "2"


def fetched(page: Page, label: str, folder: Path) -> Path:
    page.click("#downloads summary")
    with page.expect_download() as download:
        page.locator("#formats button", has_text=label).first.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_it_is_used_without_a_mouse(page: Page) -> None:
    bring(page, RECEIPT)
    page.locator("#text .word").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "total:"
    assert page.locator("#overlay .near").inner_text() == "total:"
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert page.locator("#card-text").input_value() == "1,284.50"
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "1,284.50"
    # A part of the page, by keys: a frame around the last word.
    page.locator("#region").focus()
    page.keyboard.press("Enter")
    for keys, times in (("ArrowUp", 3), ("ArrowRight", 30), ("Shift+ArrowDown", 6), ("Shift+ArrowLeft", 10)):
        for _ in range(times):
            page.keyboard.press(keys)
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    keep(page, "frame")
    frame, sheet = box_of(page.locator("#selection")), box_of(page.locator("#frame"))
    assert frame["x"] + frame["width"] == pytest.approx(sheet["x"] + sheet["width"], abs=1)
    page.keyboard.press("Enter")
    assert page.locator("#selection").is_hidden()
    expect(page.locator("#part-text")).to_have_text(re.compile(r"1,284\.50"))
    page.locator("#region").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("#selection").is_hidden()


def test_a_part_is_read_by_itself_however_the_page_is_turned(page: Page) -> None:
    bring(page, RECEIPT)
    for turns in range(2):
        page.locator("#overlay .word").nth(3).scroll_into_view_if_needed()
        box = box_of(page.locator("#overlay .word").nth(3))
        page.click("#region")
        page.mouse.move(box["x"] - 6, box["y"] - 3)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] + 6, box["y"] + box["height"] + 3, steps=5)
        page.mouse.up()
        page.wait_for_selector("#part:not([hidden])")
        assert "1,284.5" in page.locator("#part-text").inner_text()
        page.click("#part-close")
        if not turns:
            page.click("#rotate")
    keep(page, "turned")


def test_it_zooms_and_hides_the_marks(page: Page) -> None:
    bring(page, RECEIPT)
    before = box_of(page.locator("#frame"))["width"]
    page.click("#zoom-in")
    assert box_of(page.locator("#frame"))["width"] == pytest.approx(1.25 * before, rel=0.01)
    page.click("#fit")
    assert box_of(page.locator("#frame"))["width"] == pytest.approx(before, rel=0.01)
    page.click("#marks")
    assert page.get_attribute("#marks", "aria-pressed") == "false"
    assert "bare" in (page.get_attribute("#overlay", "class") or "")


def test_a_file_that_is_refused_says_why(page: Page) -> None:
    page.set_input_files("#choose", [in_memory("<img src=x onerror=alert(1)>.png", b"no picture")])
    page.wait_for_selector("#problems .notice")
    said = page.locator("#problems").inner_text()
    assert "is not a picture of a kind that is read" in said
    assert "<img src=x onerror=alert(1)>" in said
    assert page.locator("#problems img").count() == 0
    assert page.locator("#workbench").is_hidden()
    keep(page, "refused")
    check_accessibility(page)


def test_scripts_in_names_and_texts_never_run(page: Page, service: Service) -> None:
    job = service.client.post("/v1/jobs?mode=line", files={"file": ("x.png", RECEIPT.read_bytes())}).json()["id"]
    service.wait_for_job(job)
    evil = "<script>alert(1)</script><img/src=x/onerror=alert(2)>javascript:alert(3)"
    body = {"corrections": [{"block": 0, "line": 0, "word": 0, "was": "Grand", "text": evil}]}
    service.client.patch(f"/v1/jobs/{job}/pages/1", json=body).raise_for_status()
    page.evaluate("job => sessionStorage.setItem('typecase-jobs', JSON.stringify([job]))", job)
    page.reload()
    page.wait_for_selector("#text .word")
    assert text_of(page).startswith(evil)
    assert page.locator("#text script, #text img, #overlay script, #overlay img").count() == 0
    page.locator("#overlay .word").first.hover()
    page.locator("#overlay .word").first.click()
    assert page.locator("#card-text").input_value() == evil
    # Opened by itself, what was read is no page of ours either.
    for form in ("hocr", "md", "text"):
        answer = service.client.get(f"/v1/jobs/{job}/result?format={form}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_drawn_letter_is_recognised_while_it_is_drawn(page: Page) -> None:
    page.click("#show-draw")
    draw(page, [(0.33, 0.2), (0.33, 0.8)], [(0.33, 0.8), (0.7, 0.8)])
    page.wait_for_selector("#guesses li")
    expect(page.locator(".guess-label").first).to_have_text("L")
    assert page.locator("#guesses li").count() == 5
    keep(page, "drawing")
    check_accessibility(page)
    page.click("#undo")
    expect(page.locator(".guess-label").first).to_have_text(re.compile("[Il1]"))
    page.click("#clear")
    page.wait_for_selector("#guesses li", state="detached")
    assert page.locator("#no-guess").is_visible()


def draw(page: Page, *strokes: list[tuple[float, float]]) -> None:
    pad = box_of(page.locator("#pad"))
    for stroke in strokes:
        places = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=10)
        page.mouse.up()


def test_files_are_dropped_and_pasted(page: Page) -> None:
    for event, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """async ([event, field, name, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
                const kind = event === "drop" ? DragEvent : ClipboardEvent;
                dispatchEvent(new kind(event, {[field]: data, bubbles: true, cancelable: true}));
            }""",
            [event, field, f"{event}.png", list(RECEIPT.read_bytes())],
        )
        page.wait_for_selector("#text .word")
        page.wait_for_selector("#progress", state="hidden")
        page.click("#close")
        page.wait_for_selector("#workbench", state="hidden")


def test_light_and_dark_are_chosen(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.click("#theme")
    assert page.evaluate(colour) != light
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate(colour) != light
    page.click("#theme")
    assert page.evaluate(colour) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) == light


def test_it_fits_a_phone(playwright: Playwright, service: Service) -> None:
    with window(playwright, service.url, **PHONE) as page:
        keep(page, "empty-phone")
        check_accessibility(page)
        bring(page, RECEIPT)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("#overlay .word").nth(1).tap()
        assert page.locator("#card-text").input_value() == "total:"
        card = box_of(page.locator("#card"))
        assert (card["x"], card["width"]) == (0, 390)
        keep(page, "card-phone")
        check_accessibility(page)
        page.locator("#card-close").tap()
        keep(page, "read-phone")
        # Whatever a finger is to hit is large enough for it (WCAG 2.5.8).
        sizes = page.evaluate(
            """() => [...document.querySelectorAll("button, .button, summary, select, input:not([type=file])")]
                .filter((one) => one.checkVisibility())
                .map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
                .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([name]) => name)"""
        )
        assert sizes == []
        page.locator("#show-draw").tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        keep(page, "drawing-phone")


def test_a_key_is_asked_for_where_one_is_needed(playwright: Playwright, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.txt", "alice")
    arguments = ("--workers", "1", "--keys", str(tmp_path / "keys.txt"))
    with running(tmp_path / "jobs", *arguments) as service, window(playwright, service.url, **DESKTOP) as page:
        page.select_option("#option-mode", "line", force=True)
        page.set_input_files("#choose", RECEIPT)
        page.wait_for_selector("#key-dialog[open]")
        keep(page, "key")
        check_accessibility(page)
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.wait_for_selector("#text .word")
        assert text_of(page) == RECEIPT_TEXT

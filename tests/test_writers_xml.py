"""hOCR, ALTO and PAGE XML against their schemas and rules."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from lxml import etree

from conftest import REPOSITORY
from document_fixtures import PROVENANCE, block_of, documents, line_at, telling_document
from typecase.document import Document, Page
from typecase.errors import OutputError
from typecase.writers import FORMATS, Head, WriteOptions

WITH_CHARACTERS = WriteOptions(characters=True)
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@functools.cache
def schema(name: str) -> etree.XMLSchema:
    folder = Path(os.environ.get("TYPECASE_SCHEMAS") or REPOSITORY.parent / "shared" / "schemas")
    if not (folder / name).exists():
        pytest.skip(f"the schema {name} is not there; set TYPECASE_SCHEMAS to the folder that holds it")
    return etree.XMLSchema(etree.parse(folder / name))


def single(document: Document) -> list[Document]:
    return [msgspec.structs.replace(document, pages=(page,)) for page in document.pages]


def validated(document: Document, name: str, options: WriteOptions = WITH_CHARACTERS) -> Any:
    root = etree.fromstring(FORMATS[name].render(document, options))
    schema({"alto": "alto-4-4.xsd", "page": "page-2019-07-15.xsd"}[name]).assertValid(root)
    return root


@given(documents)
def test_alto_is_valid(document: Document) -> None:
    if document.pages:  # the standard knows no document without a page
        validated(document, "alto")


@given(documents)
def test_page_xml_is_valid(document: Document) -> None:
    for part in single(document) or [document]:
        validated(part, "page")


def test_alto_tells_everything() -> None:
    root = validated(telling_document(), "alto")
    pages = root.findall(f".//{ALTO}Page")
    assert [page.get("ROTATION") for page in pages] == [None, "90", None]
    assert [page.get("PHYSICAL_IMG_NR") for page in pages] == ["1", "4", "5"]
    [first, *_] = root.findall(f".//{ALTO}String")
    assert (first.get("CONTENT"), first.get("HPOS"), first.get("WC")) == ("Invoice", "60", "0.9")
    assert len(first.findall(f"{ALTO}Glyph")) == 7
    assert first.find(f"{ALTO}Glyph/{ALTO}Variant").attrib == {"CONTENT": "x", "VC": "0.01"}
    [settings] = root.findall(f".//{ALTO}processingStepSettings")
    assert '"sha256":"' + "ab" * 32 in settings.text
    assert root.find(f".//{ALTO}softwareVersion").text == "0.1.0"


def test_page_xml_tells_everything() -> None:
    first, turned, sloping = (validated(part, "page") for part in single(telling_document()))
    assert turned.find(f"{PAGE}Page").get("orientation") == "90"
    assert sloping.find(f"{PAGE}Page").get("orientation") == "-7.5"
    ways = {
        word.find(f"{PAGE}TextEquiv/{PAGE}Unicode").text: word.get("readingDirection")
        for word in first.iter(f"{PAGE}Word")
    }
    assert ways["שלום"] == "right-to-left"
    assert ways["123"] is None
    assert "�� bell�" in [equiv.find(f"{PAGE}Unicode").text for equiv in first.iter(f"{PAGE}TextEquiv")]
    assert first.find(f"{PAGE}Page").get("imageFilename") == telling_document().source
    assert len(first.findall(f".//{PAGE}RegionRefIndexed")) == 3


def test_a_second_page_is_refused_by_page_xml() -> None:
    with pytest.raises(OutputError, match="each page to a file of its own"):
        FORMATS["page"].render(telling_document())
    assert FORMATS["page"].suffix_of(1) == ".page.xml"
    assert FORMATS["page"].suffix_of(3) == ".page-3.xml"


def test_baselines_lie_on_the_letters() -> None:
    page = Page(500, 500, (block_of([line_at("Apple", 10, 100, 20), line_at("Anna", 10, 200, 20)]),))
    bare = Document((without_characters(page),))
    [descending, standing] = validated(bare, "alto").findall(f".//{ALTO}TextLine")
    assert standing.get("BASELINE") == "10,220 50,220"
    assert descending.get("BASELINE") == "10,115.8 60,115.8"


def without_characters(page: Page) -> Page:
    blocks = []
    for block in page.blocks:
        lines = tuple(
            msgspec.structs.replace(
                line, words=tuple(msgspec.structs.replace(word, characters=()) for word in line.words)
            )
            for line in block.lines
        )
        blocks.append(msgspec.structs.replace(block, lines=lines))
    return msgspec.structs.replace(page, blocks=tuple(blocks))


# The properties of the 1.2 specification that we write, with the grammar of their values.
_NUMBER = r"-?\d+(\.\d+)?"
_PROPERTIES = {
    "bbox": r"\d+ \d+ \d+ \d+",
    "image": r'"[^"]*"',
    "ppageno": r"\d+",
    "scan_res": r"\d+ \d+",
    "baseline": rf"{_NUMBER} -?\d+",
    "textangle": _NUMBER,
    "x_wconf": _NUMBER,
    "x_conf": _NUMBER,
    "x_bboxes": r"\d+ \d+ \d+ \d+",
}
_NESTING = ["ocr_page", "ocr_carea", "ocr_par", "ocr_line", "ocrx_word", "ocrx_cinfo"]
_REQUIRED = {
    "ocr_page": {"bbox"},
    "ocr_carea": {"bbox"},
    "ocr_par": {"bbox"},
    "ocr_line": {"bbox"},
    "ocrx_word": {"bbox", "x_wconf"},
    "ocrx_cinfo": {"x_bboxes", "x_conf"},
}


def properties(title: str) -> dict[str, str]:
    parts = re.findall(r'(?:[^;"]|"[^"]*")+', title)
    return dict(part.strip().split(" ", 1) for part in parts)


def check_hocr(text: bytes) -> Any:
    """Holds a document against the rules of hOCR 1.2 and gives its tree."""
    root: Any = etree.fromstring(text)
    assert root.tag == f"{XHTML}html"
    metas = {meta.get("name"): meta.get("content") for meta in root.iter(f"{XHTML}meta")}
    assert re.fullmatch(r"typecase \S+", metas["ocr-system"])
    capabilities = metas["ocr-capabilities"].split()
    identities = [element.get("id") for element in root.iter() if element.get("id") is not None]
    assert len(set(identities)) == len(identities)
    for element in root.iter(f"{XHTML}div", f"{XHTML}p", f"{XHTML}span"):
        kind = element.get("class")
        assert kind in capabilities
        if element.get("dir") is not None:
            assert "ocrp_dir" in capabilities
        found = properties(element.get("title"))
        assert _REQUIRED[kind] <= found.keys()
        for name, value in found.items():
            assert re.fullmatch(_PROPERTIES[name], value), (name, value)
        level = _NESTING.index(kind)
        parent = element.getparent()
        assert parent.get("class") == (_NESTING[level - 1] if level else None)
        if kind == "ocr_page":
            assert found["bbox"].startswith("0 0 ")
        # Text stands in words alone.
        if kind not in ("ocrx_word", "ocrx_cinfo"):
            assert not (element.text or "").strip()
        assert not (element.tail or "").strip()
    return root


@given(documents)
def test_hocr_keeps_the_rules(document: Document) -> None:
    check_hocr(FORMATS["hocr"].render(document, WITH_CHARACTERS))
    check_hocr(FORMATS["hocr"].render(document))


def test_hocr_tells_everything() -> None:
    document = telling_document()
    root = check_hocr(FORMATS["hocr"].render(document))
    metas = {meta.get("name"): meta.get("content") for meta in root.iter(f"{XHTML}meta")}
    assert msgspec.json.decode(metas["typecase-provenance"]) == PROVENANCE
    assert metas["ocr-number-of-pages"] == "3"
    pages = [properties(page.get("title")) for page in root.iter(f"{XHTML}div") if page.get("class") == "ocr_page"]
    assert pages[0] == {
        "image": '"scans/a %22b%22 & c.png"',
        "bbox": "0 0 800 1000",
        "ppageno": "0",
        "scan_res": "150 150",
    }
    lines = [properties(line.get("title")) for line in root.iter() if line.get("class") == "ocr_line"]
    assert lines[-2]["textangle"] == "90"
    assert lines[-1]["baseline"] == "0.1317 -17"
    assert {word.text: word.get("dir") for word in root.iter() if word.get("class") == "ocrx_word"}["שלום"] == "rtl"


def test_hocr_counts_no_pages_that_are_still_to_come() -> None:
    text = FORMATS["hocr"].render(telling_document(), head=Head("a.pdf"))
    assert b"ocr-number-of-pages" not in text


@pytest.mark.parametrize("name", ["alto", "hocr", "page"])
def test_nothing_that_xml_cannot_hold(name: str) -> None:
    document = single(telling_document())[0]
    text = FORMATS[name].render(document, head=Head("a\x00\x1b\ud800.png", {"typecase": "0.1.0", "x": "\x01"}))
    assert "\x00" not in text.decode()
    assert etree.fromstring(text) is not None

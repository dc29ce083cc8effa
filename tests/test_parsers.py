"""Every format parses back to the same words and boxes, and other programs' files are read too."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given

from document_fixtures import PROVENANCE, documents, telling_document
from typecase.document import Box, Document, Line, Page, Word
from typecase.errors import InputError, TypecaseError, UsageError
from typecase.parsers import PARSERS, parse
from typecase.writers import FORMATS, WriteOptions
from typecase.writers.xml import safe

WITH_CHARACTERS = WriteOptions(characters=True)


def brought_back(document: Document, name: str, options: WriteOptions = WITH_CHARACTERS) -> Document:
    """A document written and parsed; formats of one page a file, page by page."""
    if not FORMATS[name].page_a_file:
        return parse(FORMATS[name].render(document, options), name)
    parts = [
        parse(FORMATS[name].render(msgspec.structs.replace(document, pages=(page,)), options), name)
        for page in document.pages
    ]
    return msgspec.structs.replace(document, pages=tuple(page for part in parts for page in part.pages))


def near(found: Box, meant: Box, by: float) -> bool:
    edges = zip((*found[:2], found.right, found.bottom), (*meant[:2], meant.right, meant.bottom), strict=True)
    return all(abs(one - other) <= by for one, other in edges)


def written_words(document: Document) -> list[list[tuple[str, Box, float]]]:
    return [[(word.text, word.box, word.confidence) for word in page.words] for page in document.pages]


def check_words(document: Document, name: str, by: float, clean: bool = True) -> Document:
    again = brought_back(document, name)
    assert len(again.pages) == len(document.pages)
    for found, meant in zip(written_words(again), written_words(document), strict=True):
        assert [text for text, _, _ in found] == [safe(text) if clean else text for text, _, _ in meant]
        for (_, box, confidence), (_, meant_box, meant_confidence) in zip(found, meant, strict=True):
            assert near(box, meant_box, by)
            assert confidence == pytest.approx(meant_confidence, abs=1e-4)
    return again


@pytest.mark.parametrize(("name", "by"), [("hocr", 0.5), ("alto", 0.011), ("page", 0.5), ("tsv", 0.5)])
def test_words_and_boxes_of_drawn_documents(name: str, by: float) -> None:
    @given(documents)
    def check(document: Document) -> None:
        # A polygon is where a word lies in PAGE XML, and these were drawn apart from their boxes.
        pages = tuple(without_polygons(page) for page in document.pages)
        check_words(msgspec.structs.replace(document, pages=pages), name, by, clean=name != "tsv")

    check()


def without_polygons(page: Page) -> Page:
    def line(one: Line) -> Line:
        words = tuple(msgspec.structs.replace(word, polygon=()) for word in one.words)
        return msgspec.structs.replace(one, polygon=(), words=words)

    return msgspec.structs.replace(
        page,
        blocks=tuple(msgspec.structs.replace(block, lines=tuple(map(line, block.lines))) for block in page.blocks),
    )


@pytest.mark.parametrize(("name", "by"), [("hocr", 0.5), ("alto", 0.011), ("page", 0.5), ("tsv", 0.5)])
def test_a_document_that_shows_everything(name: str, by: float) -> None:
    document = telling_document()
    again = check_words(document, name, by, clean=name != "tsv")
    for found, meant in zip(again.pages, document.pages, strict=True):
        assert (found.width, found.height, found.number) == (meant.width, meant.height, meant.number)
        assert len(found.blocks) == len(meant.blocks)
        for block, meant_block in zip(found.blocks, meant.blocks, strict=True):
            assert near(block.box, meant_block.box, by)
        for line, meant_line in zip(found.lines, meant.lines, strict=True):
            assert near(line.box, meant_line.box, by)
    if name != "tsv":
        assert [page.rotation for page in again.pages] == [0, 90, 0]
        assert again.source == document.source
        assert again.provenance == PROVENANCE
    if name in ("hocr", "page"):
        assert again.pages[0].dpi == 150
    if name == "page":
        assert again.pages[2].skew == pytest.approx(7.5)


@pytest.mark.parametrize(("name", "by"), [("alto", 0.011), ("page", 1.0)])
def test_polygons(name: str, by: float) -> None:
    document = telling_document()
    again = brought_back(document, name)
    for page, meant_page in zip(again.pages, document.pages, strict=True):
        for word, meant in zip(page.words, meant_page.words, strict=True):
            assert len(word.polygon) == len(meant.polygon)
            for point, meant_point in zip(word.polygon, meant.polygon, strict=True):
                assert math.dist(point, meant_point) <= by


def test_hocr_brings_quarter_turns_back_as_polygons() -> None:
    document = telling_document()
    again = brought_back(document, "hocr")
    [found, *_], [meant, *_] = list(again.pages[1].words), list(document.pages[1].words)
    for point, meant_point in zip(found.polygon, meant.polygon, strict=True):
        assert math.dist(point, meant_point) <= 1


@pytest.mark.parametrize(("name", "alternatives"), [("hocr", False), ("alto", True), ("page", True)])
def test_characters(name: str, alternatives: bool) -> None:
    document = telling_document()
    for word, meant in zip(brought_back(document, name).pages[0].words, document.pages[0].words, strict=True):
        assert [one.text for one in word.characters] == [safe(one.text) for one in meant.characters]
        for character, one in zip(word.characters, meant.characters, strict=True):
            assert near(character.box, one.box, 0.5)
            assert character.confidence == pytest.approx(one.confidence, abs=1e-4)
            if alternatives:
                assert character.alternatives == one.alternatives
    plain = brought_back(document, name, WriteOptions())
    assert not any(word.characters for word in plain.words)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("text", ["", "<", "nonsense", "<html/>", '<?xml version="1.0"?><x/>', "level\tpage_num\n1\t2"])
def test_other_texts_are_refused_in_one_sentence(name: str, text: str) -> None:
    with pytest.raises(InputError, match=r"^This is no [^\n]*$"):
        parse(text, name)
    with pytest.raises(InputError):
        parse(text.encode("utf-16"), name)


@pytest.mark.parametrize("name", ["hocr", "alto", "page", "tsv"])
def test_a_damaged_file_gives_a_document_or_a_sentence(name: str) -> None:
    document = msgspec.structs.replace(telling_document(), pages=telling_document().pages[:1])
    text = FORMATS[name].render(document, WITH_CHARACTERS).decode()
    for place in range(0, len(text), 97):
        for damaged in (text[:place], text[:place] + "x" + text[place + 1 :], text[:place] + text[place + 9 :]):
            with contextlib.suppress(TypecaseError):
                parse(damaged, name)


def test_formats_that_cannot_be_brought_back() -> None:
    with pytest.raises(UsageError, match="cannot be brought back from 'pdf'"):
        parse("", "pdf")


def texts_and_boxes(words: Sequence[Word]) -> list[tuple[str, Box]]:
    return [(word.text, word.box) for word in words]


def test_html_of_another_program() -> None:
    text = """<html><head><meta name='ocr-system' content='tesseract 5.3.0'></head><body>
    <div class='ocr_page' id='page_1' title='image "a;b.png"; bbox 0 0 300 200; ppageno 0; scan_res 70 70'>
     <div class='ocr_carea' title="bbox 10 10 200 100">
      <p class='ocr_par' lang='eng' title="bbox 10 10 200 40">
       <span class='ocr_header' title="bbox 10 10 200 40; baseline 0.01 -4; x_size 30">
        <span class='ocrx_word' title='bbox 10 10 90 40; x_wconf 96'><strong>Bold</strong></span>
        <span class='ocrx_word' title='bbox 100 10 200 40; x_wconf 50'>&amp;<em>c.</em></span><br>
       </span>
      <p class='ocr_par' title="bbox 10 60 200 100">
       <span class='ocr_line' title="bbox 10 60 210 100">no words here</span>
     </div>
    </div></body></html>"""
    document = parse(text, "hocr")
    [page] = document.pages
    assert (page.width, page.height, page.dpi, document.source) == (300, 200, 70, "a;b.png")
    assert [block.text for block in page.blocks] == ["Bold &c.", "no words here"]
    assert document.provenance == {"ocr-system": "tesseract 5.3.0"}
    first, second, *spread = page.words
    assert texts_and_boxes([first, second]) == [("Bold", Box(10, 10, 80, 30)), ("&c.", Box(100, 10, 100, 30))]
    assert next(page.lines).confidence == pytest.approx(0.96 * 0.5)
    assert spread[1].box.x == pytest.approx(10 + 200 * 3 / 13)
    assert spread[-1].box.right == pytest.approx(210)


def test_page_xml_of_another_program() -> None:
    text = """<?xml version="1.0"?>
    <pc:PcGts xmlns:pc="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"><pc:Metadata/>
    <pc:Page imageFilename="a.tif" imageWidth="400" imageHeight="300">
     <pc:ReadingOrder><pc:OrderedGroup id="g"><pc:RegionRefIndexed index="0" regionRef="b"/></pc:OrderedGroup>
     </pc:ReadingOrder>
     <pc:TextRegion id="a"><pc:Coords points="0,0 10,0 10,10 0,10"/>
      <pc:TextLine id="l1"><pc:Coords points="0,0 90,0 95,10 0,10"/>
       <pc:TextEquiv index="1"><pc:Unicode>worse</pc:Unicode></pc:TextEquiv>
       <pc:TextEquiv index="0" conf="0.5"><pc:Unicode>whole line</pc:Unicode></pc:TextEquiv></pc:TextLine>
     </pc:TextRegion>
     <pc:TableRegion id="t"><pc:Coords points="0,0 1,1"/><pc:TextRegion id="b"><pc:Coords points="5,5 9,9"/>
      <pc:TextLine id="l2"><pc:Coords points="0,0 9,0 9,9 0,9"/><pc:TextEquiv><pc:Unicode>first</pc:Unicode>
      </pc:TextEquiv></pc:TextLine></pc:TextRegion></pc:TableRegion>
    </pc:Page></pc:PcGts>"""
    [page] = parse(text, "page").pages
    assert page.text == "first\n\nwhole line"
    assert [word.confidence for word in page.words] == [1.0, 0.5, 0.5]


def test_a_table_cut_to_its_words() -> None:
    heading, *rows = FORMATS["tsv"].render(telling_document()).decode().split("\n")
    kept = [row for row in rows if row.startswith("5\t")]
    document = parse("\n".join((heading, *kept)), "tsv")
    meant = telling_document()
    assert [len(list(page.words)) for page in document.pages] == [len(list(page.words)) for page in meant.pages]
    assert document.pages[1].number == 4
    assert document.pages[0].text.split() == meant.pages[0].text.split()

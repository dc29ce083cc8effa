"""What a document does for itself: saves, shows and searches itself, and gives its words to pandas."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from conftest import REPOSITORY
from document_fixtures import PROVENANCE, block_of, documents, line_at, telling_document
from test_writers_pdf import copied, picture_of
from typecase.document import Document, Page
from typecase.errors import InputError, MissingExtraError, OutputError, UsageError
from typecase.writers import FORMATS


def one_page() -> Page:
    return Page(600, 300, (block_of([line_at("Invoice No. 4711", 40, 40), line_at("of 2026-11-27", 40, 80)]),))


@pytest.fixture
def document(tmp_path: Path) -> Document:
    path = tmp_path / "scan.png"
    picture_of(one_page()).save(path)
    return Document((one_page(),), str(path), PROVENANCE)


def test_every_format_by_its_ending(document: Document, tmp_path: Path) -> None:
    for name, kind in FORMATS.items():
        [path] = document.save(tmp_path / "out" / f"x{kind.suffix}")
        content = path.read_bytes()
        if name == "pdf":
            assert copied(content).split() == document.text.split()
        elif name not in ("alto", "page"):  # these tell the time
            assert content == kind.render(document)
    assert (tmp_path / "out" / "x.hocr").read_text() == document.to_hocr()
    assert (tmp_path / "out" / "x.txt").read_text() == document.to_text()
    assert (tmp_path / "out" / "x.tsv").read_text() == document.to_tsv()
    assert (tmp_path / "out" / "x.md").read_text() == document.to_markdown()
    assert (tmp_path / "out" / "x.csv").read_text() == document.to_csv() == ""
    assert Document.from_json((tmp_path / "out" / "x.json").read_text()).text == document.text


def test_brought_back_by_name() -> None:
    document = Document((one_page(),), "a.png", PROVENANCE)
    assert Document.from_hocr(document.to_hocr()).text == document.text
    assert Document.from_alto(document.to_alto()).text == document.text
    assert Document.from_page_xml(document.to_page_xml()).text == document.text
    assert Document.from_tsv(document.to_tsv()).text == document.text


def test_a_name_without_a_format(document: Document, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not tell a format"):
        document.save(tmp_path / "x.docx")
    [path] = document.save(tmp_path / "x.data", format="hocr")
    assert path.read_text() == document.to_hocr()
    assert document.save(tmp_path / "x.txt", layout=True)[0].read_text() == document.to_text(layout=True)


def test_page_xml_of_several_pages(tmp_path: Path) -> None:
    paths = telling_document().save(tmp_path / "many.page.xml")
    assert [path.name for path in paths] == ["many.page.xml", "many.page-2.xml", "many.page-3.xml"]
    texts = [Document.from_page_xml(path.read_bytes()).pages[0].number for path in paths]
    assert texts == [1, 4, 5]


def test_a_pdf_needs_what_was_read(tmp_path: Path) -> None:
    document = Document((one_page(),), "gone.png")
    with pytest.raises(OutputError, match=r"gone\.png was read from is not at hand"):
        document.save(tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
    document.save(tmp_path / "x.pdf", source=picture_of(one_page()))
    assert copied((tmp_path / "x.pdf").read_bytes()).split() == document.text.split()
    (tmp_path / "gone.png").write_text("no picture")
    with pytest.raises(InputError):
        document.save(tmp_path / "y.pdf", source=tmp_path / "gone.png")


def test_a_pdf_of_some_pages_of_a_pdf(document: Document, tmp_path: Path) -> None:
    document.save(tmp_path / "a.pdf")
    frames = [Image.new("L", (600, 300), 255) for _ in range(3)]
    frames[0].save(tmp_path / "three.pdf", save_all=True, append_images=frames[1:])
    page = msgspec.structs.replace(one_page(), number=2)
    part = Document((page,), str(tmp_path / "three.pdf"), {"options": {"dpi": 100.0, "existing_text": "skip"}})
    content = part.save(tmp_path / "out.pdf")[0].read_bytes()
    assert [copied(content, place).split() for place in range(3)] == [[], page.text.split(), []]
    # Its own text stays, and is not written a second time.
    again = Document((page,), str(tmp_path / "out.pdf")).save(tmp_path / "again.pdf")[0].read_bytes()
    assert copied(again, 1).split() == page.text.split()


def test_finding() -> None:
    document = Document((one_page(), msgspec.structs.replace(one_page(), number=2)))
    first, second = document.find(r"No\. (\d+)")
    assert (first.text, first.page, second.page, first.groups) == ("No. 4711", 1, 2, ("4711",))
    assert [word.text for word in first.words] == ["No.", "4711"]
    assert tuple(first.box) == (120, 40, 80, 20)
    [across, _] = document.find(r"4711\s+of")
    assert [tuple(box) for box in across.boxes] == [(160, 40, 40, 20), (40, 80, 20, 20)]
    [part, _] = document.find("voice")
    assert tuple(part.box) == (60, 40, 50, 20)
    assert len(list(document.find("INVOICE", re.IGNORECASE))) == 2
    assert [found.text for found in document.find(r"\b", 0)] == []
    with pytest.raises(UsageError, match="no regular expression"):
        document.find("(")


def test_places_of_words_are_those_of_the_text() -> None:
    document = telling_document()
    for page in document.pages:
        found = list(Document((page,)).find(r"\S+"))
        assert [one.text for one in found] == page.text.split()
        for one in found:
            assert "".join(word.text for word in one.words) == one.text


def test_words_as_a_data_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = telling_document().to_dataframe()
    assert list(frame["text"]) == [word.text for word in telling_document().words]
    assert list(frame["page"].unique()) == [1, 4, 5]
    assert frame.iloc[0].to_dict() == {
        "page": 1,
        "block": 1,
        "line": 1,
        "word": 1,
        "text": "Invoice",
        "confidence": 0.9,
        "x": 60,
        "y": 40,
        "width": 126,
        "height": 40,
    }
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"typecase\[pandas\]"):
        telling_document().to_dataframe()


def test_a_notebook_shows_the_page(document: Document) -> None:
    content = document._repr_png_()
    assert content is not None
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (600, 300)
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
    assert len(colours) > 5  # the bars are black on white, and the frames are not
    html = document._repr_html_()
    assert "data:image/jpeg;base64," in html
    assert "Invoice No. 4711" in html
    assert "1 page<" in html


def test_a_notebook_shows_what_there_is() -> None:
    document = telling_document()
    assert document._repr_png_() is None
    html = document._repr_html_()
    assert "<img" not in html
    assert "Invoice &lt;No.&gt; &amp;" in html
    assert Document()._repr_html_().count("0 pages") == 1


def test_the_schema_of_the_json() -> None:
    import jsonschema
    from hypothesis import given

    schema = json.loads((REPOSITORY / "docs" / "schema" / "document-1.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    @given(documents)
    def check(document: Document) -> None:
        validator.validate(document.to_dict())
        validator.validate(document.to_dict(characters=False))

    check()
    values = telling_document().to_dict()
    validator.validate(values)
    for path, value in [
        (("schema_version",), 2),
        (("pages", 0, "rotation"), 45),
        (("pages", 0, "blocks", 0, "lines", 0, "confidence"), 1.5),
        (("pages", 0, "blocks", 0, "lines", 0, "words", 0, "box"), [1, 2, 3]),
        (("pages", 0, "blocks", 0, "lines", 0, "words", 0, "polygon"), []),
        (("pages", 0, "unknown"), 1),
    ]:
        wrong = json.loads(json.dumps(values))
        inner = wrong
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        assert not validator.is_valid(wrong), path


def test_newer_documents_are_refused() -> None:
    values = {**telling_document().to_dict(), "schema_version": 2}
    with pytest.raises(InputError, match="newer typecase"):
        Document.from_dict(values)

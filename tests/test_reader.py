"""From whatever holds a picture to a document."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import typecase
from line_fixtures import line_picture, write_line_model
from typecase.charset import LATIN_CHARACTERS
from typecase.document import Document
from typecase.errors import InputError, UsageError
from typecase.files import sha256_of
from typecase.languages import LANGUAGES, languages_of
from typecase.reader import Reader
from typecase.sources import PictureSource


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_line_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def reader(model: Path) -> Reader:
    return Reader(model=model, threads=1)


def test_every_kind_of_source(reader: Reader, tmp_path: Path) -> None:
    picture = line_picture("AB OE")
    path = tmp_path / "line.png"
    picture.save(path)
    content = path.read_bytes()
    for source in (path, str(path), content, io.BytesIO(content), picture, np.asarray(picture)):
        assert reader.read(source, "line").text == "AB OE"


def test_the_document_names_the_model_that_read_it(tmp_path: Path) -> None:
    """Whatever has taken its place in the folder since."""
    path = write_line_model(tmp_path / "tiny.onnx")
    read_with = sha256_of(path)
    reader = Reader(model=path, threads=1)
    path.write_bytes(b"another")
    assert reader.read(line_picture("AB OE"), "line").provenance["recognizer"]["sha256"] == read_with


def test_the_document_says_where_it_comes_from(reader: Reader, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    line_picture("AB OE").save(path)
    document = reader.read(path, "line", allow="ABOE")
    assert document.source == str(path)
    assert document.provenance["typecase"] == typecase.__version__
    assert document.provenance["recognizer"] == {"name": "tiny", "sha256": sha256_of(model)}
    assert document.provenance["options"]["allow"] == "ABOE"
    [page] = document.pages
    assert (page.width, page.height) == line_picture("AB OE").size
    assert Document.from_json(document.to_json()) == document


def test_transparency_is_paper(reader: Reader) -> None:
    grey = line_picture("AB OE")
    picture = Image.merge("LA", [Image.new("L", grey.size, 0), Image.eval(grey, lambda level: 255 - level)])
    assert reader.read(picture, "line").text == "AB OE"


def test_a_picture_on_its_side_is_turned_as_it_says(reader: Reader) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    line_picture("AB OE", zoom=2).transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    assert reader.read(buffer.getvalue(), "line").text == "AB OE"


def test_modes(reader: Reader) -> None:
    assert reader.read(line_picture("AB O"), "word").text == "ABO"
    assert reader.read(line_picture("O"), "char", allow="0").text == "0"


def test_wrong_options_are_said_before_the_first_picture(reader: Reader) -> None:
    with pytest.raises(UsageError, match="'lime' is not known"):
        reader.read_many([], "lime")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'patern' is not known"):
        reader.read_many([], "line", patern="a")
    with pytest.raises(UsageError, match="'cuda' is not known"):
        Reader(device="cuda")


def test_a_failed_picture_does_not_stop_the_others(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    sources: list[PictureSource] = [
        line_picture("A"),
        tmp_path / "text.png",
        line_picture("B"),
        tmp_path / "missing.png",
    ]
    found = list(reader.read_many(sources, "line"))
    assert [one.text if isinstance(one, Document) else type(one) for one in found] == ["A", InputError, "B", InputError]
    assert "text.png is not a picture" in str(found[1])
    with pytest.raises(InputError, match=r"missing\.png does not exist"):
        reader.read(sources[3], "line")


def test_sources_may_be_endless(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typecase.reader.AT_ONCE", 2)
    found = reader.read_many(iter(lambda: line_picture("A"), None), "line")
    assert [next(found).text for _ in range(5)] == ["A"] * 5  # type: ignore[union-attr]


def test_it_can_be_sent_to_other_processes(model: Path) -> None:
    reader = pickle.loads(pickle.dumps(Reader("deu", threads=1, model=model)))
    assert reader.read(line_picture("OI"), "line").text == "OI"


def test_languages() -> None:
    assert languages_of("eng+deu+en") == ("en", "de")
    assert languages_of(["FR", " ger "]) == ("fr", "de")
    assert {"en", "de", "fr", "es", "pt", "nl", "tr", "pl", "hu"} <= set(LANGUAGES)
    wrongs: list[str | list[str]] = ["rus", "", "eng+", []]
    for wrong in wrongs:
        with pytest.raises(UsageError, match="cannot be read; choose"):
            languages_of(wrong)


def test_the_letters_of_the_languages_are_known() -> None:
    """A pangram or the letters beyond ASCII of some of them, which a charset that shrinks would lose."""
    letters = {
        "de": "äöüßÄÖÜẞ„“",
        "fr": "àâæçéèêëîïôœùûüÿŸ«»",
        "pl": "ąćęłńóśźż",
        "cs": "áčďéěíňóřšťúůýž",
        "hu": "őű",
        "ro": "ăâîșț",
        "tr": "çğıİöşü",
        "is": "ðþæ",
        "lv": "āčēģīķļņšūž",
        "mt": "ċġħż",
        "cy": "ŵŷẁẃẅỳ",
        "se": "áčđŋšŧž",
        "az": "əğıöşüç",
    }
    assert set(letters) <= set(LANGUAGES)
    for language, some in letters.items():
        assert set(some) <= set(LATIN_CHARACTERS), language


def test_read_keeps_its_model(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setattr("typecase.stages.recognize.SHIPPED_MODEL", model)
    monkeypatch.setattr("typecase.reader._kept", None)
    first = typecase.read(line_picture("OI"), mode="line")
    from typecase import reader

    kept = reader._kept
    assert kept is not None
    assert typecase.read(line_picture("OI"), "line") == first
    assert reader._kept is kept

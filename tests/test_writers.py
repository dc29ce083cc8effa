"""The register of formats, and what every writer has in common."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given

from document_fixtures import documents
from typecase.document import Document, Page
from typecase.errors import UsageError
from typecase.writers import FORMATS, Head, WriteOptions, formats_of


@given(documents)
def test_text_and_json_are_those_of_the_document(document: Document) -> None:
    assert FORMATS["text"].render(document).decode() == document.text + "\n"
    whole = FORMATS["json"].render(document, WriteOptions(characters=True)).decode()
    assert whole == document.to_json() + "\n"
    assert json.loads(FORMATS["json"].render(document)) == document.to_dict(characters=False)


def test_names_of_formats() -> None:
    assert formats_of("txt, JSON,json") == ["text", "json"]
    for names in ("docx", "", ","):
        with pytest.raises(UsageError, match="is not known; choose text, json"):
            formats_of(names)


def test_an_error_leaves_a_document_without_its_end() -> None:
    file = io.BytesIO()
    with pytest.raises(RuntimeError), FORMATS["json"].open(file, Head("x")) as writer:
        writer.page(Page(1, 1))
        raise RuntimeError
    assert not file.getvalue().endswith(b"]}\n")
    assert not file.closed

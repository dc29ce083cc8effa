"""`import typecase`: the names that others rely on, loaded when they are used."""

from __future__ import annotations

import importlib

import pytest

import typecase


def test_every_public_name_is_there() -> None:
    for name in typecase.__all__:
        assert getattr(typecase, name) is not None
    assert set(typecase.__all__) <= set(dir(typecase))


def test_names_are_those_of_their_modules() -> None:
    classifier = importlib.import_module("typecase.classifier")
    assert typecase.classify is classifier.classify
    assert typecase.Classifier is classifier.Classifier
    assert typecase.errors is importlib.import_module("typecase.errors")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'clasify'"):
        typecase.clasify  # noqa: B018

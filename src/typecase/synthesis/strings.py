"""The strings that documents are made of, by kind: each is drawn by a function of a generator alone.

What comes out is not yet tidy: doubled spaces, a country's own spaces and characters that a recogniser does not know
may be in it; `typecase.synthesis.text` sees to that.
"""

from __future__ import annotations

from collections.abc import Mapping

from typecase.synthesis import string_numbers as numbers
from typecase.synthesis import string_papers as papers
from typecase.synthesis import string_people as people
from typecase.synthesis import string_signs as signs

STRINGS: Mapping[str, papers.StringMaker] = {
    "amount": numbers.amount,
    "number": numbers.number,
    "measure": numbers.measure,
    "date": numbers.date,
    "short-date": numbers.short_date,
    "time": numbers.time,
    "phone": numbers.phone,
    "tax-number": numbers.tax_number,
    "bank": numbers.bank,
    "card": numbers.card,
    "code": numbers.code,
    "number-row": numbers.number_row,
    "name": people.name,
    "company": people.company,
    "address": people.address,
    "email": people.email,
    "url": people.url,
    "file-path": people.file_path,
    "command": people.command,
    "word": people.word,
    "caps-line": people.caps_line,
    "item": papers.item,
    "item-row": papers.item_row,
    "key-value": papers.key_value,
    "receipt-line": papers.receipt_line,
    "form-label": papers.form_label,
    "tick-box": papers.tick_box,
    "heading": papers.heading,
    "scene-word": signs.scene_word,
    "single-character": signs.single_character,
    "short-token": signs.short_token,
    "punctuation": signs.punctuation_heavy,
    "random-characters": signs.random_characters,
    "accented-words": signs.accented_words,
}
"""A maker of strings for each kind."""

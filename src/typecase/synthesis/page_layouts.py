"""Which layouts there are, and how often each is drawn where nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping

from typecase.synthesis.page_display import draw_empty, draw_poster, draw_slide, draw_sparse
from typecase.synthesis.page_forms import draw_form
from typecase.synthesis.page_held_back import draw_notice, draw_programme, draw_sidebar, draw_ticket
from typecase.synthesis.page_letters import draw_invoice, draw_letter
from typecase.synthesis.page_papers import (
    Layout,
    book_page,
    card,
    old_form,
    screen,
    sheet_of_paper,
    sign,
    till_roll,
)
from typecase.synthesis.page_print import draw_article, draw_book, draw_typescript
from typecase.synthesis.page_tables import draw_table_page
from typecase.synthesis.page_till import draw_receipt

_PAPER_LOOKS = {"digital": 0.3, "scan": 0.4, "copy": 0.08, "fax": 0.03, "phone": 0.19}

LAYOUTS: Mapping[str, Layout] = {
    "receipt": Layout(
        draw_receipt, till_roll, {"thermal": 0.66, "phone": 0.2, "scan": 0.1, "copy": 0.02, "digital": 0.02}
    ),
    "form": Layout(draw_form, old_form, {"form": 0.66, "fax": 0.07, "copy": 0.12, "scan": 0.1, "digital": 0.05}),
    "invoice": Layout(draw_invoice, sheet_of_paper, _PAPER_LOOKS),
    "letter": Layout(draw_letter, sheet_of_paper, _PAPER_LOOKS),
    "article": Layout(draw_article, sheet_of_paper, _PAPER_LOOKS),
    "table": Layout(draw_table_page, sheet_of_paper, _PAPER_LOOKS),
    "book": Layout(draw_book, book_page, {"digital": 0.12, "scan": 0.45, "copy": 0.15, "phone": 0.28}),
    "typescript": Layout(
        draw_typescript, old_form, {"form": 0.4, "scan": 0.25, "copy": 0.2, "fax": 0.05, "phone": 0.1}
    ),
    "slide": Layout(draw_slide, screen, {"digital": 0.8, "street": 0.15, "scan": 0.05}),
    "poster": Layout(draw_poster, sign, {"street": 0.85, "digital": 0.15}),
    "sparse": Layout(draw_sparse, sheet_of_paper, {**_PAPER_LOOKS, "form": 0.2, "thermal": 0.1}),
    "empty": Layout(draw_empty, sheet_of_paper, {**_PAPER_LOOKS, "form": 0.2, "thermal": 0.1, "street": 0.2}),
    "sidebar": Layout(draw_sidebar, sheet_of_paper, _PAPER_LOOKS),
    "programme": Layout(draw_programme, sheet_of_paper, _PAPER_LOOKS),
    "notice": Layout(draw_notice, sheet_of_paper, _PAPER_LOOKS),
    "ticket": Layout(draw_ticket, card, {"digital": 0.2, "scan": 0.4, "phone": 0.4}),
}
"""Every layout by name."""

LAYOUT_MIXTURE: Mapping[str, float] = {
    "receipt": 0.25,
    "form": 0.19,
    "invoice": 0.08,
    "letter": 0.06,
    "article": 0.08,
    "table": 0.07,
    "book": 0.08,
    "typescript": 0.04,
    "slide": 0.05,
    "poster": 0.06,
    "sparse": 0.025,
    "empty": 0.015,
}
"""How often each layout is drawn where nothing else is said, as in the recipe `pages`."""

HELD_BACK_LAYOUTS = frozenset({"sidebar", "programme", "notice", "ticket"})
"""Layouts that are drawn only when they are asked for by name: they measure."""

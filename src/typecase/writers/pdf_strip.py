"""Takes the invisible text out of a PDF's page, so that it can be read anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pikepdf

_INVISIBLE = 3
_SHOWING = frozenset({"Tj", "TJ", "'", '"'})
_DEEPEST = 16


def strip_invisible_text(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
    """Removes the text of a page that is not drawn, also within the forms that it uses; all else stays.

    Args:
        pdf: The PDF of the page.
        page: The page.
    """
    import pikepdf

    content, changed = _stripped(pikepdf.parse_content_stream(page))
    if changed:
        page.obj["/Contents"] = pdf.make_stream(content)
    _strip_forms(page.obj.get("/Resources"), set(), 0)


def _strip_forms(resources: Any, seen: set[tuple[int, int]], depth: int) -> None:
    import pikepdf

    if resources is None or depth > _DEEPEST or "/XObject" not in resources:
        return
    for form in resources["/XObject"].values():
        if not isinstance(form, pikepdf.Stream) or form.get("/Subtype") != "/Form" or form.objgen in seen:
            continue
        seen.add(form.objgen)
        content, changed = _stripped(pikepdf.parse_content_stream(form))
        if changed:
            form.write(content)
        _strip_forms(form.get("/Resources"), seen, depth + 1)


def _stripped(instructions: Any) -> tuple[bytes, bool]:
    """The content without what it shows in the invisible mode, and whether there was any."""
    import pikepdf

    kept = []
    # The mode belongs to the state that q saves and Q brings back.
    mode, saved = 0, []
    changed = False
    for instruction in instructions:
        operator = str(instruction.operator)
        if operator == "q":
            saved.append(mode)
        elif operator == "Q":
            mode = saved.pop() if saved else 0
        elif operator == "Tr":
            mode = int(instruction.operands[0])
        elif operator in _SHOWING and mode == _INVISIBLE:
            changed = True
            continue
        kept.append(instruction)
    return pikepdf.unparse_content_stream(kept), changed

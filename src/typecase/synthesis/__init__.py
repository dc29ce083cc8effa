"""Draws text with its ground truth, to train nets on: single characters today, lines and pages on the same pieces.

`fonts` knows which typeface can draw which character; `glyph` draws characters of a typeface; `strokes` draws what a
pen wrote; `degrade` does to a clean picture what paper, light, lens and file formats do; `looks` composes them into
pictures as they come to a reader; `batch` draws many, in several processes.

For lines: `line_view` decides how ink lies in its picture and moves boxes with it; `paper` adds what printers and
copiers do; `painting` paints signs; `line_looks` composes whole pictures; `line_domains` says which texts, fonts and
looks go together, and draws line after line.
"""

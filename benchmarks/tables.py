"""
Tables as reStructuredText has them, which can be read as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def formatTable(header: Row, rows: Sequence[Row]) -> str:
    """Pad the cells, the first column to the left and figures to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    body = (_formatRow(row, widths) for row in rows)
    return "\n".join([rule, _formatRow(header, widths), rule, *body, rule])


def _formatRow(row: Row, widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [
        cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
    ]
    return "  ".join(cells).rstrip()


def formatHeading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"

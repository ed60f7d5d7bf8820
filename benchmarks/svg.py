"""
A drawing as SVG, in the colours of whoever looks at it: light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

#: A colour for each server, on a light and on a dark ground.
COLOURS = (
    ("#0b61a4", "#5db3ff"),
    ("#6f9fd0", "#2f78b8"),
    ("#4d4d4d", "#c8c8c8"),
    ("#2e8540", "#6fcf85"),
    ("#8a4fae", "#c79be0"),
    ("#c2571a", "#f2a266"),
    ("#9a9a9a", "#8f8f8f"),
    ("#c0c0c0", "#6b6b6b"),
)

_STYLE = """\
svg {{ font: 12px system-ui, sans-serif; background: #ffffff; }}
text {{ fill: #222222; }}
.title {{ font-size: 14px; font-weight: 600; }}
.faint {{ fill: #666666; }}
.grid {{ stroke: #dddddd; }}
.line {{ fill: none; stroke-width: 2; }}
{light}
@media (prefers-color-scheme: dark) {{
svg {{ background: #16181c; }}
text {{ fill: #e6e6e6; }}
.faint {{ fill: #a0a0a0; }}
.grid {{ stroke: #3a3d42; }}
{dark}
}}"""


class Drawing:
    """Shapes in pixels from the upper left, in the order in which they are drawn."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._size = width, height
        self._title = title
        self._shapes: list[str] = []

    def text(
        self, x: float, y: float, text: str, anchor: str = "start", kind: str = ""
    ) -> None:
        """Text with its base line at C{y}."""
        self._shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{escape(text)}</text>"
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: int) -> None:
        self._shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'class="fill{colour}"/>'
        )

    def rule(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A line of the grid."""
        self._shapes.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="grid"/>'
        )

    def line(self, points: Sequence[tuple[float, float]], colour: int) -> None:
        """A line through points, each of which is marked."""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._shapes.append(f'<path d="M{path}" class="line stroke{colour}"/>')
        self._shapes += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="fill{colour}"/>'
            for x, y in points
        ]

    def render(self) -> str:
        width, height = self._size
        light, dark = map(_colours, zip(*COLOURS, strict=True))
        return "\n".join(
            [
                '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
                f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
                f"<title>{escape(self._title)}</title>",
                f"<style>\n{_STYLE.format(light=light, dark=dark)}\n</style>",
                *self._shapes,
                "</svg>\n",
            ]
        )


def _colours(colours: Sequence[str]) -> str:
    return "\n".join(
        f".fill{number} {{ fill: {colour}; }} .stroke{number} {{ stroke: {colour}; }}"
        for number, colour in enumerate(colours)
    )

"""Matplotlib's figures as small pieces of SVG that live inside an HTML page.

One unit is one pixel of CSS (1/96 inch on paper). Text stays text, in the font of the page.
"""

from __future__ import annotations

import html
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from refnms.figures import STYLE
from refnms.physics.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS = 72  # per inch of a figure, so that its points are the pixels of the page
SMALL = 10.0  # text [px]

INLINE: Any = STYLE | {
    "font.size": SMALL,
    "axes.titlesize": SMALL,
    "axes.labelsize": SMALL,
    "xtick.labelsize": SMALL - 0.5,
    "ytick.labelsize": SMALL - 0.5,
    "legend.fontsize": SMALL,
    "svg.fonttype": "none",
    "axes.unicode_minus": True,
    "path.simplify_threshold": 0.2,
}


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / PIXELS, height / PIXELS), dpi=PIXELS)


def inline(drawing: Figure, key: str, label: str, stretched: bool = False) -> str:
    """The `<svg>` element of a figure, safe to stand in a page beside others.

    `key` makes its references its own; `label` says to those who cannot see it what it shows. A
    `stretched` drawing takes any width and height, and its lines keep theirs.
    """
    buffer = StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None}, dpi=PIXELS)
    return compact(buffer.getvalue(), key, label, stretched)


def compact(source: str, key: str, label: str, stretched: bool = False) -> str:
    """Matplotlib's document as an element: no namespaces, no metadata, no digits nobody sees."""
    box = re.search(r'<svg[^>]* viewBox="([^"]*)"', source)
    if box is None:
        raise ValueError("no drawing")
    body = source[source.index(">", box.start()) + 1 : source.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.S)
    wanted = set(re.findall(r"(?<=#)[\w-]+(?=[\")])", " ".join(_tags(body))))
    body = re.sub(r"<[^<>]*>", lambda tag: _tag(tag[0], key, wanted), body)
    body = re.sub(r"<defs>\s*</defs>", "", re.sub(r">\s+<", "><", body)).strip()
    while (fewer := re.sub(r"<g>\s*</g>", "", body)) != body:
        body = fewer
    _, _, width, height = box[1].split()
    name = f'role="img" aria-label="{html.escape(label)}"'
    if stretched:
        size = 'preserveAspectRatio="none" class="stretched"'
    else:
        size = f'width="{float(width):.0f}" height="{float(height):.0f}"'
    return f'<svg viewBox="{box[1]}" {size} {name}>{body}</svg>'


def _tags(body: str) -> list[str]:
    return re.findall(r"<[^<>]*>", body)


def _tag(tag: str, key: str, wanted: set[str]) -> str:
    """One tag: only what stands inside `<` and `>` is touched, so that no text ever is."""

    def identity(found: re.Match[str]) -> str:
        return f' id="{key}-{found[1]}"' if found[1] in wanted else ""

    changes: tuple[tuple[str, str, Any], ...] = (  # letters it has: pattern -> instead
        ("id=", r' id="([^"]*)"', identity),
        ("xlink", r'xlink:href="#', 'href="#'),
        ("#", r'(href="|url\()#', rf"\1#{key}-"),
        ("xmlns", r' xmlns(:\w+)?="[^"]*"', ""),
        ("font", r"font-family: [^;\"]*(; )?", ""),
        ("font", r"font: ((?:[a-z]+ |\d{3} )*)([\d.]+)px [^;\"]*", _font),
        ("d=", r' d="([^"]*)"', lambda found: f' d="{_path(found[1])}"'),
        (".", r"(-?\d+\.\d{2})\d+", r"\1"),
    )
    for letters, pattern, instead in changes:
        if letters in tag:
            tag = re.sub(pattern, instead, tag)
    return tag


def _font(found: re.Match[str]) -> str:
    weight = "; font-weight: 600" if re.search(r"bold|[67]00", found[1]) else ""
    return f"font-size: {found[2]}px{weight}"


def _path(data: str) -> str:
    """A path of straight lines in steps of tenths of a pixel; one with curves as it is."""
    if set(re.findall(r"[A-Za-z]", data)) - {"M", "L", "z"} or data.count("L") < 4:
        return " ".join(data.split())
    return "".join(_polyline(part) for part in data.split("M")[1:])


def _polyline(data: str) -> str:
    points = np.array(re.sub(r"[Lz]", " ", data).split(), dtype=float).reshape(-1, 2)
    tenths = np.rint(10.0 * points).astype(int)
    steps = np.diff(tenths, axis=0)
    steps = steps[np.any(steps != 0, axis=1)]
    x, y = (_tenth(v) for v in tenths[0].tolist())
    close = "z" if "z" in data else ""
    return f"M{x} {y}l" + "".join(_pair(dx, dy) for dx, dy in steps.tolist()) + close


def _pair(dx: int, dy: int) -> str:
    first, second = _tenth(dx), _tenth(dy)
    return f"{' ' if first[0] != '-' else ''}{first}{' ' if second[0] != '-' else ''}{second}"


def _tenth(value: int) -> str:
    whole, part = divmod(abs(value), 10)
    number = f"{whole or ''}.{part}" if part else str(whole)
    return f"-{number}" if value < 0 else number


def thin(time: Array, *signals: Array, pixels: int) -> tuple[Array, ...]:
    """Time and signals `(T,)` with at most two points for each pixel, the extremes of all.

    Every signal keeps its own smallest and largest value of each stretch of time that falls on one
    pixel, so that no peak is lost; short signals are left as they are.
    """
    if len(time) <= 2 * pixels:
        return time, *signals
    edges = np.linspace(time[0], time[-1], pixels + 1)
    first = np.unique(np.searchsorted(time, edges[:-1]))
    middles = np.repeat(time[first], 2)
    middles[1::2] += 0.5 * (time[-1] - time[0]) / pixels
    thinned = []
    for signal in signals:
        low, high = (f.reduceat(signal, first) for f in (np.minimum, np.maximum))
        falling = signal[first] > 0.5 * (low + high)
        pairs = np.column_stack([np.where(falling, high, low), np.where(falling, low, high)])
        thinned.append(pairs.ravel())
    return middles, *thinned

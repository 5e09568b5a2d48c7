"""Drawings as elements: nothing of them reaches the rest of the page, and no peak is lost."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

from matplotlib import rc_context

from refnms.report.svg import INLINE, _path, _tenth, figure, inline, thin


def drawn(label: str = "a label", key: str = "k", stretched: bool = False, text: str = "x") -> str:
    with rc_context(INLINE):
        drawing = figure(330, 120)
        axes = drawing.subplots()
        axes.plot(np.linspace(0.0, 1.0, 50), np.sin(np.linspace(0.0, 9.0, 50)), "-o")
        axes.set_title(text)
        return inline(drawing, key, label, stretched)


def test_a_drawing_names_no_address_and_brings_no_style_sheet():
    svg = drawn()
    for unwanted in ("http", "xmlns", "<style", "<metadata", "<?xml", "<!", "xlink"):
        assert unwanted not in svg


def test_every_reference_leads_to_a_definition_of_the_same_drawing():
    svg = drawn(key="m7")
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    assert wanted and wanted == set(re.findall(r' id="([^"]*)"', svg))
    assert all(name.startswith("m7-") for name in wanted)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "A::B & \"C\" id='d'", '$x_1$ d="M"']
)
def test_names_come_through_as_they_are(text):
    from html import unescape

    svg = drawn(text=text, label=text)
    assert "<script" not in svg
    assert f">{text}</text>" in unescape(svg)
    assert f'aria-label="{text}"' in unescape(svg)


def test_text_is_text_in_the_font_of_the_page():
    svg = drawn(text="soleus")
    assert "DejaVu" not in svg and "font-size: 10px" in svg


def test_a_stretched_drawing_has_no_size_of_its_own():
    assert 'preserveAspectRatio="none"' in drawn(stretched=True)
    assert ' width="330" height="120" role' in drawn()


def points(path: str) -> np.ndarray:
    """The corners of a compact path."""
    found = []
    for part in path.split("M")[1:]:
        start, steps = part.rstrip("z").split("l")
        numbers = [np.array(re.findall(r"-?\d*\.?\d+", p), float) for p in (start, steps)]
        found.append(np.cumsum(np.concatenate(numbers).reshape(-1, 2), axis=0))
    return np.concatenate(found)


def test_compact_paths_stay_on_the_curve(rng):
    corners = rng.uniform(-300.0, 300.0, (200, 2))
    text = " ".join(f"{'L' if n % 100 else 'M'} {x} {y}" for n, (x, y) in enumerate(corners))
    np.testing.assert_allclose(points(_path(text)), corners, atol=0.051)
    assert len(_path(text)) < 0.4 * len(text)


def test_curved_paths_are_left_alone():
    assert _path("M 0 0 \nC 1 2 3 4 5 6 \n z") == "M 0 0 C 1 2 3 4 5 6 z"


@pytest.mark.parametrize(
    ("tenths", "text"), [(0, "0"), (3, ".3"), (-3, "-.3"), (10, "1"), (-125, "-12.5")]
)
def test_tenths_are_written_short(tenths, text):
    assert _tenth(tenths) == text


def test_thinning_keeps_every_peak_and_bounds_the_points(rng):
    time = np.linspace(2.0, 9.0, 50_000)
    one, two = rng.normal(size=(2, 50_000))
    moments, first, second = thin(time, one, two, pixels=300)
    assert len(moments) == len(first) == len(second) <= 600
    assert (np.diff(moments) > 0.0).all() and moments[0] == 2.0 and moments[-1] <= 9.0
    for signal, thinned in ((one, first), (two, second)):
        assert (thinned.min(), thinned.max()) == (signal.min(), signal.max())


def test_thinning_keeps_a_peak_where_it_was():
    time = np.linspace(0.0, 10.0, 20_001)
    signal = np.zeros_like(time)
    signal[12_345] = 1.0
    moments, thinned = thin(time, signal, pixels=100)
    assert abs(moments[np.argmax(thinned)] - time[12_345]) <= 0.1


def test_short_signals_are_left_as_they_are():
    time, signal = np.arange(5.0), np.arange(5.0) ** 2
    assert all(a is b for a, b in zip(thin(time, signal, pixels=3), (time, signal), strict=True))

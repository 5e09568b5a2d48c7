"""The page: one file, whole without the network, for folders of any size, names and age."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
pytest.importorskip("jinja2", reason="the extra `report` is not installed")

from results import write_result

from refnms.errors import InputError
from refnms.report import page

VOID = {"meta", "br", "path", "use", "input", "img", "link"}
HOSTILE = ("<script>alert(1)</script>", "A::B & 'C'", "$x_1$", "a" * 80)


class Parsed(HTMLParser):
    """Tags, attributes and text; whatever is opened must be closed, in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.text += " " if tag in ("td", "th") else ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if not self.open or self.open[-1] != "style" else ""

    def ids(self) -> list[str]:
        return [found["id"] for _, found in self.tags if "id" in found]

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def read(folder: Path) -> tuple[str, Parsed]:
    text = page.write(folder).read_text("utf-8")
    return text, Parsed(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_result(tmp_path_factory.mktemp("a") / "result")


@pytest.fixture(scope="module")
def whole(folder) -> tuple[str, Parsed]:
    return read(folder)


def test_it_asks_nothing_of_the_network_and_runs_nothing(whole):
    text, parsed = whole
    assert "http:" not in text and "https:" not in text and "@import" not in text
    assert parsed.names().isdisjoint({"script", "link", "img", "iframe", "object", "base"})
    assert re.findall(r"url\((?!#)", text) == []
    for tag, attributes in parsed.tags:
        assert not any(name.startswith("on") or name == "src" for name in attributes), tag
        assert (attributes.get("href") or "#").startswith("#")
    (policy,) = [a for t, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"].startswith("default-src 'none'")


def test_every_entry_of_the_contents_leads_to_a_section(whole):
    _, parsed = whole
    linked = [a["href"][1:] for tag, a in parsed.tags if tag == "a"]
    sections = [a["id"] for tag, a in parsed.tags if tag == "section"]
    assert linked == sections
    assert {"verdict", "moments", "parameters", "fibers", "activations", "search"} <= {*sections}
    assert {"doubts", "flags", "certificate", "provenance"} <= {*sections}


def test_no_id_stands_twice(whole):
    ids = whole[1].ids()
    assert len(ids) == len(set(ids))


def test_the_verdict_says_before_and_after_for_both_roles(whole):
    text = " ".join(whole[1].text.split())
    assert "On held-out trials, predicted moments follow the measured ones with R² 0.90" in text
    assert "before the calibration it was R² \N{MINUS SIGN}3.50 and 45.2 N·m" in text
    assert "45.25 1.50 \N{MINUS SIGN}3.500 0.900" in text
    assert "3 of 6 parameters on a bound" in text and "1 parameter is not determined" in text
    assert "The search ended: converged, 59 evaluations" in text


def test_hostile_names_are_shown_and_do_nothing(tmp_path):
    folder = write_result(
        tmp_path / "x", HOSTILE, ("<img src=x onerror=alert(1)>",), ("walk", '<b>"run" & $x$')
    )
    text = page.write(folder, title="<script>alert(2)</script>").read_text("utf-8")
    parsed = Parsed(text)
    assert parsed.names().isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, found in parsed.tags for name in found)
    for name in (*HOSTILE, "<script>alert(2)</script>", '<b>"run" & $x$'):
        assert name in parsed.text
    assert len(parsed.ids()) == len(set(parsed.ids()))


@pytest.mark.parametrize(("muscles", "trials"), [(1, 1), (92, 1), (2, 20)])
def test_small_and_large_folders_give_a_page(tmp_path, muscles, trials):
    folder = write_result(
        tmp_path / "x",
        [f"muscle_{n}" for n in range(muscles)],
        trials=[f"trial_{n}" for n in range(trials)],
    )
    text, parsed = read(folder)
    assert parsed.text.count("held out") >= 1
    assert all(f"muscle_{n}" in parsed.text for n in range(muscles))
    assert len(text) < 1_500_000


def test_long_recordings_are_thinned_to_what_a_screen_shows(tmp_path):
    short, long = (
        len(read(write_result(tmp_path / str(frames), frames=frames))[0])
        for frames in (3_000, 12_000)
    )
    assert long < 1.25 * short


@pytest.mark.parametrize("lost", ["details", "walk", "details/run", "uncertainty"])
def test_a_folder_that_lacks_parts_still_gives_a_page(folder, tmp_path, lost):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    if lost == "uncertainty":
        summary = json.loads((copy / "refnms.json").read_text())
        del summary["uncertainty"]
        (copy / "refnms.json").write_text(json.dumps(summary))
    else:
        shutil.rmtree(copy / lost)
    _, parsed = read(copy)
    assert "0.900" in parsed.text
    if lost == "uncertainty":
        assert "--uncertainty" in parsed.text
    if lost == "details":
        assert "uncalibrated" not in parsed.text and "provenance" not in parsed.ids()


def test_the_summary_alone_gives_a_page(folder, tmp_path):
    (tmp_path / "refnms.json").write_bytes((folder / "refnms.json").read_bytes())
    assert "0.900" in read(tmp_path)[1].text


def test_a_certificate_in_the_folder_is_shown(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    check = {"name": "partials", "passed": False, "error": 2e-3, "tolerance": 1e-9, "compared": 5}
    certificate = {
        "schema": "refnms-certificate",
        "passed": False,
        "worst": {"error": 2e-3, "tolerance": 1e-9},
        "samples": 100,
        "determinate": 90,
        "checks": [check],
    }
    (copy / "certificate").mkdir()
    (copy / "certificate" / "refnms.json").write_text(json.dumps(certificate))
    text = read(copy)[1].text
    assert "The certificate of the derivatives found an error" in text
    assert "2.0e-03" in text and "1e-09" in text
    (copy / "certificate" / "refnms.json").write_text("{}")
    with pytest.raises(InputError, match="is no certificate"):
        page.write(copy)


def test_the_same_folder_gives_the_same_page(folder, tmp_path):
    one, two = (page.write(folder, tmp_path / f"{n}.html").read_bytes() for n in "ab")
    assert one == two


def test_the_page_can_be_put_elsewhere(folder, tmp_path):
    path = page.write(folder, tmp_path / "elsewhere.html")
    assert path.name == "elsewhere.html" and "<h1>result</h1>" in path.read_text("utf-8")

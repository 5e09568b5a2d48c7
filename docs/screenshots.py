"""Pictures of the report as it is made today, at two widths, for the pages that show it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from make import squeeze

from refnms import cli, example

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURES = {"report.png": (1100, 1560), "report_narrow.png": (420, 1560)}  # [px]


def take(images: Path) -> Iterator[Path]:
    """Calibrate the demo's participant, and take the report's picture at every width."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"the screenshots need a browser: {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as scratch:
        page = calibrated(Path(scratch)).as_uri()
        for name, size in PICTURES.items():
            shot = Path(scratch) / name
            flags = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
            places = [f"--user-data-dir={scratch}/browser", f"--screenshot={shot}"]
            window = "--window-size={},{}".format(*size)
            command = [browser, *flags, *places, window, page]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            squeeze(shot, images / name)
            yield images / name


def calibrated(folder: Path) -> Path:
    """The report about the participant, held-out trials, intervals and all."""
    person, results = folder / "person", folder / "arm"
    example.write(person)
    unseen = [str(person / name / "trial.xml") for name in ("reach", "hand_to_mouth", "fast_lift")]
    tests = [word for trial in unseen for word in ("--test", trial)]
    setup = str(person / example.SETUP)
    cli.main(["calibrate", setup, *tests, "--uncertainty", "--out", str(results), "-q"])
    return results / "report.html"

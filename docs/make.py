"""Make anew what pages show of the code.

    python docs/make.py [tutorial] [mistakes] [errors] [screenshots]

Without names everything. `tutorial.md` is `examples/tutorial.py` with what it prints; `mistakes.md`
has the messages of `examples/mistakes.py`; `errors.md` is the catalogue; the screenshots need
Chromium and the extra `report`.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
CELL = re.compile(r"^# %%(?: \[(markdown)\])?\n", re.M)


def tutorial(images: Path = IMAGES) -> str:
    """The page: cells of text as they are, cells of code with what they print and draw."""
    from refnms import example

    source = (DOCS / "examples" / "tutorial.py").read_text("utf-8")
    _, *parts = CELL.split(source)
    page, names = [], {"__name__": "tutorial"}
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        example.write(Path("person"))
        for kind, cell in zip(parts[::2], parts[1::2], strict=True):
            if kind == "markdown":
                page.append(re.sub(r"^# ?", "", cell.strip(), flags=re.M))
                continue
            page.append(f"```python\n{cell.strip()}\n```")
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(cell, "tutorial.py", "exec"), names)
            if printed.getvalue():
                page.append(f"```text\n{printed.getvalue().rstrip()}\n```")
            for drawn in Path().glob("*.png"):
                page.append(f"![{drawn.stem.replace('_', ' ')}](images/{drawn.name})")
                squeeze(drawn, images / drawn.name)
                drawn.unlink()
    return "\n\n".join(page) + "\n"


def squeeze(image: Path, into: Path) -> None:
    """Keep a picture in 256 colors: half of the bytes, and no eye sees it."""
    from PIL import Image

    with Image.open(image) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=0).save(
            into, optimize=True
        )


def mistakes() -> str:
    """The page of `examples/mistakes.py`."""
    sys.path.insert(0, str(DOCS / "examples"))
    try:
        from mistakes import page
    finally:
        del sys.path[0]
    return page()


def errors() -> str:
    from refnms.catalogue import page

    return page()


PAGES: dict[str, Callable[[], str]] = {"tutorial": tutorial, "mistakes": mistakes, "errors": errors}


def main(wanted: list[str]) -> None:
    for name, made in PAGES.items():
        if name in wanted or not wanted:
            (DOCS / f"{name}.md").write_text(made(), "utf-8")
            print(f"docs/{name}.md")
    if "screenshots" in wanted or not wanted:
        from screenshots import take  # needs a browser

        for path in take(IMAGES):
            print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main(sys.argv[1:])

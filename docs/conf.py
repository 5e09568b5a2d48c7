"""The documentation as a site, by Sphinx: `python -m sphinx -W docs build/site` (extra `docs`)."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

import refnms

project = "refnms"
author = "The refnms authors"
version = release = refnms.__version__
copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples"]
myst_heading_anchors = 3  # so that pages can name a heading of another
default_role = "code"  # docstrings write code in single backticks, as pages do
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_title = f"refnms {release}"
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

autodoc_preserve_defaults = True
autodoc_type_aliases = {name: name for name in ("Array", "Integers", "Method", "Term")}
COMMENTED = re.compile(r"^    (\w+): .*  # (.*)$", re.M)


def tell_fields(*event: Any) -> None:
    """The comments beside the fields of a record say what they hold, and their shapes."""
    _, _, _, record, _, lines = event
    if isinstance(record, type) and dataclasses.is_dataclass(record):
        fields = {field.name for field in dataclasses.fields(record)}
        told = COMMENTED.findall(inspect.getsource(record))
        lines += [f":param {name}: {comment}" for name, comment in told if name in fields]


def tell_signature(*event: Any) -> tuple[str | None, str | None]:
    """Without the spelling of Python for defaults made anew, and for names of types."""
    arguments, result = event[-2:]
    plain = re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", arguments or "")
    return plain.replace("<factory>", "...") or None, result


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", tell_fields)
    app.connect("autodoc-process-signature", tell_signature)

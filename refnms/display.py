"""Records as people see them: a line of text, a pandas table, a piece of a notebook's page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from refnms.physics.types import Array

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame

MOST_ROWS = 30  # of a table in a notebook; the frame itself has them all
MOST_NAMES = 4  # in a line of text
BLANK = "\N{EN DASH}"


def over_time(time: Array, names: Sequence[str], data: Array) -> DataFrame:
    """Columns `(T, N)` over time `(T,)` [s]."""
    import pandas as pd

    return pd.DataFrame(data, pd.Index(time, name="time"), list(names))


def by_name(what: str, names: Sequence[str], columns: Mapping[str, Any]) -> DataFrame:
    """A row for each of the names of `what`."""
    import pandas as pd

    return pd.DataFrame(dict(columns), pd.Index(list(names), name=what))


def stacked(level: str, frames: Mapping[str, DataFrame]) -> DataFrame:
    """Frames one below the other, under their names."""
    import pandas as pd

    return pd.concat(frames, names=[level])


def side_by_side(levels: tuple[str, str], frames: Mapping[str, DataFrame]) -> DataFrame:
    """Frames with the same rows and columns: below each column its values in all of them."""
    import pandas as pd

    joined = pd.concat(frames, axis=1).swaplevel(axis=1).rename_axis(columns=levels)
    columns = next(iter(frames.values())).columns
    return joined[[(column, name) for column in columns for name in frames]]


def page(line: str, *tables: DataFrame) -> str:
    """HTML for a notebook: a line and tables, every name escaped."""
    from html import escape

    shown = [f"<p>{escape(line.strip('<>'))}</p>"]
    for table in tables:
        shown.append(
            table.head(MOST_ROWS).to_html(
                border=0, escape=True, float_format=_number, na_rep=BLANK, sparsify=True
            )
        )
        if len(table) > MOST_ROWS:
            shown.append(f"<p>and {len(table) - MOST_ROWS} more rows</p>")
    return "\n".join(shown)


def _number(value: float) -> str:
    return BLANK if math.isnan(value) else f"{value:.4g}"


def count(number: int, noun: str) -> str:
    """`1 muscle`, `2 muscles`."""
    plural = {"degree of freedom": "degrees of freedom"}
    return f"{number} {noun if number == 1 else plural.get(noun, f'{noun}s')}"


def listed(names: Sequence[str]) -> str:
    """The first few names."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")

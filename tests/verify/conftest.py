"""What the tests of the certificate share: a run, and a way to spoil the formulas under it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from verified import DRAWS, Case, draw_case

from refnms.parameters import Free, Packing
from refnms.physics.profiles import NATIVE
from refnms.verify import Certificate, certificate, certify


@pytest.fixture(scope="session")
def case() -> Case:
    return draw_case()


@pytest.fixture(scope="session")
def certified(case: Case) -> Certificate:
    """The certificate of that run, from few draws, with an objective."""
    packing = Packing(case.model, [Free("strength_coefficient", (0.5, 2.0))])
    with pytest.MonkeyPatch.context() as patch:
        for name in DRAWS:
            patch.setattr(certificate, name, 30)
        return certify(case.model, case.trials, NATIVE, packing)


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make one field of what a function returns 0.1 % too large."""

    def wrong(module: ModuleType, name: str, field: str | int, factor: float = 1.001) -> None:
        right = getattr(module, name)

        def spoiled(*args: Any, **kwargs: Any) -> Any:
            found = right(*args, **kwargs)
            if isinstance(field, int):
                parts = list(found)
                parts[field] = factor * np.asarray(parts[field])
                return tuple(parts)
            return found._replace(**{field: factor * np.asarray(getattr(found, field))})

        monkeypatch.setattr(module, name, spoiled)

    return wrong

from __future__ import annotations

import inspect

from refnms.interop.c.objects import ENTRIES


def test_every_entry_takes_as_many_arguments_as_its_kernel():
    for name, (kernel, returns, count) in ENTRIES.items():
        signature = inspect.signature(getattr(kernel, "py_func", kernel))
        assert len(signature.parameters) == count, name
        assert (signature.return_annotation in ("None", None)) == (returns == "void"), name
        assert all(p.annotation in ("int", int) for p in signature.parameters.values()), name

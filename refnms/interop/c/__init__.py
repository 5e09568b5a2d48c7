"""The model as a C library: the very kernels, compiled without Python."""

from refnms.interop.c.export import export_c
from refnms.interop.c.subject import write_model, write_trial

__all__ = ["export_c", "write_model", "write_trial"]

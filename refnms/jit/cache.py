"""Compiled kernels on disk.

Why the cache has its own folder: Numba notices an edit of the kernel's own file but not of a file
it imports, so it would go on serving an old formula. The folder's name is a hash of every source
of the rooms that have kernels; only its owner may write there, since a cache entry is a pickle.
`REFNMS_CACHE=off` keeps nothing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from refnms.jit.machine import HAVE_NUMBA

if HAVE_NUMBA:
    import llvmlite
    import numba
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

ROOMS = ("jit", "physics", "optimize", "assistance")  # this one, and those that have kernels


def keep(compiled: Any) -> None:
    """Keep what a dispatcher of Numba compiles, and take what is kept."""
    if cache_directory() is not None:
        try:
            compiled._cache = _Cache(compiled.py_func)
        except OSError as error:  # the function stands in no file
            _warn_of_slow_start(error)


@functools.cache
def cache_directory() -> Path | None:
    """The private folder of compiled kernels, or None: every process then compiles its own."""
    if not HAVE_NUMBA or os.environ.get("REFNMS_CACHE") == "off":
        return None
    try:
        key = hashlib.sha256()
        package = Path(__file__).parents[1]
        compiled = (p for room in ROOMS for p in (package / room).rglob("*.py"))
        for source in sorted(compiled):
            key.update(source.relative_to(package).as_posix().encode() + source.read_bytes())
        for module in (np, numba, llvmlite):
            key.update(module.__version__.encode())
        directory = _cache_home() / f"kernels-{key.hexdigest()[:16]}"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _private(directory):
            raise PermissionError(f"{directory} can be written by others")
        tempfile.TemporaryFile(dir=directory).close()
    except (OSError, RuntimeError) as error:  # RuntimeError: no home folder is known
        _warn_of_slow_start(error)
        return None
    return directory


def _cache_home() -> Path:
    """Where caches of this user live (a NUMBA_CACHE_DIR comes first)."""
    chosen = numba.config.CACHE_DIR
    if chosen:
        return Path(chosen) / "refnms"
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "refnms"


def _private(directory: Path) -> bool:
    """Windows has no such mode; there the user's profile is private."""
    if sys.platform == "win32":
        return True
    status = directory.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@functools.cache
def _warn_once(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _warn_of_slow_start(error: Exception) -> None:
    _warn_once(
        "compiled kernels cannot be kept on disk, so every start compiles them anew "
        f"({error}); set NUMBA_CACHE_DIR to a writable folder, or REFNMS_CACHE=off to accept it"
    )


if HAVE_NUMBA:

    class _Locator:
        """Tells Numba to keep the kernels of a file in our folder, until that file changes."""

        def __init__(self, function: Callable[..., Any], file: str) -> None:
            self._py_file = file
            self._lineno = function.__code__.co_firstlineno

        @classmethod
        def from_function(cls, function: Callable[..., Any], file: str) -> _Locator:
            return cls(function, file)

        def get_cache_path(self) -> str:
            return f"{cache_directory()}/{hashlib.sha256(self._py_file.encode()).hexdigest()[:16]}"

        def ensure_cache_path(self) -> None:
            os.makedirs(self.get_cache_path(), exist_ok=True)

        def get_source_stamp(self) -> str:
            return hashlib.sha256(Path(self._py_file).read_bytes()).hexdigest()

        def get_disambiguator(self) -> str:
            return str(self._lineno)

    class _Implementation(CompileResultCacheImpl):
        _locator_classes = (_Locator,)

    class _Entries(IndexDataCacheFile):
        """Compiled code with its checksum: running damaged code would end the process."""

        def _dump(self, content: Any) -> bytes:
            data: bytes = super()._dump(content)
            return data + hashlib.sha256(data).digest()  # unpickling stops before it

        def _load_data(self, name: str) -> Any:
            data = Path(self._data_path(name)).read_bytes()
            if hashlib.sha256(data[:-32]).digest() != data[-32:]:
                raise ValueError(f"{name} is damaged")
            return super()._load_data(name)

    class _Cache(FunctionCache):
        """Numba's cache, for which a damaged entry is none and an unwritable folder no error."""

        _impl_class = _Implementation

        def __init__(self, function: Callable[..., Any]) -> None:
            super().__init__(function)
            stamp = self._impl.locator.get_source_stamp()
            self._cache_file = _Entries(self._cache_path, self._impl.filename_base, stamp)

        def load_overload(self, signature: Any, target: Any) -> Any:
            try:
                return super().load_overload(signature, target)
            except Exception:  # damaged bytes raise whatever unpickling meets first
                with contextlib.suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, signature: Any, result: Any) -> None:
            try:
                super().save_overload(signature, result)
            except OSError as error:
                _warn_of_slow_start(error)

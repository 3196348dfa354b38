"""Writes values for peers: bounded, and without running code of the values' own classes.

A class may define ``__repr__``, ``__len__`` or a property that does anything at all. So the exact class
of a value decides: values of classes of Python and of a few libraries are written. Of any other
value only the class is named.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import pathlib
import sys
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .secret_words import is_secret_name, is_secret_text

#: Characters of one text, items of one container, columns of one frame, first values of a column.
MAX_TEXT = 400
MAX_ITEMS = 20
MAX_COLUMNS = 40
MAX_FIRST = 5
#: Levels of containers in containers, and bits of a number that is written in full.
MAX_DEPTH = 2
MAX_BITS = 1024
#: Elements over which statistics are computed; more would hold up the kernel.
MAX_COMPUTED = 1_000_000

HIDDEN = "hidden, since its name or content looks like a secret"

_PLAIN = (
    bool, complex, float, type(None), dt.date, dt.datetime, dt.time,
    dt.timedelta, dt.timezone, decimal.Decimal, fractions.Fraction, range, uuid.UUID,
    pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath,
)  # fmt: skip
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")")}
_TEXTS = (str, bytes, bytearray)
_SERIES = (list, tuple, set, frozenset)
#: Classes of libraries with a shape, by module and name; some have one type of all elements.
_SHAPED = (
    ("numpy", "ndarray"),
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("polars", "DataFrame"),
    ("polars", "Series"),
    ("torch", "Tensor"),
)
_qualname: Any = type.__dict__["__qualname__"]
_module: Any = type.__dict__["__module__"]


def kind(value: object) -> str:
    """Return the name of a value's class, with the package that it comes from."""
    cls = type(value)
    # Not cls.__name__, which a metaclass can define.
    package = str(_module.__get__(cls)).partition(".")[0]
    name = str(_qualname.__get__(cls))
    return name if package in ("builtins", "__main__") else f"{package}.{name}"


def size(value: object) -> str:
    """Return the shape or length of a value in words; empty if it has none."""
    cls = type(value)
    known: Any = value
    if cls in _TEXTS:
        return f"{len(known):,} {'characters' if cls is str else 'bytes'}"
    if cls in (*_SERIES, dict, range):
        return f"{len(known):,} items"
    library = _library(value)
    if library is None:
        return ""
    shape = " x ".join(f"{int(length):,}" for length in known.shape)
    return shape if library[1] == "DataFrame" else f"{shape or 'scalar'}, {_type_of(known)}"


def written(value: object, depth: int = 0) -> str:
    """Return a value as a text of bounded length."""
    cls = type(value)
    known: Any = value
    if cls is str:
        return _text(known)
    if cls in _TEXTS:
        return f"{kind(value)} of {size(value)}"
    if cls is int:
        return (
            repr(known) if known.bit_length() <= MAX_BITS else f"int of {known.bit_length()} bits"
        )
    if cls in _PLAIN or _is_numpy_scalar(value):
        return repr(known)[:MAX_TEXT]
    if cls in (*_SERIES, dict):
        return _container(known, depth)
    of = f" ({shown})" if (shown := size(value)) else ""
    return f"<{kind(value)}{of}>"


def lines_of(value: object) -> Iterator[str]:
    """Yield lines that describe a value in detail."""
    known: Any = value
    match _library(value):
        case ("pandas", "DataFrame"):
            yield from _frame(known)
        case ("pandas", "Series"):
            yield _column(known)
        case ("numpy", "ndarray"):
            yield _elements(known)
        case _:
            yield written(value)


def _text(text: str) -> str:
    if is_secret_text(text[: 2 * MAX_TEXT]):
        return HIDDEN
    if len(text) <= MAX_TEXT:
        return repr(text)
    return f"{text[:MAX_TEXT]!r}… ({len(text):,} characters)"


def _container(value: Any, depth: int) -> str:
    begin, end = _BRACKETS.get(type(value), ("{", "}"))
    if depth >= MAX_DEPTH:
        return f"{begin}…{end}"
    # A copy, because a cell may change the container at the same time.
    if type(value) is dict:
        items = [_pair(key, each, depth) for key, each in list(islice(value.items(), MAX_ITEMS))]
    else:
        items = [written(each, depth + 1) for each in list(islice(value, MAX_ITEMS))]
    if len(value) > MAX_ITEMS:
        items.append(f"… {len(value) - MAX_ITEMS:,} more")
    return begin + ", ".join(items) + end


def _pair(key: object, value: object, depth: int) -> str:
    is_secret = isinstance(key, str) and is_secret_name(key)
    return f"{written(key, depth + 1)}: {HIDDEN if is_secret else written(value, depth + 1)}"


def _frame(frame: Any) -> Iterator[str]:
    for at, label in enumerate(islice(frame.columns, MAX_COLUMNS)):
        is_secret = isinstance(label, str) and is_secret_name(label)
        yield f"{written(label)}: {HIDDEN if is_secret else _column(frame.iloc[:, at])}"
    if (more := frame.shape[1] - MAX_COLUMNS) > 0:
        yield f"and {more:,} more columns"


def _column(series: Any) -> str:
    parts = [_type_of(series)]
    if _is_of("numpy", series.dtype):
        parts.append(_statistics(series.to_numpy()))
    if _is_of("numpy", series.dtype) or _is_of("pandas", series.dtype):
        parts.append(_first(series.iloc[:MAX_FIRST].tolist()))
    return "; ".join(filter(None, parts))


def _elements(array: Any) -> str:
    return "; ".join(filter(None, (_statistics(array), _first(array.ravel()[:MAX_FIRST].tolist()))))


def _statistics(array: Any) -> str:
    """Return least, mean and largest of a numpy array of numbers; empty for others."""
    if array.dtype.kind not in "iuf" or not 0 < array.size <= MAX_COMPUTED:
        return ""
    finite = array
    if array.dtype.kind == "f":
        finite = array[array == array]  # without NaN
    missing = array.size - finite.size
    if not finite.size:
        return "only missing values"
    mean = written(float(finite.mean()))
    least, most = (written(each.item()) for each in (finite.min(), finite.max()))
    gaps = f", {missing:,} missing" if missing else ""
    return f"min {least}, mean {mean}, max {most}{gaps}"


def _first(values: Iterable[object]) -> str:
    shown = [written(each, MAX_DEPTH) for each in values]
    return f"begins {', '.join(shown)}" if shown else "empty"


def _type_of(value: Any) -> str:
    """Return the type of the elements; only libraries' own types write themselves."""
    is_known = any(
        _is_of(package, value.dtype) for package in ("numpy", "pandas", "polars", "torch")
    )
    return str(value.dtype) if is_known else kind(value.dtype)


def _library(value: object) -> tuple[str, str] | None:
    """Return module and name of a value's class, if it is exactly a known one with a shape."""
    for module, name in _SHAPED:
        if type(value) is getattr(sys.modules.get(module), name, _Absent):
            return module, name
    return None


def _is_numpy_scalar(value: object) -> bool:
    numpy: Any = sys.modules.get("numpy")
    cls = type(value)
    return numpy is not None and issubclass(cls, numpy.generic) and _is_of("numpy", value) and (
        cls is not numpy.void and cls is not numpy.object_
    )  # fmt: skip


def _is_of(package: str, value: object) -> bool:
    return str(_module.__get__(type(value))).partition(".")[0] == package


class _Absent:
    """Of which nothing is an instance."""

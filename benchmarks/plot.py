"""The points of the sweeps as CSV and as a picture."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence

import msgspec

from jupyter_peer.errors import BadRequestError, NotEnabledError

from .report import write


class Point(msgspec.Struct, frozen=True):
    """One measured point.

    Attributes:
        sweep: The curve of the point.
        x: Number of bytes, peers or viewers.
        y: The measured value, in ``unit``.
        unit: Unit of ``y``.
    """

    sweep: str
    x: float
    y: float
    unit: str


def write_csv(path: str, points: Sequence[Point]) -> None:
    """Write the points as CSV with a header.

    Raises:
        BadRequestError: The file cannot be written.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(Point.__struct_fields__)
    rows.writerows(msgspec.structs.astuple(point) for point in points)
    write(path, text.getvalue().encode())


def check_can_plot() -> None:
    """Check before a long run that a picture can be drawn.

    Raises:
        NotEnabledError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise NotEnabledError("--plot needs matplotlib", hint="pip install matplotlib")


def write_plot(path: str, points: Sequence[Point]) -> None:
    """Draw each sweep in its own panel, with logarithmic axes.

    Raises:
        BadRequestError: The file cannot be written, or its name has no known suffix.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sweeps: dict[str, list[Point]] = {}
    for point in points:
        sweeps.setdefault(point.sweep, []).append(point)
    picture = Figure(figsize=(6, 3 * max(1, len(sweeps))), layout="tight")
    FigureCanvasAgg(picture)
    for number, (sweep, its) in enumerate(sweeps.items(), 1):
        axes = picture.add_subplot(len(sweeps), 1, number)
        axes.loglog([point.x for point in its], [point.y for point in its], marker="o")
        axes.set_title(sweep)
        axes.set_ylabel(its[0].unit)
        axes.grid(True, which="both", alpha=0.3)
    drawn = io.BytesIO()
    kind = path.rpartition(".")[2].lower() if "." in path else "png"
    try:
        picture.savefig(drawn, format=kind)
    except ValueError as error:
        raise BadRequestError(f"{path} cannot be drawn: {error}", hint="name it .png") from error
    write(path, drawn.getvalue())

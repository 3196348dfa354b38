"""How alike two pictures of one output are, as a person would judge it."""

from __future__ import annotations

from collections import Counter

import numpy as np
from PIL import Image, ImageFilter

#: Pictures are blurred by so many pixels, since letters that begin between two pixels look the same.
BLUR = 0.7
#: A pixel is the same where the other picture has its colour within so many pixels of it …
REACH = 2
#: … in each of red, green and blue, up to so much of 255.
SHADE = 32
#: A page may begin an output so many pixels higher or lower, between two lines of the screen.
SHIFT = 3
#: Share of what is drawn that may have no counterpart: two pictures that a person takes for the same.
TOLERANCE = 0.02


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the share of what is drawn in two pictures that the other one does not have.

    What is drawn are the pixels that have not the colour of the ground. Empty space below or beside
    the smaller picture is no difference, nor is where a page begins it, up to :data:`SHIFT`.
    """
    shares = []
    for shift in sorted(range(-SHIFT, SHIFT + 1), key=abs):
        shares.append(_difference(one, other, max(0, -shift), max(0, shift)))
        if shares[-1] <= TOLERANCE:
            break
    return min(shares)


def _difference(one: Image.Image, other: Image.Image, above: int, above_other: int) -> float:
    """Return the share with so many empty lines above each of the pictures."""
    size = (max(one.width, other.width), max(one.height, other.height) + SHIFT)
    first, second = _on_ground(one, size, above), _on_ground(other, size, above_other)
    drawn = _drawn(first, ground(one)) | _drawn(second, ground(other))
    if not drawn.any():
        return 0.0
    alone = _without_counterpart(first, second) | _without_counterpart(second, first)
    return float((alone & drawn).sum() / drawn.sum())


def ground(picture: Image.Image) -> tuple[int, int, int]:
    """Return the colour at most of the picture's edge."""
    picture = picture.convert("RGB")
    edge = [(x, y) for x in range(picture.width) for y in (0, picture.height - 1)]
    edge += [(x, y) for y in range(picture.height) for x in (0, picture.width - 1)]
    colours = Counter(picture.getpixel(at) for at in edge)
    return colours.most_common(1)[0][0]  # type: ignore[return-value]


def _on_ground(picture: Image.Image, size: tuple[int, int], above: int) -> Image.Image:
    whole = Image.new("RGB", size, ground(picture))
    whole.paste(picture.convert("RGB"), (0, above))
    return whole.filter(ImageFilter.GaussianBlur(BLUR))


def _drawn(
    picture: Image.Image, colour: tuple[int, int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return (np.abs(_pixels(picture) - np.array(colour)) > SHADE).any(axis=2)


def _without_counterpart(
    picture: Image.Image, other: Image.Image
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    around = 2 * REACH + 1
    darkest = _pixels(other.filter(ImageFilter.MinFilter(around))) - SHADE
    brightest = _pixels(other.filter(ImageFilter.MaxFilter(around))) + SHADE
    pixels = _pixels(picture)
    return ((pixels < darkest) | (pixels > brightest)).any(axis=2)


def _pixels(picture: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.asarray(picture, dtype=np.int16)

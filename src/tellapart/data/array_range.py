"""Infer which values of arrays stand for black and white, and scale them to 0..255, alike in a whole collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tellapart.errors import DataError
from tellapart.images.samples import FEW_LEVELS

SAMPLE = 1_000_000
"""Values that are examined, evenly spread, where the smallest and greatest are not enough."""

ENOUGH = 1000
"""Values below which a range is not inferred: a few dark pictures may have any maximum."""

DEEP = (1023, 4095, 10_000, 16_383, 65_535)
"""Greatest values of deeper samples: 10, 12, 14 and 16 bits, and satellites' reflectance times 10,000."""

OVERSHOOT = 0.2
"""How far, of the range, bicubic and Lanczos resizing may leave it: at most about this share at sharp edges."""

RARE = 0.01
"""Share of values outside a range that are clipped; where there are more, the range is widened instead."""

DARK = 1 / 16
"""A scale on which 99.9 % of the values are below this share of white leaves 16 grey levels."""

ROUNDING = 1e-4
"""How far, of the range, rounding may leave it, as in float16."""

ALIKE, FEW_PICTURES = 15, 10
"""The greatest values of the arrays of a collection differ by less than this factor, if they have more pictures."""


def few_levels(most: float) -> int | None:
    """Return the greatest value of the usual small range of whole numbers up to `most`; None if it is not small."""
    return next((level for level in FEW_LEVELS if 0 < most <= level), None)


def scaled_line(low: float, high: float) -> str:
    """Return the line for `Collection.inferred` about a range."""
    return f"values: {_number(low)} to {_number(high)}, scaled to 0 to 255"


@dataclass(frozen=True)
class ValueRange:
    """The values that become 0 and 255; others are clipped.

    Attributes:
        low, high: The values of black and white.
        line: What was inferred, for `Collection.inferred`; "" if it is what the type says.
        note: What is odd about it, for `Collection.notes`; "" if nothing is.
    """

    low: float = 0.0
    high: float = 255.0
    line: str = ""
    note: str = ""

    @property
    def recorded(self) -> tuple[float, float] | None:
        """The range for `Collection.value_range`: None for 0..255, and for floats 0..1."""
        usual = (self.low, self.high) == (0, 255) or ((self.low, self.high) == (0, 1) and not self.line)
        return None if usual else (self.low, self.high)

    def scale(self, array: np.ndarray) -> np.ndarray:
        """Return numbers [n, ...] as uint8 of the same shape, rounded; uint8 values 0..255 are returned as they are."""
        if array.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return array
        pixels = np.empty(array.shape, np.uint8)
        rows = max(1, 2**22 // max(1, array[:1].size))  # so that the floats of few pictures are in memory at once
        for start in range(0, len(array), rows):
            some = array[start : start + rows].astype(np.float64)
            some = (some - self.low) * (255.0 / (self.high - self.low))
            pixels[start : start + rows] = np.rint(np.clip(some, 0, 255))
        return pixels


@dataclass(frozen=True)
class _Values:
    """The values of all pictures of a collection, given as arrays by their names in errors."""

    arrays: Mapping[str, np.ndarray]

    @cached_property
    def least(self) -> float:
        return float(min(array.min() for array in self.arrays.values()))

    @cached_property
    def most(self) -> float:
        return float(max(array.max() for array in self.arrays.values()))

    @cached_property
    def count(self) -> int:
        return sum(array.size for array in self.arrays.values())

    @cached_property
    def sample(self) -> np.ndarray:
        step = self.count // SAMPLE + 1
        return np.concatenate([array.reshape(-1)[::step].astype(np.float64) for array in self.arrays.values()])

    @cached_property
    def whole(self) -> bool:
        """Whether all values are whole numbers; floats with a maximum of 1 are not called whole."""
        if all(array.dtype.kind in "iu" for array in self.arrays.values()):
            return True
        return self.most > 1 and bool((self.sample == np.rint(self.sample)).all())

    @cached_property
    def unsigned(self) -> bool:
        return all(array.dtype.kind in "ub" for array in self.arrays.values())

    @property
    def where(self) -> str:
        return next(iter(self.arrays))

    @property
    def words(self) -> str:
        return _span(self.least, self.most)

    def share_outside(self, low: float, high: float) -> float:
        return float(((self.sample < low) | (self.sample > high)).mean())


def infer_range(arrays: Mapping[str, np.ndarray]) -> ValueRange:
    """Return the values of black and white in all the pictures of a collection.

    `arrays` are pictures [n, height, width, channels] of any number type, by their names in errors. Raises DataError
    for NaN, infinity and values that no picture has, which names the first such picture, and where several ranges are
    about equally likely.
    """
    filled = {name: array for name, array in arrays.items() if array.size}
    if not filled or all(array.dtype == bool for array in filled.values()):
        return ValueRange(0, 1 if filled else 255)
    for name, array in filled.items():
        _check_finite(array, name)
    values = _Values(filled)
    _check_alike(filled)
    if values.least >= 0 and values.most <= 255 and values.whole:
        return _whole_up_to_255(values)
    if values.least >= 0 and values.most <= 1:
        return _unit(values)
    fractions_above_1 = values.least >= 0 and not values.whole and values.most <= 1 + OVERSHOOT
    if values.count < ENOUGH and not fractions_above_1:
        _refuse_outside(values, 255.0)
        return ValueRange()
    return _inferred(values)


def _whole_up_to_255(values: _Values) -> ValueRange:
    """The range of whole numbers: 0..255, unless all of very many are tiny."""
    high = few_levels(values.most)
    if high is None or values.count < ENOUGH or values.least == values.most:
        return ValueRange()
    return _scaled(0, high)


def _unit(values: _Values) -> ValueRange:
    """The range of floats in 0..1; pixels that were divided by 255 twice are at most 1/255."""
    twice = 1 / 255 * 1.0001
    if not 0 < values.most <= twice or values.count < ENOUGH or values.most < twice / 4:
        return ValueRange(0, 1)
    return ValueRange(
        0, 1 / 255, "values: 0 to 1/255, scaled to 0 to 255", "values are at most 1/255: divided by 255 twice?"
    )


def _inferred(values: _Values) -> ValueRange:
    if values.least >= 0 and FEW_LEVELS[-1] * 1.5 < values.most <= 255:
        return ValueRange()
    for high in (1.0, 255.0):
        slack = OVERSHOOT * high
        rises = values.most > high * (1 - OVERSHOOT)
        if -slack <= values.least and rises and values.most <= high + slack and not (high > 1 and values.unsigned):
            return _overshot(values, high)
    if values.least < 0:
        return _signed(values)
    if values.most <= 255:
        raise _unclear(values)
    return _deep(values)


def _overshot(values: _Values, high: float) -> ValueRange:
    """The range of values that leave 0..high a little, as resizing by bicubic or Lanczos filters makes them."""
    share = values.share_outside(0, high)
    if values.least >= -ROUNDING * high and values.most <= (1 + ROUNDING) * high:
        return ValueRange(0, high)
    said = f"values: {values.words}, outside 0 to {high:g}"
    if share > RARE:
        low, top = min(0.0, values.least), max(high, values.most)
        return ValueRange(low, top, scaled_line(low, top), f"{said} in {share:.1%}: scaled by their range")
    note = f"{said} in {_percent(share)}, as resizing leaves them: clipped"
    return ValueRange(0, high, f"values: 0 to {high:g}, clipped, scaled to 0 to 255", note)


def _signed(values: _Values) -> ValueRange:
    """The range of values below 0: -1..1 and -0.5..0.5. Raises DataError for standardised pixels and others."""
    for top in (0.5, 1.0):
        reaches = max(-values.least, values.most) > 0.9 * top
        if reaches and -values.least <= 1.05 * top and values.most <= 1.05 * top and values.least < -0.5 * top:
            note = (
                "" if values.share_outside(-top, top) == 0 else f"values: {values.words}, clipped to {-top:g}..{top:g}"
            )
            found = _scaled(-top, top)
            return ValueRange(-top, top, found.line, note)
    mean, deviation = float(values.sample.mean()), float(values.sample.std())
    numbers = (
        f"{values.where}: has negative values ({values.words}; mean {mean:.3g}, standard deviation {deviation:.3g})"
    )
    if abs(mean) < 0.5 and 0.5 < deviation < 2:
        raise DataError(
            f"{numbers}: the pixels seem to be standardised",
            "pixels before standardising: 0 to 255, 0 to 1, or -1 to 1",
            "save the pixels without it, or undo it: x * deviation + mean",
        )
    raise DataError(
        f"{numbers}, whose meaning is not clear",
        "0 to 255, 0 to 1, or -1 to 1",
        "undo the subtraction of a mean, or choose which values are black and white (a window, for Hounsfield units), "
        "and save them as 0 to 255",
    )


def _unclear(values: _Values) -> DataError:
    """The error for fractions up to a few ones."""
    return DataError(
        f"{values.where}: has values from {values.words}, and it is not clear which value is white",
        f"0 to 255, 0 to 1, or -1 to 1 (white may be 255, which makes these pictures almost black, or "
        f"{values.most:.3g})",
        "multiply or divide the array so that white is 255",
    )


def _deep(values: _Values) -> ValueRange:
    """The range of values above 255: the smallest usual depth that holds them."""
    usual = float(np.quantile(values.sample, 0.999))
    if values.most > DEEP[-1] or usual <= 255:
        _refuse_outside(values, 255.0)
    high = next(level for level in DEEP if values.most <= level)
    if usual > high * DARK:
        return _scaled(0, high)
    fits = next(level for level in DEEP if usual <= level)
    note = f"values: {values.words}, but 99.9 % are at most {usual:,.0f}: those above {fits:,} are clipped"
    return ValueRange(0, fits, f"values: 0 to {fits:,}, clipped, scaled to 0 to 255", note)


def _scaled(low: float, high: float) -> ValueRange:
    return ValueRange(low, high, scaled_line(low, high))


def _check_alike(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise DataError where arrays are on another scale than others: a split that was not divided, or not shifted."""
    top = max(float(array.max()) for array in arrays.values())
    ends = {name: (float(array.min()), float(array.max())) for name, array in arrays.items() if _tells(array, top)}
    if len(ends) < 2:
        return
    tops = {name: max(-least, most) for name, (least, most) in ends.items()}
    small, great = min(tops, key=lambda name: tops[name]), max(tops, key=lambda name: tops[name])
    if tops[great] < ALIKE * tops[small]:  # else a mean was subtracted, or -1..1 beside 0..1
        small = max(ends, key=lambda name: ends[name][0] / tops[name])
        great = min(ends, key=lambda name: ends[name][0] / tops[name])
        if ends[small][0] < 0 or ends[great][0] > -tops[great] / 2:
            return
    raise DataError(
        f"{small} has values from {_span(*ends[small], 3)}, and {great.rpartition(': ')[2]} from "
        f"{_span(*ends[great], 3)}",
        "the same range in all splits",
        "scale all of them alike, such as 0 to 255",
    )


def _tells(array: np.ndarray, top: float) -> bool:
    """Whether an array shows its scale: it has two values, and not only a few pictures, which may be dark."""
    least, most = array.min(), array.max()
    many = len(array) >= FEW_PICTURES and array.size >= ENOUGH
    fractions = array.dtype.kind == "f" and bool(0 < most <= 1)
    return bool(least != most) and (many or most == top or (fractions and top > FEW_LEVELS[-1]))


def _check_finite(array: np.ndarray, where: str) -> None:
    if array.dtype.kind == "f" and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise _outside(array, ~np.isfinite(array), where)


def _refuse_outside(values: _Values, high: float) -> None:
    """Raise DataError for the first value outside 0..high, if there is one."""
    for where, array in values.arrays.items():
        if array.min() < 0 or array.max() > high:
            raise _outside(array, (array < 0) | (array > high), where)


class OutOfRangeError(DataError):
    """A value that no picture has: `value`, in picture number `picture` of the array called `where`."""

    where: str
    picture: int
    value: float


def _outside(array: np.ndarray, wrong: np.ndarray, where: str) -> OutOfRangeError:
    place = np.unravel_index(int(wrong.argmax()), array.shape)
    i, row, column = place[:3]
    error = OutOfRangeError(
        f"{where}: picture {i} has the value {array[place]} at row {row}, column {column}",
        "pixels from 0 to 255 (or floats from 0 to 1)",
        "rescale or repair the array",
    )
    error.where, error.picture, error.value = where, int(i), float(array[place])
    return error


def _span(least: float, most: float, decimals: int = 9) -> str:
    return f"{_number(round(least, decimals))} to {_number(round(most, decimals))}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _percent(share: float) -> str:
    return "less than 0.1 % of them" if share < 0.001 else f"{share:.1%} of them"

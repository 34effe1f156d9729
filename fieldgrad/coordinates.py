# SPDX-License-Identifier: BSD-3-Clause
"""What one coordinate says of itself: its direction, its positions, and whether they are lengths.

The attributes are those of the CF conventions (https://cfconventions.org, chapters 4 and 5), with the further
ones that cf_xarray reads.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

Attrs = Mapping[Any, Any]

# Standing of a claim to a direction: a lower one wins, two equal ones are ambiguous.
BY_CF, BY_NAME, BY_LONG_NAME, BY_RESEMBLANCE = range(4)

_LATITUDES = {"latitude", "grid_latitude"}
_LONGITUDES = {"longitude", "grid_longitude"}
_NORTH = {f"{degree}{north}" for degree in ("degree", "degrees") for north in ("_north", "_n", "n")}
_EAST = {f"{degree}{east}" for degree in ("degree", "degrees") for east in ("_east", "_e", "e")}
_ANGLES = {"degree", "degrees", "deg", "°", "rad", "radian", "radians", "arcmin", "arcsec"}
_ANGULAR = {"projection_x_angular_coordinate", "projection_y_angular_coordinate"}
_PRESSURES = {
    *("pa", "pascal", "pascals", "hpa", "hectopascal", "hectopascals", "kpa", "mpa", "bar", "bars", "atm"),
    *("mb", "mbar", "mbars", "millibar", "millibars", "db", "dbar", "decibar", "decibars"),
}
_PRESSURE_NAMES = {"air_pressure", "sea_water_pressure"}
_HEIGHTS = {
    *("height", "altitude", "depth", "geopotential_height", "height_above_geopotential_datum"),
    *("height_above_reference_ellipsoid", "height_above_mean_sea_level"),
}
# Vertical coordinates that count levels or follow the ground; heights need a formula and more variables.
_PARAMETRIC = {
    *("model_level_number", "atmosphere_ln_pressure_coordinate", "atmosphere_sigma_coordinate"),
    *("atmosphere_hybrid_sigma_pressure_coordinate", "atmosphere_hybrid_height_coordinate"),
    *("atmosphere_sleve_coordinate", "ocean_sigma_coordinate", "ocean_s_coordinate", "ocean_s_coordinate_g1"),
    *("ocean_s_coordinate_g2", "ocean_sigma_z_coordinate", "ocean_double_sigma_coordinate"),
}
_LEVELS = {"level", "levels", "layer", "layers", "sigma_level", "model_level", "model_levels"}
_LEVEL_NAME = re.compile(r"o?lev|level|sigma|hybrid|eta|model_level|bottom_top")

_STANDARD_NAMES = {
    **dict.fromkeys(["projection_x_coordinate", "projection_x_angular_coordinate", *_LONGITUDES], "x"),
    **dict.fromkeys(["projection_y_coordinate", "projection_y_angular_coordinate", *_LATITUDES], "y"),
    **dict.fromkeys([*_HEIGHTS, *_PRESSURE_NAMES, *_PARAMETRIC], "z"),
    "time": "t",
}
_LETTERS = {letter: letter for letter in "xyzt"}
# In order of precedence; values are compared in lower case.
_CRITERIA: tuple[tuple[str, dict[str, str]], ...] = (
    ("axis", _LETTERS),
    ("standard_name", _STANDARD_NAMES),
    ("units", {**dict.fromkeys(_NORTH, "y"), **dict.fromkeys(_EAST, "x"), **dict.fromkeys(_PRESSURES, "z")}),
    ("positive", {"up": "z", "down": "z"}),
    ("cartesian_axis", _LETTERS),
    ("grads_dim", _LETTERS),
    (
        "_CoordinateAxisType",
        {
            "geox": "x",
            "lon": "x",
            "geoy": "y",
            "lat": "y",
            "geoz": "z",
            "height": "z",
            "pressure": "z",
            "time": "t",
        },
    ),
)

_NAMES = (
    ("x", re.compile(r"xc?|[rx]?lon(gitude)?\d*|n(av_)?lon|west_east")),
    ("y", re.compile(r"yc?|[ry]?lat(itude)?\d*|n(av_)?lat|south_north")),
    (
        "z",
        re.compile(
            r"zc?|[op]?lev\d*|levels?\d*|nav_lev|(model|pressure)_levels?|lv_\w+|bottom_top|sigma|isobaric\d*|"
            r"depth[tuvw]?\d*|height\d*|altitude|pressure"
        ),
    ),
    ("t", re.compile(r"t|time")),
)
# resolution_x, grid_x, nx, dimx
_RESEMBLANCE = re.compile(r"(?:\w*_|n|dim)([xyz])")

_SECONDS = {
    **dict.fromkeys(["ns", "nanosecond", "nanoseconds"], 1e-9),
    **dict.fromkeys(["us", "µs", "microsecond", "microseconds"], 1e-6),
    **dict.fromkeys(["ms", "msec", "millisecond", "milliseconds"], 1e-3),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1.0),
    **dict.fromkeys(["min", "mins", "minute", "minutes"], 60.0),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3600.0),
    **dict.fromkeys(["d", "day", "days"], 86400.0),
    **dict.fromkeys(["week", "weeks"], 604800.0),
}
_UNEVEN_TIMES = {
    "month",
    "months",
    "year",
    "years",
    "yr",
    "yrs",
    "common_year",
    "common_years",
    "decade",
    "decades",
}

_METRES = {
    **dict.fromkeys(["m", "metre", "metres", "meter", "meters"], 1.0),
    **dict.fromkeys(["km", "kilometre", "kilometres", "kilometer", "kilometers"], 1e3),
    **dict.fromkeys(["dm", "decimetre", "decimetres", "decimeter", "decimeters"], 1e-1),
    **dict.fromkeys(["cm", "centimetre", "centimetres", "centimeter", "centimeters"], 1e-2),
    **dict.fromkeys(["mm", "millimetre", "millimetres", "millimeter", "millimeters"], 1e-3),
    **dict.fromkeys(["um", "µm", "micron", "microns", "micrometre", "micrometres", "micrometer", "micrometers"], 1e-6),
    **dict.fromkeys(["nm", "nanometre", "nanometres", "nanometer", "nanometers"], 1e-9),
    **dict.fromkeys(["in", "inch", "inches"], 0.0254),
    **dict.fromkeys(["ft", "foot", "feet"], 0.3048),
    **dict.fromkeys(["mi", "mile", "miles"], 1609.344),
}
# The first spelling of each size is its symbol.
_SYMBOLS = {
    word: next(other for other, same in table.items() if same == size)
    for table in (_METRES, _SECONDS)
    for word, size in table.items()
}


def _text(attrs: Attrs, key: str) -> str | None:
    value = attrs.get(key)
    if isinstance(value, str) and value.strip():
        return value.strip()
    return None


def _unit(word: str) -> str:
    # "Days" is days, but "Ms" is no millisecond
    return word if len(word) <= 2 else word.lower()


def _time_unit(units: str | None) -> tuple[str, bool] | None:
    """Unit of a time and whether it counts from a date; None where the units are not those of a time."""
    if units is None:
        return None
    word, *rest = units.split(maxsplit=1)
    dated = bool(rest) and rest[0].lower().startswith("since ")
    unit = _unit(word)
    if dated or (not rest and (unit in _SECONDS or unit in _UNEVEN_TIMES)):
        return unit, dated
    return None


_HORIZONTAL = (("x", BY_NAME), ("y", BY_NAME))


@lru_cache(maxsize=512)
def _direction_of_name(dim: str) -> tuple[str, int] | None:
    name = dim.lower()
    for letter, pattern in _NAMES:
        if pattern.fullmatch(name):
            return letter, BY_NAME
    match = _RESEMBLANCE.fullmatch(name)
    return (match[1], BY_RESEMBLANCE) if match else None


def direction(dim: str, attrs: Attrs, kind: str) -> tuple[str, int] | None:
    """Direction that a dimension claims.

    Parameters
    ----------
    dim : str
        Its name.
    attrs : mapping
        Attributes of its coordinate; empty where there is none.
    kind : str
        Kind of the coordinate's dtype, as ``dtype.kind`` has it; "" where there is none.

    Returns
    -------
    tuple of (str, int), or None
        "x", "y", "z" or "t", and the standing of the claim: ``BY_CF`` before ``BY_NAME`` before
        ``BY_LONG_NAME`` before ``BY_RESEMBLANCE``.

    Examples
    --------
    >>> direction("rows", {"standard_name": "projection_y_coordinate"}, "f")
    ('y', 0)
    >>> direction("lon", {}, "f")
    ('x', 1)
    >>> direction("member", {}, "U")
    """
    if kind and kind in "mM":
        return "t", BY_CF
    named = _direction_of_name(dim)
    for key, table in _CRITERIA if attrs else ():
        value = _text(attrs, key)
        if key == "positive" and named in _HORIZONTAL:
            continue  # y points down in images
        if value is not None and (letter := table.get(value.lower())):
            return letter, BY_CF
        if value is not None and key == "units" and (time := _time_unit(value)) and time[1]:
            return "t", BY_CF
    claim = named
    if (claim is None or claim[1] > BY_LONG_NAME) and attrs:
        long_name = _text(attrs, "long_name")
        if long_name is not None and (letter := _STANDARD_NAMES.get(long_name.lower())):
            return letter, BY_LONG_NAME
    return claim


def points_down(name: str, attrs: Attrs) -> bool:
    """Whether the y of an image points down, as its attribute ``positive`` says.

    Parameters
    ----------
    name : str
        Direction of the axis.
    attrs : mapping
        Attributes of its coordinate.

    Returns
    -------
    bool
        False for every other direction: depths are refused, see :func:`obstacle`.

    Examples
    --------
    >>> points_down("y", {"positive": "down"})
    True
    """
    return name == "y" and (_text(attrs, "positive") or "").lower() == "down"


def obstacle(dim: str, name: str, attrs: Attrs, kind: str, *, told: bool = False) -> str | None:
    """Why a coordinate does not measure lengths along its direction.

    Parameters
    ----------
    dim : str
        Name of the dimension.
    name : str
        Direction that it is taken for: "x", "y" or "z".
    attrs : mapping
        Attributes of its coordinate.
    kind : str
        Kind of the coordinate's dtype.
    told : bool
        Whether the caller says which way it and the component along it point.

    Returns
    -------
    str or None
        What to print after the name of the dimension; None if nothing speaks against lengths.

    Examples
    --------
    >>> obstacle("lat", "y", {"units": "degrees_north"}, "f")
    'is a latitude in degrees_north, which is no length'
    >>> obstacle("y", "y", {"units": "m"}, "f")
    """
    units, standard = _text(attrs, "units"), (_text(attrs, "standard_name") or "").lower()
    unit, label = (units or "").lower(), dim.lower()
    within = f" in {units}" if units else ""
    if (kind and kind in "mM") or _time_unit(units):
        return "is a time, which is no length"
    if standard in _PARAMETRIC:
        return f"is a vertical coordinate of model levels ({standard}), which is no length"
    if metres(units) is None:
        # a latitude that says nothing of its units is in degrees all the same
        silent = unit in _ANGLES or not unit
        claim = _direction_of_name(dim)
        if standard in _LATITUDES or unit in _NORTH or (silent and "lat" in label and claim == ("y", BY_NAME)):
            return f"is a latitude{within}, which is no length"
        if standard in _LONGITUDES or unit in _EAST or (silent and "lon" in label and claim == ("x", BY_NAME)):
            return f"is a longitude{within}, which is no length"
        if standard in _PRESSURE_NAMES or unit in _PRESSURES:
            return f"is a pressure coordinate{f' ({units})' if units else ''}, which is no length"
        if unit in _ANGLES or standard in _ANGULAR:
            return f"is an angle{within}, which is no length"
        if unit in _LEVELS or (unit in ("1", "dimensionless") and _LEVEL_NAME.match(label)):
            return f"is a vertical coordinate of model levels (units {units!r}), which is no length"
    positive = (_text(attrs, "positive") or "").lower()
    if name == "z" and not told and (positive == "down" or (standard == "depth" and positive != "up")):
        return (
            f"is positive down, while z points up (obj.assign_coords({{{dim!r}: -obj[{dim!r}]}}) without its "
            "attributes is a height; or infer_grid(obj, positive={"
            f"{dim!r}: 'down'}}), if the velocity along it is positive down too)"
        )
    return None


def metres(units: str | None) -> float | None:
    """Size of a unit of length in metres; None where it is none.

    Parameters
    ----------
    units : str or None
        Units, as an attribute states them.

    Returns
    -------
    float or None
        Its size.

    Examples
    --------
    >>> metres("km")
    1000.0
    >>> metres("degrees_north")
    """
    return None if units is None else _METRES.get(_unit(units))


def seconds(units: str | None) -> float | None:
    """Size of a unit of time in seconds; None where it is none, or has no fixed size.

    Parameters
    ----------
    units : str or None
        Units, as an attribute states them.

    Returns
    -------
    float or None
        Its size.

    Examples
    --------
    >>> seconds("hours")
    3600.0
    >>> seconds("months")
    """
    return None if units is None else _SECONDS.get(_unit(units))


def unit_symbol(word: str) -> str:
    """The symbol of a unit of length or time; any other word as it is.

    Parameters
    ----------
    word : str
        Name or symbol of a unit.

    Returns
    -------
    str
        Its symbol.

    Examples
    --------
    >>> unit_symbol("metres"), unit_symbol("sec"), unit_symbol("Pa")
    ('m', 's', 'Pa')
    """
    return _SYMBOLS.get(word.lower(), word) if len(word) > 2 else word


def positions(dim: str, values: Any, attrs: Attrs) -> tuple[Any, str | None, float]:
    """Positions that a coordinate holds, with times in seconds.

    Parameters
    ----------
    dim : str
        Name of the dimension, for messages.
    values : ndarray, shape (n,)
        Values of the coordinate: numbers, datetime64, timedelta64, or date objects of cftime or of the
        standard library.
    attrs : mapping
        Its attributes.

    Returns
    -------
    positions : ndarray, shape (n,)
        What :func:`fieldgrad.grid.checked_nodes` takes. Dates count from the first of them.
    units : str or None
        Their units: "s" for times, else what the attribute says.
    scale : float
        Number of these units in a unit of the attribute.

    Raises
    ------
    TypeError
        If the values are neither numbers nor times.
    ValueError
        If the values are those of a MultiIndex, or times in a unit that has no fixed length, such as months.

    Examples
    --------
    >>> positions("time", np.array([3.0, 3.5]), {"units": "hours since 2000-01-01"})
    (array([   0., 1800.]), 's', 3600.0)
    """
    kind = values.dtype.kind
    if kind in "mM":
        return values, "s", 1.0
    if kind == "O":
        return _seconds(dim, values), "s", 1.0
    units = _text(attrs, "units")
    time = _time_unit(units) if kind in "iuf" else None
    if time is None:
        return values, units, 1.0
    unit, dated = time
    scale = _SECONDS.get(unit)
    if scale is None:
        raise ValueError(
            f"dimension {dim!r}: its coordinate is a time in {units!r}, which has no fixed number of "
            f"seconds; assign dates or seconds (obj.assign_coords({{{dim!r}: times}}))"
        )
    # integers are subtracted as such: nanoseconds since 1970 exceed the 53 bits of a float64
    numbers = values.astype(np.int64 if kind in "iu" else np.float64)
    if dated:
        numbers = numbers - numbers[:1]
    return numbers * scale, "s", scale


def _seconds(dim: str, values: Any) -> Any:
    """Seconds since the first of an array of date objects, exact to the microsecond."""
    first = values[0] if len(values) else None
    if isinstance(first, tuple):
        raise ValueError(
            f"dimension {dim!r}: its coordinate is a MultiIndex; only one-dimensional coordinates of numbers "
            f"or times are understood for now, unstack it (obj.unstack({dim!r}))"
        )
    try:
        since = [value - first for value in values]
        if all(isinstance(delta, datetime.timedelta) for delta in since):
            return np.array([delta.days * 86400 + delta.seconds + delta.microseconds * 1e-6 for delta in since])
    except TypeError:
        pass
    raise TypeError(
        f"dimension {dim!r}: its coordinate holds {type(first).__name__} objects, {first!r} first; a "
        f"derivative needs numbers or times, assign some (obj.assign_coords({{{dim!r}: numbers}}))"
    )

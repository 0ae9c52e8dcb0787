"""When and with which camera a picture was taken, by the EXIF data at the start of its file."""

from __future__ import annotations

import calendar
import io
import re

from PIL import Image

from tellapart.images.decode import FORMATS

_CAMERA = (0x010F, 0x0110)  # make and model
_DETAILS, _TAKEN, _SERIAL = 0x8769, 0x9003, 0xA431  # the EXIF block; DateTimeOriginal and BodySerialNumber in it
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")


def taken(data: bytes) -> tuple[int, str] | None:
    """Return the time in seconds since 1970, as if it were UTC, and the camera; None if the file does not say.

    `data` are the first bytes of a file, which contain its EXIF data. The camera is make, model and serial number.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            exif = image.getexif()
            details = exif.get_ifd(_DETAILS)
    except Exception:  # Pillow's readers raise nearly anything on damaged or incomplete files
        return None
    match = _TIME.match(str(details.get(_TAKEN, "")))
    if match is None:
        return None
    try:
        seconds = calendar.timegm(tuple(map(int, match.groups())))
    except (ValueError, OverflowError):  # 0000:00:00
        return None
    return seconds, " ".join(str(value) for value in (*map(exif.get, _CAMERA), details.get(_SERIAL)))

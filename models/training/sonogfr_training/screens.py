"""A picture file of a cart's screen (PNG, JPEG or DICOM) -> a file that `sonogfr` reads. Pixels only: nothing of a
DICOM header goes along, and nothing is ever resized."""

from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.pixels import apply_color_lut, pixel_array

from .data import DataError

PREAMBLE_BYTES, MAGIC = 128, b"DICM"


class SeveralFrames(Exception):
    """A DICOM file is a loop, not a still: which of its frames was measured is not known."""


def is_dicom(path: Path) -> bool:
    """Whether the file says of itself that it is DICOM. Errors: it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(PREAMBLE_BYTES + len(MAGIC))[PREAMBLE_BYTES:] == MAGIC
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def check(path: Path) -> None:
    """Whether the file begins as a picture does, without decoding it. Errors: it does not."""
    if is_dicom(path):
        header = _header(path, stop_before_pixels=True)
        if "Rows" not in header:
            raise DataError(f"{path}: is DICOM without a picture")
        return
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: is no picture (PNG, JPEG or DICOM), or is cut off") from error


def _header(path: Path, **how) -> pydicom.Dataset:
    try:
        return pydicom.dcmread(path, **how)
    # pydicom raises whatever it stumbles over in a broken file.
    except Exception as error:
        raise DataError(f"{path}: is broken DICOM ({error})") from error


def pixels(path: Path) -> np.ndarray:
    """[h, w, 3] uint8 RGB of a DICOM still. Errors: broken, more than 8 bits, a compression that nothing here reads;
    `SeveralFrames`."""
    image = _header(path)
    if int(image.get("NumberOfFrames") or 1) > 1:
        raise SeveralFrames(path)
    try:
        # Colour by YBR comes out as RGB.
        found = pixel_array(image)
        if image.PhotometricInterpretation == "PALETTE COLOR":
            found = apply_color_lut(found, image)
            # The tables hold 16 bits; the screen had 8.
            found = (found >> 8).astype(np.uint8) if found.dtype == np.uint16 else found
    except Exception as error:
        hint = "; pip install pylibjpeg pylibjpeg-libjpeg" if "missing dependencies" in str(error) else ""
        raise DataError(f"{path}: its pixels cannot be read ({str(error).splitlines()[0]}){hint}") from error
    if found.dtype != np.uint8:
        raise DataError(f"{path}: has {image.BitsStored} bits a pixel, and a cart's screen has 8")
    if image.PhotometricInterpretation == "MONOCHROME1":
        found = 255 - found
    return found if found.ndim == 3 else np.repeat(found[..., None], 3, axis=2)


def to_readable(path: Path, scratch: Path) -> Path:
    """The file itself if `sonogfr` reads it, else `scratch` with the same pixels. Errors: as `pixels`; it cannot be
    written."""
    if not is_dicom(path):
        return path
    try:
        Image.fromarray(pixels(path)).save(scratch)
    except OSError as error:
        raise DataError(f"{scratch}: cannot be written ({error.strerror or error})") from error
    return scratch

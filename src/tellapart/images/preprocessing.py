"""Turn any picture into the array that a network sees: the same code in training, evaluation and prediction."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from tellapart.images import resize
from tellapart.images.resize import Resampling as Resampling
from tellapart.images.samples import Range, Samples

Colour = Literal["grey", "rgb"]
Fit = Literal["stretch", "crop", "pad"]

SPARE = 1.5
"""Version 2: pictures are decoded at this multiple of their final size or more."""

LEAST = 64
"""Version 2: pictures are not decoded to a smaller side. Prepared pictures of half of it show duplicates."""


class Preparation(BaseModel):
    """Preprocessing: size, colour mode, fit and resampling. It is frozen, and stored in the model file with a version.

    Calling it turns pixels, uint8 [height, width] or [height, width, 1 or 3], into uint8 [self.height, self.width, 1 or
    3]: first the colour mode, then the size. A picture that has both already is returned unchanged. Grey is ITU-R 601-2
    luma, (19595 r + 38470 g + 7471 b + 32768) >> 16; RGB of a grey picture repeats it.

    Version 3 decodes every pixel, and resizes, crops and pads as defined in `tellapart.images.resize`, so its answers
    depend on no version of Pillow and can be reproduced elsewhere. Versions 1 and 2 are those of older model files:
    they resize as the installed Pillow does, and version 2 decodes JPEGs to a reduced size where that is enough, see
    `least`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1, 2, 3] = 3
    height: int = Field(ge=1, le=4096, description="rows of pixels")
    width: int = Field(ge=1, le=4096, description="columns of pixels")
    colour: Colour = Field(description="grey (one channel) or rgb (three)")
    fit: Fit = Field("stretch", description="stretch to the shape, crop the centre, or pad with black")
    resampling: Resampling = Field("bilinear", description="the filter, antialiased when reducing")
    values: Range | None = Field(None, description="the values that become 0 and 255; none: as their type says")
    values_of: Literal["files", "arrays"] = Field("files", description="what `values` is the range of")
    last_band: Literal["alpha", "data"] = Field("alpha", description="what follows the colours in a TIFF")

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return 1 if self.colour == "grey" else 3

    @property
    def least(self) -> tuple[int, int] | None:
        """The least height and width to decode, so that resampling has enough pixels; None: decode every pixel."""
        if self.version != 2 or self.resampling == "nearest":
            return None
        return max(LEAST, math.ceil(SPARE * self.height)), max(LEAST, math.ceil(SPARE * self.width))

    @property
    def samples(self) -> Samples:
        """How the numbers in files and arrays become pixels."""
        return Samples(self.values, self.values_of, self.last_band)

    @property
    def keeps_detail(self) -> bool:
        """Whether a prepared picture is good enough to search for duplicates."""
        return self.fit != "pad" and min(self.height, self.width) >= LEAST // 2

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels

    def __call__(self, picture: np.ndarray | Image.Image) -> np.ndarray:
        """Preprocess one picture, also one that is a Pillow image of mode L or RGB."""
        if isinstance(picture, np.ndarray):
            if picture.ndim == 2:
                picture = picture[:, :, np.newaxis]
            if picture.shape == self.shape:
                return picture
        return np.asarray(self.image(picture)).reshape(self.shape)

    def image(self, picture: np.ndarray | Image.Image) -> Image.Image:
        """Preprocess one picture, uint8 [height, width, 1 or 3] or mode L or RGB, and return it as a Pillow image."""
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        mode = "L" if self.colour == "grey" else "RGB"
        image = picture if picture.mode == mode else picture.convert(mode)
        if image.size == (self.width, self.height):
            return image
        return self._resized(image) if self.version >= 3 else self._resized_by_pillow(image)

    def __str__(self) -> str:
        how = "" if self.fit == "stretch" else f", {self.fit}"
        return f"{self.width} x {self.height} {'RGB' if self.colour == 'rgb' else 'grey'}{how}"

    def _resized(self, image: Image.Image) -> Image.Image:
        if self.fit == "crop":
            image = image.crop(resize.crop_box(*image.size, self.width, self.height))
        if self.fit != "pad":
            return resize.resized(image, self.width, self.height, self.resampling)
        left, top, right, bottom = resize.pad_box(*image.size, self.width, self.height)
        filled = resize.resized(image, right - left, bottom - top, self.resampling)
        padded = Image.new(image.mode, (self.width, self.height))
        padded.paste(filled, (left, top))
        return padded

    def _resized_by_pillow(self, image: Image.Image) -> Image.Image:
        """Resize as versions 1 and 2 do."""
        filter_, size = Image.Resampling[self.resampling.upper()], (self.width, self.height)
        if self.fit == "crop":
            return ImageOps.fit(image, size, filter_)
        if self.fit == "pad":
            width, height = image.size
            if min(round(width / height * self.height), round(height / width * self.width)) < 1:
                # A very thin picture gets a width of one pixel here: Pillow would make it 0.
                image = image.resize((self.width, 1) if width > height else (1, self.height), filter_)
            return ImageOps.pad(image, size, filter_)
        return image.resize(size, filter_)

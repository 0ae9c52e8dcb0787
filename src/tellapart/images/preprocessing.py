"""How any picture becomes the array that a network sees: one code for training, evaluation, prediction, service."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field

Colour = Literal["grey", "rgb"]
Fit = Literal["stretch", "crop", "pad"]
Resampling = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


SPARE = 1.5
"""Pictures are decoded at no less than so many times the size that they are brought to."""


LEAST = 64
"""Nor are they decoded to less than this side, so that small pictures can be told from shrunken ones."""


class Preparation(BaseModel):
    """Size, colour mode, fit and resampling, frozen; a model file records it by value and version.

    Calling it turns pixels - uint8 [height, width] or [height, width, 1 or 3] - into uint8 [self.height, self.width, 1
    or 3]. Colour mode first (grey by ITU-R 601-2 luma), then size; a picture that has both already is passed on as is.
    Of files, version 2 decodes no more than it needs, see `least`; version 1 every pixel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1, 2] = 2
    height: int = Field(ge=1, le=4096, description="rows of pixels")
    width: int = Field(ge=1, le=4096, description="columns of pixels")
    colour: Colour = Field(description="one channel or three")
    fit: Fit = Field("stretch", description="squeeze, cut the middle out, or pad with black to the wanted shape")
    resampling: Resampling = Field("bilinear", description="Pillow's filter, antialiased when shrinking")

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return 1 if self.colour == "grey" else 3

    @property
    def least(self) -> tuple[int, int] | None:
        """Height and width that a decoder must give at least: enough for the resampling to have something to weigh."""
        if self.version == 1 or self.resampling == "nearest":
            return None
        return max(LEAST, math.ceil(SPARE * self.height)), max(LEAST, math.ceil(SPARE * self.width))

    @property
    def keeps_the_view(self) -> bool:
        """Whether a prepared picture is still enough to compare pictures by."""
        return self.fit != "pad" and min(self.height, self.width) >= LEAST // 2

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Prepare one picture."""
        if picture.ndim == 2:
            picture = picture[:, :, np.newaxis]
        if picture.shape == self.shape:
            return picture
        return np.asarray(self.image(picture)).reshape(self.shape)

    def image(self, picture: np.ndarray) -> Image.Image:
        """Prepare one picture, uint8 [height, width, 1 or 3], and give it as Pillow holds it."""
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        mode = "L" if self.colour == "grey" else "RGB"
        image = image if image.mode == mode else image.convert(mode)
        size = (self.width, self.height)
        if image.size != size:
            image = self._resize(image, size)
        return image

    def __str__(self) -> str:
        how = "" if self.fit == "stretch" else f", {self.fit}"
        return f"{self.width} x {self.height} {'RGB' if self.colour == 'rgb' else 'grey'}{how}"

    def _resize(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        filter_ = Image.Resampling[self.resampling.upper()]
        if self.fit == "crop":
            return ImageOps.fit(image, size, filter_)
        if self.fit == "pad":
            width, height = image.size
            if min(round(width / height * self.height), round(height / width * self.width)) < 1:
                # A line is brought to one pixel's width here, since Pillow would make it none.
                image = image.resize((self.width, 1) if width > height else (1, self.height), filter_)
            return ImageOps.pad(image, size, filter_)
        return image.resize(size, filter_)

"""Turn any picture into the array that a network sees: the same code in training, evaluation and prediction."""

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
"""Pictures are decoded at this multiple of their final size or more."""


LEAST = 64
"""Pictures are not decoded to a smaller side, so that small pictures can be distinguished from reduced ones."""


class Preparation(BaseModel):
    """Preprocessing: size, colour mode, fit and resampling. It is frozen, and stored in the model file with a version.

    Calling it turns pixels, uint8 [height, width] or [height, width, 1 or 3], into uint8 [self.height, self.width, 1 or
    3]: first the colour mode (grey by ITU-R 601-2 luma), then the size. A picture that has both already is returned
    unchanged. Version 2 decodes files to a reduced size where that is enough, see `least`; version 1 decodes every
    pixel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1, 2] = 2
    height: int = Field(ge=1, le=4096, description="rows of pixels")
    width: int = Field(ge=1, le=4096, description="columns of pixels")
    colour: Colour = Field(description="grey (one channel) or rgb (three)")
    fit: Fit = Field("stretch", description="stretch to the shape, crop the centre, or pad with black")
    resampling: Resampling = Field("bilinear", description="Pillow's filter, antialiased when reducing")

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return 1 if self.colour == "grey" else 3

    @property
    def least(self) -> tuple[int, int] | None:
        """The least height and width to decode, so that resampling has enough pixels; None: decode every pixel."""
        if self.version == 1 or self.resampling == "nearest":
            return None
        return max(LEAST, math.ceil(SPARE * self.height)), max(LEAST, math.ceil(SPARE * self.width))

    @property
    def keeps_detail(self) -> bool:
        """Whether a prepared picture is good enough to search for duplicates."""
        return self.fit != "pad" and min(self.height, self.width) >= LEAST // 2

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Preprocess one picture."""
        if picture.ndim == 2:
            picture = picture[:, :, np.newaxis]
        if picture.shape == self.shape:
            return picture
        return np.asarray(self.image(picture)).reshape(self.shape)

    def image(self, picture: np.ndarray) -> Image.Image:
        """Preprocess one picture, uint8 [height, width, 1 or 3], and return it as a Pillow image."""
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
                # A very thin picture gets a width of one pixel here: Pillow would make it 0.
                image = image.resize((self.width, 1) if width > height else (1, self.height), filter_)
            return ImageOps.pad(image, size, filter_)
        return image.resize(size, filter_)

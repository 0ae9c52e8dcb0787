"""Random changes of pictures in training: a record, and the Keras layers that it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras


class Augmentation(BaseModel):
    """The random changes of a picture in training; all are off by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: Literal["none", "auto", "alternate", "horizontal", "vertical", "both"] = Field(
        "none",
        description="mirror half of the pictures; alternate: left to right, each in every other epoch; "
        "auto: alternate if a quick test shows that it does no harm, else none",
    )
    zoom: float = Field(0.0, ge=0, lt=1, description="zoom in or out by up to this fraction")
    shear: float = Field(0.0, ge=0, le=1, description="shear by up to this fraction")
    rotation: float = Field(0.0, ge=0, le=0.5, description="rotate either way by up to this fraction of a full turn")
    shift: float = Field(
        0.0, ge=0, lt=1, description="move by whole pixels, up to this fraction of the size in each direction"
    )
    crop: float = Field(0.0, ge=0, lt=1, description="crop and enlarge, removing up to this fraction of the area")
    brightness: float = Field(0.0, ge=0, le=1, description="lighter or darker by up to this fraction of the range")
    contrast: float = Field(0.0, ge=0, le=1, description="change contrast by up to this fraction")
    colour: float = Field(0.0, ge=0, le=1, description="change saturation and tint by up to this fraction")
    randaugment: float = Field(
        0.0,
        ge=0,
        le=1,
        description="two RandAugment changes at up to this strength, the same for a whole batch; slow on a CPU",
    )
    cutout: float = Field(0.0, ge=0, le=1, description="grey out a square of this fraction of the size")
    mixup: float = Field(
        0.0, ge=0, le=10, description="blend pictures and their labels in pairs, with shares from Beta(this, this)"
    )
    cutmix: float = Field(
        0.0, ge=0, le=10, description="replace a box by that of another picture, with an area from Beta(this, this)"
    )

    def layers(self, seed: int) -> list[keras.Layer]:
        """Keras layers for pixels in 0..255, in a fixed order: geometry, colour, cutout.

        `mixup` and `cutmix` also change labels, so they are not layers; see tellapart.training.mixing.
        """
        from tellapart.networks.backend import keras
        from tellapart.networks.layers import AlternateMirror, Colour, Crop, Cutout, Shift

        make = keras.layers
        limits = {"value_range": (0, 255)}
        modes = {"horizontal": "horizontal", "vertical": "vertical", "both": "horizontal_and_vertical"}
        choices: list[tuple[Any, type, tuple[Any, ...], dict[str, Any]]] = [
            (self.flip == "alternate", AlternateMirror, (), {}),
            (self.flip in modes, make.RandomFlip, (modes.get(self.flip),), {}),
            (self.zoom, make.RandomZoom, ((-self.zoom, self.zoom), (-self.zoom, self.zoom)), {}),
            (self.shear, make.RandomShear, (self.shear, self.shear), {}),
            (self.rotation, make.RandomRotation, (self.rotation,), {}),
            (self.shift, Shift, (self.shift,), {}),
            (self.crop, Crop, (self.crop,), {}),
            (self.brightness, make.RandomBrightness, (self.brightness,), limits),
            (self.contrast, make.RandomContrast, (self.contrast,), limits),
            (self.colour, Colour, (self.colour,), {}),
            (self.randaugment, make.RandAugment, (), limits | {"factor": self.randaugment}),
            (self.cutout, Cutout, (self.cutout,), {}),
        ]
        return [
            layer(*arguments, seed=seed + number, **options)
            for number, (on, layer, arguments, options) in enumerate(choices)
            if on
        ]

    def __str__(self) -> str:
        changed = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{name} {value}" for name, value in changed.items()) or "none"

"""Random changes to pictures in training: one record, turned into batched Keras layers that run inside the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras


class Augmentation(BaseModel):
    """What may change from one look at a picture to the next; everything is off by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: Literal["none", "auto", "alternate", "horizontal", "vertical", "both"] = Field(
        "none",
        description="mirror half of the pictures; alternate: left to right, each in every other epoch; "
        "auto: alternate where mirrored pictures are still of their class",
    )
    zoom: float = Field(0.0, ge=0, lt=1, description="in or out, by up to this fraction")
    shear: float = Field(0.0, ge=0, le=1, description="slant, by up to this fraction")
    rotation: float = Field(0.0, ge=0, le=0.5, description="turn either way, by up to this fraction of a full circle")
    shift: float = Field(0.0, ge=0, lt=1, description="move by whole pixels, each way up to this fraction of the size")
    crop: float = Field(
        0.0, ge=0, lt=1, description="cut out and enlarge a part, of down to 1 minus this fraction of the area"
    )
    brightness: float = Field(0.0, ge=0, le=1, description="lighter or darker, by up to this fraction of the range")
    contrast: float = Field(0.0, ge=0, le=1, description="more or less contrast, by up to this fraction")
    colour: float = Field(0.0, ge=0, le=1, description="more or less colourful, and tinted, by up to this fraction")
    randaugment: float = Field(
        0.0,
        ge=0,
        le=1,
        description="two of Keras's RandAugment changes, the same for a whole batch, at up to this strength; slow on a "
        "processor",
    )
    cutout: float = Field(0.0, ge=0, le=1, description="grey out a square of this fraction of the size")
    mixup: float = Field(
        0.0, ge=0, le=10, description="blend pictures and their labels in pairs, by shares from Beta(this, this)"
    )
    cutmix: float = Field(
        0.0, ge=0, le=10, description="replace a box by that of another picture, of shares from Beta(this, this)"
    )

    def layers(self, seed: int) -> list[keras.Layer]:
        """Keras layers for pixels in 0..255, in a fixed order: geometry first, then colour, then what is covered.

        `mixup` and `cutmix` change labels too and are not among them: the batches come with them, see
        tellapart.training.mixing.
        """
        from tellapart.networks.backend import keras
        from tellapart.networks.layers import AlternateMirror, Colour, Crop, Cutout, Shift

        make = keras.layers
        limits = {"value_range": (0, 255)}
        modes = {"horizontal": "horizontal", "vertical": "vertical", "both": "horizontal_and_vertical"}
        wanted: list[tuple[Any, type, tuple[Any, ...], dict[str, Any]]] = [
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
            for number, (on, layer, arguments, options) in enumerate(wanted)
            if on
        ]

    def __str__(self) -> str:
        changed = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{name} {value}" for name, value in changed.items()) or "none"

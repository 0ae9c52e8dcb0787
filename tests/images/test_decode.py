import importlib.util
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tellapart.errors import PictureError
from tellapart.images.decode import MAX_PIXELS, decode, header

HEIF = importlib.util.find_spec("pillow_heif") is not None


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def ramp(mode="RGB", size=(6, 4)):
    values = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)
    return Image.fromarray(values).convert(mode)


def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.mark.parametrize("kind", ("PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP"))
def test_lossless_formats_give_their_pixels(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = ramp("L") if kind == "GIF" else ramp()
    data = encoded(image, kind, **options)
    expected = np.asarray(image if kind != "GIF" else image.convert("RGB"))
    got = decode(data)
    assert np.array_equal(
        got if got.shape[2] == 3 else got[:, :, 0], np.atleast_3d(expected) if got.shape[2] == 3 else expected
    )
    assert header(data) == got.shape


def test_jpeg_is_close():
    got = decode(encoded(Image.new("RGB", (16, 16), (200, 30, 60)), "JPEG", quality=95))
    assert np.abs(got.astype(int) - (200, 30, 60)).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(orientation):
    upright = np.asarray(ramp())
    # What a camera held that way stores, by the definition of tag 0x0112 (EXIF 2.3, 4.6.4).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert np.array_equal(decode(data), upright)
    assert header(data) == upright.shape


def test_alpha_is_flattened_on_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 128))
    assert decode(encoded(image)).tolist() == [[[255, 255, 255], [255, 127, 127]]]
    palette = Image.new("P", (1, 1), 0)
    palette.putpalette([10, 20, 30])
    assert decode(encoded(palette, transparency=0)).tolist() == [[[255, 255, 255]]]
    grey = Image.new("LA", (1, 1), (0, 0))
    assert decode(encoded(grey)).tolist() == [[[255]]]


def test_sixteen_bits_are_scaled_to_eight():
    image = Image.fromarray(np.array([[0, 256, 257, 32768, 65535]], np.uint16))
    assert decode(encoded(image))[0, :, 0].tolist() == [0, 1, 1, 128, 255]


@pytest.mark.parametrize(("mode", "channels"), (("1", 1), ("L", 1), ("P", 3), ("CMYK", 3), ("RGBA", 3), ("LA", 1)))
def test_modes(mode, channels):
    data = encoded(ramp(mode), "JPEG" if mode == "CMYK" else "PNG")
    assert decode(data).shape == (4, 6, channels)
    assert header(data) == (4, 6, channels)


def test_the_first_frame_of_an_animation():
    frames = [Image.new("L", (3, 3), value) for value in (10, 200)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data)[0, 0, 0] == 10


@pytest.mark.parametrize(
    ("data", "words"),
    (
        (b"", "the file is empty"),
        (b"hello", "is not a picture of a known format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a pointer of Git LFS"),
        (b"II*\0\x08\0\0\0" + bytes(20), "is damaged, or a TIFF of a rare kind"),
        (b"%PDF-1.4 hello", "is not a picture of a known format"),
        (
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
            "is HEIC: pip install 'tellapart[heif]'" if not HEIF else "cannot be decoded",
        ),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "cannot be decoded (it is damaged)"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "is not a picture of a known format"),
        (encoded(noise())[:2000], "cannot be decoded"),
        (encoded(noise(), "JPEG")[:2000], "cannot be decoded"),
    ),
)
def test_what_cannot_be_read(data, words):
    with pytest.raises(PictureError) as caught:
        decode(data, "a.jpg")
    assert caught.value.given.startswith("a.jpg: ")
    assert words in caught.value.reason


@pytest.mark.parametrize("size", (8_000, 60_000))
def test_a_bomb_is_refused_by_its_header(size):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(PictureError, match=f"more than {MAX_PIXELS:,}"):
        decode(data)


def test_floating_point_samples_are_refused():
    data = encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF")
    with pytest.raises(PictureError, match="floating-point"):
        decode(data)


@pytest.mark.parametrize("kind", ("PNG", "TIFF", "WEBP", "JPEG"))
@pytest.mark.parametrize("orientation", (1, 3, 6, 8))
def test_headers_have_the_upright_shape(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise().resize((60, 40)), kind, exif=exif)
    assert header(data) == decode(data).shape == ((60, 40, 3) if orientation > 4 else (40, 60, 3))


def test_exif_behind_the_pixels_of_a_png_counts():
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded(ramp(), exif=exif)
    start = whole.index(b"eXIf") - 4
    end = start + 12 + struct.unpack(">I", whole[start : start + 4])[0]
    moved = whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:]
    assert header(moved) == decode(moved).shape == (6, 4, 3)


def test_a_picture_with_more_behind_it_is_decoded_small():
    frames = [noise().resize((640, 480)) for _ in range(2)]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    assert decode(data, least=(100, 100)).shape == (120, 160, 3)


def test_headers_of_sound_pngs_are_read_alone():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise().resize((60, 40)), exif=exif)
    assert header(data[: len(data) // 2]) == (60, 40, 3)


def tiff(samples, bits, kind, columns):
    """A grey TIFF of one row: samples of so many bits, unsigned (kind 1) or signed (2)."""
    tags = [(256, columns), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1)]
    tags += [(279, len(samples)), (339, kind)]
    start = 8 + len(samples) + len(samples) % 2
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    body = samples + b"\0" * (len(samples) % 2) + struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", start) + body


def test_samples_of_a_tiff_are_scaled_by_their_own_bits():
    assert decode(tiff(np.array([0, 32768, 65535], "<u2").tobytes(), 16, 1, 3))[0, :, 0].tolist() == [0, 128, 255]
    assert decode(tiff(bytes([0xFF, 0xF8, 0x00, 0x00, 0x00, 0x00]), 12, 1, 4))[0, :, 0].tolist() == [255, 128, 0, 0]


def test_a_wide_sample_within_sixteen_bits_is_scaled_by_sixteen():
    """Pillow writes grey samples of more than 8 bits with 32 bits."""
    data = encoded(Image.fromarray(np.array([[0, 32768, 65535]], np.int32)), "TIFF")
    assert decode(data)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("kind", "dtype", "words"), ((2, "<i2", "signed"), (2, "<i4", "signed"), (1, "<u4", "32-bit")))
def test_samples_of_unknown_range_are_refused(kind, dtype, words):
    values = [0, -1000, 3000] if kind == 2 else [0, 70_000, 3000]
    data = tiff(np.array(values, dtype).tobytes(), 8 * np.dtype(dtype).itemsize, kind, 3)
    with pytest.raises(PictureError, match=f"has {words} samples, whose range is unknown"):
        decode(data)


@pytest.mark.parametrize("kind", ("JPEG", "PNG", "WEBP"))
def test_a_broken_exif_block_does_no_harm(kind):
    image = ramp("RGB")
    data = encoded(image, kind, exif=b"Exif\0\0no header of a TIFF", **({"dpi": (72, 72)} if kind == "JPEG" else {}))
    assert decode(data).shape == (4, 6, 3)
    assert header(data) == (4, 6, 3)


@pytest.mark.parametrize(
    ("tag", "kind", "value"), ((0x0128, 2, b"inch"), (0x0128, 4, 70_000), (0x0213, 2, b"x"), (0x011A, 2, b"72"))
)
def test_odd_tags_next_to_the_orientation_do_not_matter(tag, kind, value):
    """Phones and editors write some tags with unusual types; the pixels are fine."""
    entries = [(0x0112, 3, 1, struct.pack("<HH", 6, 0))]
    if isinstance(value, bytes):
        text = value + b"\0"
        entries.append((tag, kind, len(text), text.ljust(4, b"\0")[:4] if len(text) <= 4 else struct.pack("<I", 38)))
    else:
        text = b""
        entries.append((tag, kind, 1, struct.pack("<I", value)))
    rows = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + struct.pack("<I", 0) + text
    buffer = io.BytesIO()
    Image.new("RGB", (8, 4)).save(buffer, "JPEG", exif=b"Exif\0\0" + block)
    assert decode(buffer.getvalue(), "x").shape == (8, 4, 3)


def test_a_jpeg_of_thousands_of_scans_is_refused_and_one_of_some_is_not():
    from tests import corpus

    with pytest.raises(PictureError, match=r"has more than 200 scans, which would take too long"):
        decode(corpus.bombs()["bomb-scans.jpg"], "x")
    assert decode(corpus.encoded(corpus.photo(), "JPEG", progressive=True), "x").shape == (60, 80, 3)
    first, *scans = corpus.bombs()["bomb-scans.jpg"].split(b"\xff\xda")
    hidden = b"\xff\xda".join([first, b"\xff\x01\xff\xda".join(scans)])  # markers that have no length
    with pytest.raises(PictureError, match="has more than 200 scans"):
        decode(hidden, "x")
    with_a_film = corpus.encoded(corpus.photo(), "JPEG") + b"\xff\xda\0" * 5000  # as phones put behind it
    assert decode(with_a_film, "x").shape == (60, 80, 3)

"""JPEG files that are damaged, incomplete or very large."""

import io

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.feeding import prepare_collection
from tellapart.errors import PictureError
from tellapart.images import decode as decoding
from tellapart.images.decode import decode, decode_image, header, missing_share
from tellapart.images.jpeg import count_scans
from tellapart.images.preprocessing import Preparation
from tests.corpus import encoded, oriented, photo

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "grey": {},
    "4:4:4": {"subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "optimised": {"optimize": True},
}


def jpeg(kind, seed=0, height=240, width=320):
    image = photo(seed, height, width)
    return encoded(image.convert("L") if kind == "grey" else image, "JPEG", quality=85, **KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_its_end_marker_is_complete(kind):
    for seed in range(5):
        data = jpeg(kind, seed)
        for cut in (data[:-2], data[:-1], data[:-2] + b"\0" * 10):
            image = decode_image(cut)
            assert np.array_equal(np.asarray(image), np.asarray(decode_image(data)))
            if cut == data[:-2]:  # Pillow alone reads some of these
                assert missing_share(image) < 1e-6
        assert missing_share(decode_image(data)) == 0


@pytest.mark.parametrize("kind", ("baseline", "grey", "4:4:4", "optimised"))
def test_what_is_cut_late_is_read_and_what_is_cut_early_is_not(kind):
    data = jpeg(kind, 1, 480, 640)
    start = data.rindex(b"\xff\xda")
    for share in (0.01, 0.03):
        cut = data[: len(data) - round(share * (len(data) - start))]
        image = decode_image(cut)
        assert 0.2 * share < missing_share(image) < 0.05
        whole = decode(data)
        assert np.array_equal(np.asarray(image).reshape(whole.shape)[:400], whole[:400])
    for share in (0.15, 0.5, 0.9):
        with pytest.raises(PictureError, match=r"cannot be decoded \(\d+ % of the picture is missing\)"):
            decode(data[: len(data) - round(share * (len(data) - start))])


def test_a_progressive_jpeg_that_lacks_scans_is_refused():
    data = jpeg("progressive")
    for scan in range(1, data.count(b"\xff\xda")):
        place = -1
        for _ in range(scan + 1):
            place = data.index(b"\xff\xda", place + 1)
        for end in (b"", b"\xff\xd9"):
            if not end:
                with pytest.raises(PictureError, match="part of the picture is missing"):
                    decode(data[:place] + end)


def test_an_end_marker_in_the_middle_is_damage():
    """As programs leave it that repair cut files by appending a marker; libjpeg only warns."""
    for kind in ("baseline", "grey", "optimised"):
        data = jpeg(kind)
        with pytest.raises(PictureError, match="of the picture is missing"):
            decode(data[: len(data) * 2 // 3] + b"\xff\xd9")


def test_garbage_with_a_marker_is_damage():
    found = 0
    for seed in range(10):
        data = bytearray(jpeg("baseline", seed))
        place = data.rindex(b"\xff\xda") + (len(data) - data.rindex(b"\xff\xda")) // 2
        data[place : place + 1024] = np.random.default_rng(seed).bytes(min(1024, len(data) - place - 2))
        try:
            decode(bytes(data))
        except PictureError:
            found += 1
    assert found >= 7


def test_pictures_that_end_in_mid_grey_are_sound():
    pixels = np.full((64, 64, 3), 128, np.uint8)
    pixels[:20] = 30
    for image in (Image.fromarray(pixels), Image.fromarray(pixels).convert("L")):
        picture = decode_image(encoded(image, "JPEG"))
        assert missing_share(picture) == 0
        assert picture.getpixel((63, 63)) in (128, (128, 128, 128))


@pytest.mark.parametrize("orientation", (1, 6))
def test_very_large_jpegs_are_decoded_at_half_their_size(orientation, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    data = oriented(photo(0, 41, 60), orientation)
    shape = (21, 30, 3) if orientation == 1 else (30, 21, 3)
    assert decode(data).shape == header(data) == shape
    small = decode(data, least=(8, 8))
    assert small.shape[:2] == ((11, 15) if orientation == 1 else (15, 11))
    with pytest.raises(PictureError, match="only JPEG files may have more"):
        decode(encoded(photo(0, 41, 60), "PNG"))


def test_the_limits_depend_on_what_libjpeg_keeps(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    monkeypatch.setattr(decoding, "MAX_BUFFERED", 2000)
    monkeypatch.setattr(decoding, "MAX_REDUCED", 4000)
    assert decode(encoded(photo(0, 50, 60), "JPEG")).shape == (25, 30, 3)
    with pytest.raises(PictureError, match="has 3,000 pixels, more than 2,000"):
        decode(encoded(photo(0, 50, 60), "JPEG", progressive=True))
    with pytest.raises(PictureError, match="has 4,800 pixels, more than 4,000"):
        decode(encoded(photo(0, 60, 80), "JPEG"))


def test_scans_are_counted():
    assert count_scans(jpeg("baseline"), 9) == 1
    assert count_scans(jpeg("progressive"), 99) == 10
    assert count_scans(jpeg("progressive"), 3) == 4


def test_a_collection_names_what_ends_early(tmp_path, monkeypatch):
    for k in range(6):
        path = tmp_path / "data" / "ab"[k % 2] / f"{k}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg("baseline", k)[: -2 if k == 3 else None])
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tellapart.data.feeding.WORTH_KEEPING", 0.0)
    for _ in range(2):  # decoded, and from the copy on disk
        events = []
        prepared = prepare_collection(
            tellapart.open(tmp_path / "data"), Preparation(height=8, width=8, colour="rgb"), events.append
        )
        assert len(prepared.data) == 6
        assert not prepared.data.skipped
        assert "note: 1 picture ends early and was read as far as possible: b/3.jpg" in [
            getattr(event, "text", "") for event in events
        ]


def test_a_jpeg_of_two_pictures_is_the_first(tmp_path):
    buffer = io.BytesIO()
    photo(1, 90, 80).save(buffer, "MPO", save_all=True, append_images=[photo(2, 50, 40)])
    assert decode(buffer.getvalue()).shape == (90, 80, 3)

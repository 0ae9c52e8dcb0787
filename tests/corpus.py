"""Pictures and archives as the world makes them, dirty or hostile, each written by code: for tests and benchmarks."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def photo(seed: int = 0, height: int = 60, width: int = 80) -> Image.Image:
    """Something with shapes and colours, RGB."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(rng.uniform(3, 20) * rows + rng.uniform(3, 20) * columns + rng.uniform(0, 6)) for _ in range(3)]
    return Image.fromarray((np.stack(waves, axis=-1) * 100 + 127).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(image: Image.Image, orientation: int, kind: str = "JPEG") -> bytes:
    """A file whose EXIF tag says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, kind, exif=exif.tobytes(), **({"quality": 95} if kind == "JPEG" else {}))


def _png(width: int, height: int, data: bytes, bits: int = 8, colour: int = 0) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bombs() -> dict[str, bytes]:
    """Small files that claim to be vast, by name."""
    rows = zlib.compress(bytes(10**6))
    tiff = encoded(photo(), "TIFF")
    wide = tiff.replace(struct.pack("<HHIHH", 0x0100, 4, 1, 80, 0), struct.pack("<HHII", 0x0100, 4, 1, 4_000_000))
    bmp = bytearray(encoded(photo(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif = bytearray(encoded(photo().convert("P"), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    jpeg = bytearray(encoded(photo(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = struct.pack(">HH", 65_000, 65_000)
    return {
        "bomb.png": _png(60_000, 60_000, rows),
        "bomb-rgb16.png": _png(30_000, 30_000, rows, 16, 2),
        "bomb-beyond.png": _png(2**31 - 1, 2**31 - 1, rows),
        "bomb.bmp": bytes(bmp),
        "bomb.gif": bytes(gif),
        "bomb.jpg": bytes(jpeg),
        "bomb-scans.jpg": _of_many_scans(Image.new("L", (400, 400), 90), 5000),
        "bomb.ppm": b"P6 100000 100000 255\n" + bytes(100),
        "bomb.tif": wide,
        "bomb.webp": _webp(16_383, 16_383),
    }


def _of_many_scans(image: Image.Image, count: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more; each costs a pass over all pixels."""
    whole = encoded(image, "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def _webp(width: int, height: int) -> bytes:
    frames = (
        struct.pack("<I", 0x02)[:1] + b"\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + frames + encoded(photo(), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def readable() -> dict[str, bytes]:
    """Files that are pictures, however odd, by name."""
    image = photo()
    alpha = image.copy()
    alpha.putalpha(Image.fromarray(np.linspace(0, 255, 4800).reshape(60, 80).astype(np.uint8)))
    wide = Image.fromarray((np.arange(4800).reshape(60, 80) * 13).astype(np.uint16))
    frames = [photo(k) for k in range(3)]
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE)
    jpeg, png = encoded(image, "JPEG", quality=90), encoded(image, "PNG")
    found = {
        "png-as.jpg": png,
        "jpeg-as.png": jpeg,
        "gif-as.jpeg": encoded(palette, "GIF"),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG"),
        "grey.jpg": encoded(image.convert("L"), "JPEG"),
        "progressive.jpg": encoded(image, "JPEG", progressive=True),
        "optimised.jpg": encoded(image, "JPEG", optimize=True, subsampling=2),
        "restarts.jpg": encoded(image, "JPEG", restart_marker_rows=1),
        "garbage-behind.jpg": jpeg + b"garbage" * 50,
        "junk-exif.jpg": encoded(image, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fjunk"),
        "sixteen-bit.png": encoded(wide, "PNG"),
        "palette.png": encoded(palette, "PNG"),
        "palette-alpha.png": encoded(palette, "PNG", transparency=3),
        "grey-alpha.png": encoded(alpha.convert("LA"), "PNG"),
        "alpha.png": encoded(alpha, "PNG"),
        "one-bit.png": encoded(image.convert("1"), "PNG"),
        "colour-key.png": encoded(image, "PNG", transparency=(127, 127, 127)),
        "animated.png": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "animated.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50),
        "animated.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "transparent.gif": encoded(palette, "GIF", transparency=2),
        "lossless-alpha.webp": encoded(alpha, "WEBP", lossless=True),
        "lossy.webp": encoded(image, "WEBP", quality=80),
        "pages.tif": encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "sixteen-bit.tif": encoded(wide, "TIFF"),
        "packed.tif": encoded(image, "TIFF", compression="packbits"),
        "cmyk.tif": encoded(image.convert("CMYK"), "TIFF"),
        "lab.tif": encoded(image.convert("LAB"), "TIFF"),
        "plain.bmp": encoded(image, "BMP"),
        "grey.bmp": encoded(image.convert("L"), "BMP"),
        "alpha.bmp": encoded(alpha, "BMP"),
        "text.ppm": b"P3 2 2 255\n255 0 0 0 255 0 0 0 255 9 9 9\n",
        "grey.pgm": encoded(image.convert("L"), "PPM"),
        "bits.pbm": encoded(image.convert("1"), "PPM"),
        "one-pixel.png": encoded(photo(0, 1, 1), "PNG"),
        "strip.png": encoded(photo(0, 2, 3000), "PNG"),
        "tower.jpg": encoded(photo(0, 3000, 3), "JPEG"),
        "UPPER.JPG": jpeg,
        "no-extension": jpeg,
        " space and (brackets) .jpg": jpeg,
        "späße-日本-🐈.jpg": jpeg,
        "-rf.jpg": jpeg,
        "quote'\"%s{0}.jpg": jpeg,
        "new\nline.jpg": jpeg,
        f"{'long' * 60}.jpg": jpeg,
    }
    return found | {f"exif-{k}.jpg": oriented(image, k) for k in range(1, 9)} | {
        "exif-6.png": oriented(image, 6, "PNG"),
        "exif-8.webp": oriented(image, 8, "WEBP"),
        "exif-99.jpg": oriented(image, 99),
    }  # fmt: skip


def unreadable() -> dict[str, bytes]:
    """Files that are called pictures and cannot be read, by name."""
    image = photo(1, 300, 400)
    jpeg, png = encoded(image, "JPEG"), bytearray(encoded(image, "PNG"))
    broken = bytes(png[:200]) + bytes([png[200] ^ 255]) + bytes(png[201:])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", bytes(png))
    return {
        "empty.jpg": b"",
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "cut.png": bytes(png[: len(png) // 2]),
        "cut.gif": encoded(image.convert("P"), "GIF")[:2000],
        "cut.webp": encoded(image, "WEBP")[:800],
        "cut.bmp": encoded(image, "BMP")[:5000],
        "cut.tif": encoded(image, "TIFF")[:5000],
        "header-only.jpg": jpeg[:20],
        "wrong-sum.png": broken,
        "no-rows.png": _png(0, 10, zlib.compress(b"")),
        "no-data.png": _png(10, 10, b""),
        "text.jpg": b"This is not a picture.\n" * 40,
        "page.jpg": b"<!doctype html><html><body>404 Not Found</body></html>",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "zip.png": buffer.getvalue(),
        "program.jpg": b"MZ" + bytes(500),
        "zeros.jpg": bytes(4096),
        "noise.jpg": np.random.default_rng(0).bytes(4096),
        "script.ppm": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "icon.png": encoded(image.resize((16, 16)), "ICO"),
        "jpeg2000.jpg": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
        "heic.heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "float.tif": encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"),
    } | bombs()  # fmt: skip


def special_files(folder: Path) -> None:
    """Put things that are no plain files into a folder: links to nowhere, in a circle, to a device; a FIFO; folders."""
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")


def hostile_archives(folder: Path) -> Iterator[tuple[str, Path]]:
    """Archives that mean harm or are broken, written into `folder`: what is wrong, and the file."""
    picture = encoded(photo(), "PNG")

    def zipped(name: str, fill: Callable[[zipfile.ZipFile], Any]) -> Path:
        path = folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/1.png", picture)
            archive.writestr("b/2.png", picture)
            fill(archive)
        return path

    def tarred(name: str, *members: tarfile.TarInfo, suffix: str = "tar") -> Path:
        path = folder / f"{name}.{suffix}"
        with tarfile.open(path, "w") as archive:
            for inner in ("a/1.png", "b/2.png"):
                info = tarfile.TarInfo(inner)
                info.size = len(picture)
                archive.addfile(info, io.BytesIO(picture))
            for info in members:
                archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
        return path

    def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, size
        return info

    for number, name in enumerate(
        ("../escape.png", "/absolute.png", "a/../../escape.png", "..\\escape.png", "a/\0b.png")
    ):
        yield f"zip, a member named {name!r}", zipped(f"name-{number}", lambda z, n=name: z.writestr(_raw(n), picture))
        if "\0" not in name:
            yield f"tar, a member named {name!r}", tarred(f"name-{number}", member(name, size=3))
    link = zipfile.ZipInfo("a/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    yield "zip, a link out", zipped("link", lambda z: z.writestr(link, "/etc/passwd"))
    yield "tar, a link out", tarred("link", member("a/link.png", tarfile.SYMTYPE, "/etc/passwd"))
    yield (
        "tar, a link to a folder outside",
        tarred("linked", member("c", tarfile.SYMTYPE, "/"), member("c/x.png", size=3)),
    )
    yield "tar, a hard link out", tarred("hard", member("a/hard.png", tarfile.LNKTYPE, "/etc/passwd"))
    yield "tar, a device", tarred("device", member("a/device.png", tarfile.CHRTYPE))
    yield "tar, a FIFO", tarred("fifo", member("a/fifo.png", tarfile.FIFOTYPE))
    yield "zip, the same name twice", zipped("twice", lambda z: _quietly(z, "a/1.png", picture))
    yield "tar, the same name twice", tarred("twice", member("a/1.png", size=5))
    yield (
        "zip, a bomb",
        zipped("bomb", lambda z: z.writestr("a/bomb.png", bytes(2**28), compress_type=zipfile.ZIP_DEFLATED)),
    )
    for suffix, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        path = folder / f"bomb.tar.{suffix}"
        path.write_bytes(pack(tarred("plain").read_bytes() + bytes(2**28)))
        yield f"tar.{suffix}, a bomb", path
        cut = folder / f"cut.tar.{suffix}"
        cut.write_bytes(pack(np.random.default_rng(0).bytes(50_000))[:10_000])
        yield f"tar.{suffix}, cut off", cut
    whole = zipped("whole", lambda z: None).read_bytes()
    for name, data in {
        "cut off": whole[: len(whole) // 2],
        "its directory cut off": whole[:-40],
        "a wrong checksum": whole.replace(picture[50:60], picture[50:59] + bytes([picture[59] ^ 1]), 1),
        "an unknown compression": whole.replace(b"\x14\0\0\0\0\0", b"\x14\0\0\0\x63\0"),
        "encrypted": whole.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"),
        "a directory that claims 2**31 bytes": _claiming(whole),
    }.items():
        path = folder / f"{name}.zip"
        path.write_bytes(data)
        yield f"zip, {name}", path
    huge = folder / "huge.tar"
    huge.write_bytes(_huge_member(tarred("plain").read_bytes()))
    yield "tar, a member that claims 8 GiB", huge
    sparse = folder / "nested.zip"
    with zipfile.ZipFile(sparse, "w") as archive:
        archive.writestr("a/inner.zip", whole)
        archive.writestr("b/inner.zip", whole)
    yield "zip, of zips only", sparse


def _raw(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name  # the constructor would mend it
    return info


def _quietly(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(name, data)


def _claiming(whole: bytes) -> bytes:
    """A zip whose members claim to be vast."""
    first = whole.index(b"PK\x01\x02")
    return whole[: first + 24] + struct.pack("<I", 2**31) + whole[first + 28 :]


def _huge_member(whole: bytes) -> bytes:
    info = tarfile.TarInfo("a/huge.png")
    info.size = 2**33
    return whole[:2048] + info.tobuf() + bytes(1024)

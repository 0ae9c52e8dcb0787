"""Pictures are turned as a browser turns them."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tellapart.images.decode import decode
from tests import corpus

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIDE = 100


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("kind", ("JPEG", "PNG"))
def test_orientation_is_what_chromium_shows(kind, tmp_path):
    image = corpus.photo(5, 60, SIDE)
    files = [corpus.oriented(image, k, kind) for k in range(1, 9)]
    for k, data in enumerate(files):
        (tmp_path / f"{k}.img").write_bytes(data)
    cells = "".join(
        f'<img src="{k}.img" style="position:absolute;left:{k % 4 * SIDE}px;top:{k // 4 * SIDE}px">' for k in range(8)
    )
    (tmp_path / "page.html").write_text(f'<body style="margin:0;background:#fff">{cells}</body>')
    shot = tmp_path / "shot.png"
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
    ]
    command += [
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={4 * SIDE},{4 * SIDE}",
        f"--screenshot={shot}",
    ]
    done = subprocess.run([*command, (tmp_path / "page.html").as_uri()], capture_output=True, timeout=120)
    if done.returncode or not shot.exists():
        pytest.skip(f"Chromium does not run here: {done.stderr.decode(errors='replace')[-200:]}")
    shown = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    for k, data in enumerate(files):
        ours = decode(data).astype(int)
        height, width = ours.shape[:2]
        assert (height, width) == ((60, SIDE) if k < 4 else (SIDE, 60))
        top, left = k // 4 * SIDE, k % 4 * SIDE
        theirs = shown[top : top + height, left : left + width]
        assert np.abs(theirs - ours).mean() < 3, f"orientation {k + 1}"
        assert (shown[top + height : top + SIDE, left : left + SIDE] == 255).all(), "and no larger"

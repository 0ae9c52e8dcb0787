from dataclasses import replace

from tellapart.report.report import write_report
from tests import reports


def write(known, folder):
    write_report(known, folder)
    return (folder / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")


def test_a_pretrained_backbone_is_described_with_its_licence_and_what_to_keep_in_mind(tmp_path):
    known = reports.facts(("rose", "tulip"), 60)
    backbone = {
        "title": "EfficientNet-Lite0", "accuracy": 0.749, "licence": "Apache-2.0", "credit": "Google",
        "sha256": "5" * 64, "source": "the package x",
    }  # fmt: skip
    record = known.record | {"backbone": backbone}
    page = write(replace(known, record=record), tmp_path)
    assert "The network starts from <b>EfficientNet-Lite0</b>" in " ".join(page.split())
    assert "It was then trained further on your pictures." in " ".join(page.split())
    assert "the backbone may have seen some of them" in " ".join(page.split())
    frozen = record | {"recipe": record["recipe"] | {"frozen": True}}
    page = write(replace(known, record=frozen), tmp_path)
    assert "It was left as it is" in " ".join(page.split())
    assert "Learning curves" not in page
    card = (tmp_path / "report.md").read_text()
    assert "Pretrained backbone: EfficientNet-Lite0 (ImageNet-1k), weights Apache-2.0, Google" in card

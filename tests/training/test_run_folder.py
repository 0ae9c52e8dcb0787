import json

from tellapart.training.machine import machine, now, versions
from tellapart.training.run_folder import RunFolder


def test_a_folder_is_made_and_written(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", "My photos", "quick")
    assert folder.path.name == "My-photos-quick-001"
    folder.write({"status": "done"})
    assert json.loads((folder.path / "run.json").read_text()) == {"status": "done"}
    folder.remove()
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_record_of_the_machine_is_json():
    assert json.loads(json.dumps([machine(), versions()]))[0]["cores"] >= 1
    assert "keras" in versions()
    assert now().endswith("+00:00")

from tellapart.training.places import without_folders


def test_a_page_that_is_passed_on_has_no_folders_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert without_folders(tmp_path / "here" / "data" / "photos") == "data/photos"
    assert without_folders(str(tmp_path / "elsewhere" / "photos")) == "photos"
    assert without_folders("mnist") == "mnist"
    assert without_folders(tmp_path / "mnist") == "./mnist"  # a folder, not the data set
    assert without_folders("../photos") == "../photos"
    assert without_folders("daisy/1.jpg") == "daisy/1.jpg"

"""The report and the model card: what they say, by the facts of the run."""

import re
import shlex
from dataclasses import replace
from html import unescape
from itertools import pairwise

import numpy as np
import pytest

from tellapart import leaves
from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.evaluation import Evaluation
from tellapart.report.facts import ELSEWHERE, Facts, ShownMistake, ShownPair
from tellapart.report.page import anchor, html, picture, sentence
from tellapart.report.report import SECTIONS, plain, write_report
from tellapart.verbs._train_options import Options
from tests import reports


def evaluation(name="cats"):
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 10, np.float32)
    labels = np.array([0] * 9 + [1] + [1] * 9 + [0])
    return Evaluation(
        "test", (name, "dogs"), labels, probabilities, np.arange(20), tuple(f"{name}/{i}.png" for i in range(20)),
        "cross-entropy", (Baseline("majority class", 0.5, f"always predicting {name!r}"),),
    )  # fmt: skip


def facts(name="cats", skipped=()):
    test = evaluation(name)
    record = {
        "evaluation": {"test": test.to_dict()},
        "results": {"skipped": list(skipped), "best_epoch": 1, "train_seconds": 2.0},
        "data": {"name": "pets", "pictures": 40, "classes": [name, "dogs"], "fingerprint": "f" * 64},
        "split": {
            "counts": {"train": 20, "validation": 0, "test": 20}, "origin": {"train": "given", "test": "given"},
            "class_counts": {"train": [11, 9], "test": [10, 10]},
        },
        "recipe": {
            "name": "quick", "optimizer": "adam", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 2,
            "epochs": 1, "loss": "cross-entropy", "frozen": False,
        }, "backbone": None,
        "preprocessing": {"width": 8, "height": 8, "colour": "rgb"},
        "options": {"data": "my pets", "recipe": "quick", "seed": 0, "set": ["l2=0.1"]},
        "seed": 0, "backend": "tensorflow 2.21.0", "precision": "float32", "versions": {"keras": "3"},
        "started": "now", "machine": {"cores": 2, "processor": "x", "system": "y"},
    }  # fmt: skip
    layers = [{"name": "dense", "kind": "Dense", "shape": [2], "parameters": 1234, "operations": 5678}]
    history = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]
    own = np.zeros((8, 8, 3), np.uint8)
    mistakes = [ShownMistake(item, own) for item in test.mistakes(12)]
    pairs = [ShownPair(0, 1, ["19.png"], [own]), ShownPair(1, 0, ["9.png"])]
    return Facts(record, history, layers, [own], [name], test, mistakes, pairs)


def write(known, folder):
    """The text of the report; a space before a percent sign never ends a line."""
    write_report(known, folder)
    return unescape((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def page(tmp_path):
    write_report(facts(), tmp_path)
    return (tmp_path / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")


def test_every_section_is_there_in_order_and_has_a_link(page):
    titles = re.findall("<h2>(.*?)</h2>", page)
    modules = sorted(
        (leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)), key=lambda m: m.POSITION
    )
    assert titles == [module.TITLE for module in modules if module.TITLE != "Pretrained backbone"]  # which it has not
    assert titles[:4] == ["Result", "What to do next", "Most confident mistakes", "Confusion matrix"]
    for title in titles:
        assert f'<a href="#{anchor(title)}">{title}</a>' in page
        assert f'<section id="{anchor(title)}">' in page
    for words in (
        "<strong>90 % right</strong> on 20 pictures it has never seen",
        "(70 to 97 %)",
        "1,234",
        "5,678",
        "too few pictures",
        "The test split was not used for training or for choosing the weights.",
        "tellapart train &#39;my pets&#39; --recipe quick --seed 0 --precision float32 --set l2=0.1",
        "90.0 %",
    ):
        assert words in page


def test_the_command_repeats_every_option_that_changes_the_training():
    given = {
        "data": "pets", "recipe": "quick", "set": ["l2=0.1"], "epochs": 3, "minutes": 2.0, "patience": 4, "batch": 16,
        "size": "96x128", "learning_rate": 0.02, "seed": 7, "validation": 0.2, "test": 0.3, "group": "subject",
        "folds": 5, "device": "cpu", "max_error_rate": 0.01, "classes": "names.txt", "deterministic": True,
        "precision": "auto", "label": "breed", "image_column": "photo", "images": "jpg", "split_column": "phase",
        "delimiter": ";", "backbone": "resnet-50", "weights": "resnet.pth",
    }  # fmt: skip
    assert set(Options.model_fields) == set(given) | set(ELSEWHERE)
    known = facts()
    words = shlex.split(replace(known, record=known.record | {"options": given}).command)
    assert words[:3] == ["tellapart", "train", "pets"]
    for name, value in given.items():
        if name == "deterministic":
            assert "--deterministic" in words
        elif name != "data":
            expected = {"set": "l2=0.1", "precision": "float32"}.get(name, str(value))  # the precision that was chosen
            assert words[words.index(f"--{name.replace('_', '-')}") + 1] == expected
    assert "--device" not in replace(known, record=known.record | {"options": given | {"device": "auto"}}).command


def test_pages_that_are_passed_on_have_no_folders_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = reports.facts(("rose", "tulip"), 100)
    places = {
        "data": str(tmp_path / "wild" / "flowers"),
        "recipe": str(tmp_path / "my.toml"),
        "classes": "/home/me/c.txt",
    }
    skipped = [{"file": str(tmp_path / "wild" / "broken.jpg"), "reason": "is cut off"}]
    record = known.record | {
        "options": known.record["options"] | places, "results": known.record["results"] | {"skipped": skipped},
    }  # fmt: skip
    keys = tuple(f"/home/me/{key}" for key in known.evaluation.keys)
    evaluation = replace(known.evaluation, keys=keys)
    mistakes = [
        replace(shown, mistake=mistake) for shown, mistake in zip(known.mistakes, evaluation.mistakes(12), strict=True)
    ]
    copies = [replace(group, keys=[f"/home/me/{key}" for key in group.keys]) for group in known.findings.conflicts]
    pairs = [replace(pair, keys=[f"/home/me/{key}" for key in pair.keys]) for pair in known.pairs]
    findings = replace(known.findings, conflicts=copies)
    known = replace(known, record=record, evaluation=evaluation, mistakes=mistakes, findings=findings, pairs=pairs)
    page = write(known, tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    for text in (page, card):
        assert "tellapart train wild/flowers --recipe my.toml" in text
        assert "--classes c.txt" in text
        assert "/home/me" not in text
        assert str(tmp_path) not in text
    assert "wild/broken.jpg" in page


def test_names_from_right_to_left_do_not_reorder_their_sentence():
    arabic, hebrew = "زهرة برية", "כלב גדול"
    assert sentence(f"labelled {arabic} (2.0 %), probably {hebrew} (97.0 %)") == (
        f"labelled <bdi>{arabic}</bdi> (2.0\u00a0%), probably <bdi>{hebrew}</bdi> (97.0\u00a0%)"
    )
    assert sentence(f"{arabic}, {hebrew}.") == f"<bdi>{arabic}</bdi>, <bdi>{hebrew}</bdi>."
    assert sentence(f"<b>{arabic}</b> & roses") == f"&lt;b&gt;<bdi>{arabic}</bdi>&lt;/b&gt; &amp; roses"


def test_file_names_and_advice_are_isolated(tmp_path):
    name = "زهرة برية"
    known = reports.facts((name, "tulip"), 200)
    page = write(known, tmp_path)
    assert f'<bdi dir="ltr">{known.mistakes[0].mistake.key}</bdi>' in page
    assert f"always predicting '<bdi>{name}</bdi>'" in page
    body = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    assert name not in re.sub(r"<bdi[^>]*>[^<]*</bdi>|<[^>]*>", " ", body)


def test_every_link_leads_somewhere(page):
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert {"pair-0-1", "pair-1-0"} <= targets
    assert targets <= set(re.findall(r' id="([^"]+)"', page))


def test_nothing_is_fetched_from_elsewhere(page):
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "<script" not in page


def test_pictures_have_a_size_and_are_there_at_once(page):
    images = re.findall("<img[^>]*>", page)
    assert len(images) == 4
    assert all(re.search(r'width="\d+" height="\d+"', image) and "loading" not in image for image in images)


@pytest.mark.parametrize(
    ("shape", "side", "words"),
    (
        ((8, 8, 1), 224, 'class="coarse" src="data:image/png'),
        ((100, 50, 3), 224, 'width="112" height="224"'),
        ((100, 50, 3), None, 'width="50" height="100"'),
        ((100, 50, 3), None, 'src="data:image/webp'),
    ),
)
def test_a_picture_has_the_size_that_it_is_given(shape, side, words):
    assert words in picture(np.zeros(shape, np.uint8), "a picture", side)


def test_names_are_escaped(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    write_report(facts(evil, [{"file": evil, "reason": evil}]), tmp_path)
    assert "<img src=x" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_values_are_escaped_and_markup_is_not():
    assert html("<b>{{ x }}</b>", x="<i>") == "<b>&lt;i&gt;</b>"
    assert html("{{ x }}", x=html("<b>")) == "<b>"


def test_the_card_has_the_same_facts(tmp_path):
    write_report(facts("ca*ts"), tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in (
        "# Model card:", "ca\\*ts, dogs",
        "On 20 test pictures, which were not used for training or for choosing the weights:", "| accuracy | 0.9000 |",
        "50 % by always predicting 'ca\\*ts'", "too few pictures", "1,234 parameters", "tellapart train 'my pets'",
        "tensorflow 2.21.0, float32; keras 3.",
    ):  # fmt: skip
        assert words in card, words


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("tensorflow 2.21.0", "tensorflow 2.21.0"),
        ("AMD EPYC (2.4 GHz), snake_case - x!", "AMD EPYC (2.4 GHz), snake_case - x!"),
        ("*a* __b__ `c` [d](e)", r"\*a\* \_\_b\_\_ \`c\` \[d\](e)"),
        ("<b> a|b $x$ ~~y~~ &amp; a & b \\", r"\<b\> a\|b \$x\$ \~\~y\~\~ \&amp; a & b " + "\\\\"),
        ("# title", r"\# title"),
        ("- item", r"\- item"),
        ("-1", "-1"),
        ("12. item", r"12\. item"),
        ("1.5 litres", "1.5 litres"),
        ("two\nlines", "two lines"),
    ),
)
def test_only_what_acts_as_markup_is_escaped(text, expected):
    assert plain(text) == expected


def test_the_card_distinguishes_cross_validation_from_a_missing_test_split(tmp_path):
    known = facts()
    folded = replace(known.evaluation, split="cross-validation", folds=(0.8, 0.95))
    page = write(replace(known, evaluation=folded), tmp_path)
    assert "on 20 pictures, each predicted by a model that was not trained on it" in page
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    words = "Cross-validation: 2 models, each evaluated on its held-out fold (accuracy 80.0 % to 95.0 %)"
    assert words in card
    assert "optimistic" not in card
    page = write(replace(known, evaluation=replace(known.evaluation, split="validation")), tmp_path)
    assert "on 20 validation pictures" in page
    assert "never seen" not in page
    words = "No test split: all metrics below come from pictures that were also used to select the model"
    for name in ("report.md", "report.html"):
        assert words in (tmp_path / name).read_text(encoding="utf-8")


def test_leakage_and_groups_across_splits_are_reported(tmp_path):
    known = facts()
    record = known.record | {"split": known.record["split"] | {"groups_across_splits": {"test": 7}}}
    leaky = known.evaluation.with_leaks(np.array([3, 9]))
    write_report(replace(known, record=record, evaluation=leaky), tmp_path)
    for name in ("report.md", "report.html"):
        text = unescape((tmp_path / name).read_text(encoding="utf-8")).replace("\u00a0", " ")
        assert (
            "7 of these pictures belong to groups that also occur in training (the data's own split was kept)" in text
        )
        assert "2 of these pictures are duplicates or near-duplicates of training pictures. Without them" in text
        assert "the accuracy is 94 % (74 to 99 %)" in text
        assert "not used for training" not in text
        assert "never seen" not in text


def test_the_card_mentions_out_of_distribution_pictures_if_the_model_has_a_detector(tmp_path):
    known = facts()
    able = replace(known.evaluation, ood_scores=np.zeros(known.evaluation.count))
    for has_detector in (False, True):
        write_report(replace(known, evaluation=able, has_ood_detector=has_detector), tmp_path)
        assert ("out-of-distribution" in (tmp_path / "report.md").read_text(encoding="utf-8")) == has_detector


def test_a_run_without_any_evaluation_has_a_page_and_a_card(tmp_path):
    page = write(replace(facts(), evaluation=None, mistakes=(), pairs=()), tmp_path)
    assert re.findall("<h2>(.*?)</h2>", page) == ["Learning curves", "Data", "Network and recipe", "How to reproduce"]
    assert "Not evaluated: there is neither" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_mistakes_are_shown_with_what_was_predicted_and_labelled(page):
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "predicted dogs (80.0 %) labelled cats cats/19.png" in words
    assert page.count('class="mistake"') == 2
    assert "as the network sees it" not in page  # which is the same picture
    assert "Heat map" not in page


def test_a_mistake_has_the_picture_its_heat_map_and_what_the_network_sees(tmp_path):
    page = write(reports.facts(("rose", "tulip", "daisy"), 100), tmp_path)
    assert page.count('class="mistake"') == 12
    assert page.count("<span>as the network sees it</span>") == 12
    assert page.count('alt="heat map for the prediction') == 12
    assert 'width="224" height="168"' in page


def test_few_classes_have_counts_and_shares_in_cells_that_lead_to_pictures(page):
    cells = re.findall(r'<td class="(right|wrong)"[^>]*>(.*?)</td>', page)
    assert [kind for kind, _ in cells] == ["right", "wrong", "wrong", "right"]
    assert "<b>9</b><small>90 %</small>" in cells[0][1]
    assert '<a href="#pair-0-1" aria-label="1 of 10 pictures of cats predicted as dogs: see them">' in cells[1][1]


def test_a_cell_beside_mistakes_is_never_all_or_nothing(tmp_path):
    known = reports.facts(("rose", "tulip"), 300)
    labels = np.zeros(300, np.int64)
    probabilities = np.tile(np.array([[0.9, 0.1]], np.float32), (300, 1))
    probabilities[7] = (0.1, 0.9)
    page = write(
        replace(known, evaluation=replace(known.evaluation, labels=labels, probabilities=probabilities), pairs=()),
        tmp_path,
    )
    assert "<b>299</b><small>>99 %</small>" in page
    assert "<b>1</b><small><1 %</small>" in page
    assert re.search(r"<small>(0|100) %</small>", page) is None


def test_many_classes_have_a_list_of_pairs_and_an_ordered_matrix(tmp_path):
    page = write(reports.facts([f"class {k}" for k in range(60)], 900), tmp_path)
    assert 'class="matrix' not in page
    assert page.index("Most confused pairs") < page.index("Confusion matrix: true classes in rows")
    assert page.count('class="pair"') == 60
    labels = re.findall(r">\s*(class \d+)</text>", page)
    assert len(set(labels)) == 60
    rows = labels[60:120] if len(labels) >= 120 else labels
    groups = [int(name.split()[1]) // 4 for name in rows]
    neighbours = sum(one == other for one, other in pairwise(groups))
    assert neighbours >= 40  # of 45, if each block of four stays together


def test_classes_are_listed_weakest_first_if_there_are_many(tmp_path):
    page = write(reports.facts([f"class {k}" for k in range(60)], 900), tmp_path)
    assert "The 20 classes with the lowest F1:" in page
    assert "All 60 classes" in page


def test_epochs_are_those_that_were_trained(tmp_path):
    """With a time budget, their number may differ from the recipe's."""
    history = [{"epoch": i + 1, "loss": 1.0, "accuracy": 0.5} for i in range(7)]
    assert "7 epochs" in write(replace(facts(), history=history), tmp_path)


def test_epochs_on_smaller_pictures_are_explained(tmp_path):
    page = write(replace(facts(), history=reports.history()), tmp_path)
    words = " ".join(page.replace("\u00a0", " ").split())
    assert "the one with the highest validation accuracy at full size. Until epoch 6 (shaded)" in words
    assert "reduced to 75 % of their size" in words
    full = [{key: value for key, value in row.items() if key != "size"} for row in reports.history()]
    page = write(replace(facts(), history=full), tmp_path)
    assert "the one with the highest validation accuracy" in page
    assert "full size" not in page


def test_without_validation_the_last_epoch_is_kept(tmp_path):
    """Also with growing pictures."""
    history = [{key: value for key, value in row.items() if not key.startswith("val_")} for row in reports.history()]
    page = write(replace(facts(), history=history), tmp_path)
    words = " ".join(page.replace("\u00a0", " ").split())
    assert "the last one, because without a validation split the best one is not known. Until epoch 6 (shaded)" in words
    assert "highest validation" not in words
    assert 'aria-label="accuracy by epoch, for training"' in page
    assert "worse than validation" not in words


def test_what_the_temperature_was_fitted_on(tmp_path):
    base = facts()
    tempered = replace(base.evaluation, temperature=1.5)
    folds = {"cross_validation": {}}
    for results, words in (({}, "the validation split"), (folds, "the predictions of the cross-validation")):
        record = base.record | {"results": base.record["results"] | results}
        text = write(replace(base, record=record, evaluation=tempered), tmp_path)
        assert re.search(rf"fitted on\s+{words}", text)


def test_the_data_has_its_findings(tmp_path):
    page = write(reports.facts(("rose", "tulip"), 100), tmp_path)
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "14 pictures form 7 groups of duplicates" in words
    assert "Duplicates with different labels: 1" in words
    assert "rose , train rose/copy.jpg" in words
    assert "The same picture has different labels, so at least one of them is wrong." in words
    assert "probably wrong" not in words
    assert "Skipped, because they could not be read: 3 pictures." in words
    assert "broken-2.jpg is cut off" in words


def test_near_duplicates_with_different_labels_are_only_probably_wrong(tmp_path):
    known = reports.facts(("rose", "tulip"), 100)
    near = replace(known.findings.conflicts[0], exact=False, more=3)
    page = write(replace(known, findings=replace(known.findings, conflicts=[near])), tmp_path)
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "Of near-duplicates with different labels, at least one label is probably wrong." in words
    assert "The same picture" not in words
    assert "and 3 more pictures" in words

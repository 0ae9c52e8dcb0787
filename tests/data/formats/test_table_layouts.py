"""Tables as published data sets have them: each is read right and without a note."""

import json
import unicodedata

import polars as pl
import pytest

import tellapart
from tests.pictures import small_png

PNG = small_png()


def put(home, *names):
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(PNG)


def text(home, name, words, encoding="utf-8"):
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).write_bytes(words.encode(encoding))


def table(home, name, header, rows, separator=","):
    lines = [separator.join(map(str, row)) for row in ([header, *rows] if header else rows)]
    text(home, name, "\n".join(lines) + "\n")


def ham10000(d):
    ids = [f"ISIC_{i:07d}" for i in range(24)]
    put(d, *(f"HAM10000_images_part_{1 + i // 12}/{name}.jpg" for i, name in enumerate(ids)))
    kinds = ["nv", "mel", "bkl"]
    rows = [(f"HAM_{i // 2}", name, kinds[i // 2 % 3], "histo", 50.0 + i, "male", "back") for i, name in enumerate(ids)]
    table(d, "HAM10000_metadata.csv", ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"], rows)


def aptos_2019(d):
    put(d, *(f"train_images/{i:012x}.png" for i in range(20)), *(f"test_images/{i:012x}.png" for i in range(90, 96)))
    table(d, "train.csv", ["id_code", "diagnosis"], [(f"{i:012x}", i % 5) for i in range(20)])
    table(d, "test.csv", ["id_code"], [(f"{i:012x}",) for i in range(90, 96)])
    table(d, "sample_submission.csv", ["id_code", "diagnosis"], [(f"{i:012x}", 0) for i in range(90, 96)])


def dog_breeds(d):
    put(d, *(f"train/{i:032x}.jpg" for i in range(18)), *(f"test/{i:032x}.jpg" for i in range(90, 94)))
    table(d, "labels.csv", ["id", "breed"], [(f"{i:032x}", ["boxer", "dingo", "pug"][i % 3]) for i in range(18)])
    columns = ["id", "boxer", "dingo", "pug"]
    table(d, "sample_submission.csv", columns, [(f"{i:032x}", 0.3, 0.3, 0.4) for i in range(90, 94)])


def cassava(d):
    put(d, *(f"train_images/{1000 + i}.jpg" for i in range(20)), "test_images/2216849948.jpg")
    table(d, "train.csv", ["image_id", "label"], [(f"{1000 + i}.jpg", i % 2) for i in range(20)])
    table(d, "sample_submission.csv", ["image_id", "label"], [("2216849948.jpg", 1)])
    text(d, "label_num_to_disease_map.json", json.dumps({"0": "Bacterial Blight", "1": "Brown Streak Disease"}))


def plant_pathology_2020(d):
    put(d, *(f"images/Train_{i}.jpg" for i in range(16)), *(f"images/Test_{i}.jpg" for i in range(5)))
    rows = [(f"Train_{i}", *(int(i % 4 == k) for k in range(4))) for i in range(16)]
    header = ["image_id", "healthy", "multiple_diseases", "rust", "scab"]
    table(d, "train.csv", header, rows)
    table(d, "test.csv", ["image_id"], [(f"Test_{i}",) for i in range(5)])
    table(d, "sample_submission.csv", header, [(f"Test_{i}", 0.25, 0.25, 0.25, 0.25) for i in range(5)])


def isic_2019(d):
    put(d, *(f"ISIC_2019_Training_Input/ISIC_{i:07d}.jpg" for i in range(15)))
    rows = [(f"ISIC_{i:07d}", *(float(i % 3 == k) for k in range(3)), 0.0) for i in range(15)]
    table(d, "ISIC_2019_Training_GroundTruth.csv", ["image", "MEL", "NV", "BCC", "UNK"], rows)


def gtsrb_kaggle(d):
    header = ["Width", "Height", "Roi.X1", "Roi.Y1", "ClassId", "Path"]
    put(d, *(f"Train/{i % 3}/{i:05d}.png" for i in range(24)), *(f"Test/{i:05d}.png" for i in range(9)))
    put(d, *(f"Meta/{k}.png" for k in range(3)))
    table(d, "Train.csv", header, [(27, 26, 5, 5, i % 3, f"Train/{i % 3}/{i:05d}.png") for i in range(24)])
    table(d, "Test.csv", header, [(53, 54, 6, 5, i % 3, f"Test/{i:05d}.png") for i in range(9)])
    rows = [(f"Meta/{k}.png", k, k % 2, 0, f"3.{k}") for k in range(3)]
    table(d, "Meta.csv", ["Path", "ClassId", "ShapeId", "ColorId", "SignId"], rows)


def gtsrb_official_test(d):
    put(d, *(f"{i:05d}.ppm" for i in range(12)))
    rows = [(f"{i:05d}.ppm", 53, 54, 6, 5, 48, 49, i % 3) for i in range(12)]
    header = ["Filename", "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"]
    table(d, "GT-final_test.csv", header, rows, ";")
    table(d, "signnames.csv", ["Name", "ClassId"], [("Speed limit", 0), ("Stop", 1), ("Yield", 2)], ";")


def food_101(d):
    for kind in ("apple_pie", "waffles"):
        put(d, *(f"images/{kind}/{1000 + i}.jpg" for i in range(8)))
    for split, numbers in (("train", range(6)), ("test", range(6, 8))):
        words = "".join(f"{kind}/{1000 + i}\n" for kind in ("apple_pie", "waffles") for i in numbers)
        text(d, f"meta/{split}.txt", words)
    text(d, "meta/classes.txt", "apple_pie\nwaffles\n")
    text(d, "meta/labels.txt", "Apple pie\nWaffles\n")


def oxford_pets(d, names=("list.txt", "trainval.txt", "test.txt")):
    pets = [f"{breed}_{i}" for breed in ("Abyssinian", "american_bulldog", "Bengal") for i in range(1, 9)]
    put(d, *(f"images/{pet}.jpg" for pet in pets), *(f"annotations/trimaps/{pet}.png" for pet in pets))
    lines = [f"{pet} {1 + i // 8} {1 + (i // 8 == 1)} {1 + (i // 8 == 2)}\n" for i, pet in enumerate(pets)]
    head = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n#SPECIES: 1:Cat 2:Dog\n"
    parts = {"list.txt": head + "".join(lines), "trainval.txt": "".join(lines[::2]), "test.txt": "".join(lines[1::2])}
    for name in names:
        text(d, f"annotations/{name}", parts[name])


def birds_200(d):
    names = [f"{k + 1:03d}.Bird_{k}/Bird_{k}_{i:04d}.jpg" for k in range(2) for i in range(6)]
    put(d, *(f"images/{name}" for name in names))
    numbered = list(enumerate(names, 1))
    text(d, "images.txt", "".join(f"{i} {name}\n" for i, name in numbered))
    text(d, "image_class_labels.txt", "".join(f"{i} {1 + (i > 6)}\n" for i, _ in numbered))
    text(d, "train_test_split.txt", "".join(f"{i} {i % 2}\n" for i, _ in numbered))
    text(d, "classes.txt", "1 001.Bird_0\n2 002.Bird_1\n")


def humpback_whales(d):
    put(d, *(f"train/{i:08x}.jpg" for i in range(16)), *(f"test/{i:08x}.jpg" for i in range(90, 93)))
    table(d, "train.csv", ["Image", "Id"], [(f"{i:08x}.jpg", ["new_whale", "w_1287fbc"][i % 2]) for i in range(16)])
    table(d, "sample_submission.csv", ["Image", "Id"], [(f"{i:08x}.jpg", "new_whale") for i in range(90, 93)])


def hugging_face_imagefolder(d, lines=True):
    for split in ("train", "test"):
        put(d, *(f"{split}/{i:04d}.png" for i in range(6)))
        if lines:
            rows = [{"file_name": f"{i:04d}.png", "label": ["cat", "dog"][i % 2]} for i in range(6)]
            text(d, f"{split}/metadata.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        else:
            table(d, f"{split}/metadata.csv", ["file_name", "label"], [(f"{i:04d}.png", i % 2) for i in range(6)])


def fastai_is_valid(d):
    put(
        d,
        *(f"train/{k}/{i}.png" for k in (3, 7) for i in range(5)),
        *(f"valid/{k}/{i}.png" for k in (3, 7) for i in "89"),
    )
    rows = [(f"train/{k}/{i}.png", k, False) for k in (3, 7) for i in range(5)]
    table(
        d,
        "labels.csv",
        ["name", "label", "is_valid"],
        [*rows, *((f"valid/{k}/{i}.png", k, True) for k in (3, 7) for i in "89")],
    )


def label_studio_csv(d):
    put(d, *(f"pictures/photo{i}.jpg" for i in range(6)))
    rows = [
        (17, i, f"/data/upload/1/{i:08x}-photo{i}.jpg", ["Cat", "Dog"][i % 2], "2024-05-05T10:00:00Z") for i in range(6)
    ]
    table(d, "project-1-at-2024-05-05.csv", ["annotator", "annotation_id", "image", "choice", "created_at"], rows)


def label_studio_json(d):
    put(d, *(f"set/photo{i}.jpg" for i in range(6)))
    tasks = [
        {
            "id": i, "data": {"image": f"/data/local-files/?d=here/set/photo{i}.jpg"},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": [["Cat", "Dog"][i % 2]]}}]}],
        }
        for i in range(6)
    ]  # fmt: skip
    text(d, "project-1.json", json.dumps(tasks))


def label_studio_json_min(d):
    put(d, *(f"photo{i}.jpg" for i in range(6)))
    text(
        d,
        "min.json",
        json.dumps([{"id": i, "image": f"photo{i}.jpg", "choice": ["Cat", "Dog"][i % 2]} for i in range(6)]),
    )


def roboflow_multiclass(d):
    for split, count in (("train", 9), ("valid", 6), ("test", 3)):
        put(d, *(f"{split}/p{i}_jpg.rf.{i:032x}.jpg" for i in range(count)))
        rows = [(f"p{i}_jpg.rf.{i:032x}.jpg", *(f" {int(i % 3 == k)}" for k in range(3))) for i in range(count)]
        table(d, f"{split}/_classes.csv", ["filename", " cat", " dog", " emu"], rows)
    text(d, "README.roboflow.txt", "pets - v1\n\nThis data set was exported via roboflow.com\n")


def imagenet_list(d):
    put(d, *(f"data/n0144/{i}.JPEG" for i in range(6)), *(f"data/n0150/{i}.JPEG" for i in range(6)))
    lines = [f"data/{kind}/{i}.JPEG {k}\n" for k, kind in enumerate(("n0144", "n0150")) for i in range(6)]
    text(d, "train.txt", "".join(lines[::2]))
    text(d, "val.txt", "".join(lines[1::2]))


def aerial_cactus(d):
    put(d, *(f"train/{i:032x}.jpg" for i in range(10)), *(f"test/{i:032x}.jpg" for i in range(80, 83)))
    table(d, "train.csv", ["id", "has_cactus"], [(f"{i:032x}.jpg", i % 2) for i in range(10)])
    table(d, "sample_submission.csv", ["id", "has_cactus"], [(f"{i:032x}.jpg", 0.5) for i in range(80, 83)])


def celebrity_list_without_header(d):
    put(d, *(f"img/{i:06d}.jpg" for i in range(12)))
    text(d, "identity.txt", "".join(f"{i:06d}.jpg {2800 + i % 2}\n" for i in range(12)))


def isic_2020(d):
    put(d, *(f"train/ISIC_{i:07d}.jpg" for i in range(12)))
    header = [
        "image_name",
        "patient_id",
        "sex",
        "age_approx",
        "anatom_site_general_challenge",
        "diagnosis",
        "benign_malignant",
        "target",
    ]
    rows = [
        (f"ISIC_{i:07d}", f"IP_{i // 3}", "male", 45.0, "torso", "unknown", ["benign", "malignant"][i % 2], i % 2)
        for i in range(12)
    ]
    table(d, "train.csv", header, rows)


def intel_excel_export(d):
    put(d, *(f"bilder/{i}.jpg" for i in range(12)))
    lines = ["Nr\tDateiname\tClass\n", *(f"{i + 1}\t{i}.jpg\t{['Tür', 'Öl'][i % 2]}\n" for i in range(12))]
    text(d, "liste.csv", "".join(lines), "utf-16")


def stanford_cars(d):
    """Boxes and classes from 1 up, without a header, and the names of the classes in a list."""
    for split, count in (("train", 12), ("test", 6)):
        put(d, *(f"cars_{split}/{i:05d}.jpg" for i in range(1, count + 1)))
        rows = [(f"{i:05d}.jpg", 30 + i, 52, 246, 147, 1 + i % 2) for i in range(1, count + 1)]
        table(d, f"anno_{split}.csv", None, rows)
    text(d, "names.csv", "AM General Hummer SUV 2000\nAcura RL Sedan 2012\n")


def list_with_a_header(d):
    put(d, *(f"img/{i}.jpg" for i in range(12)))
    text(
        d, "labels.txt", "image breed\n" + "".join(f"{i}.jpg {['golden retriever', 'pug'][i % 2]}\n" for i in range(12))
    )


def celebrities_in_two_ages(d):
    """CelebA's lists begin with their number, and name only the columns behind the files."""
    put(d, *(f"img_align_celeba/{i:06d}.jpg" for i in range(12)))
    text(d, "list_attr_celeba.txt", "12\nYoung \n" + "".join(f"{i:06d}.jpg {1 - i % 2 * 2:2d}\n" for i in range(12)))


def ham10000_with_pixels(d):
    """Kaggle's download also has tables of small pictures, in several sizes."""
    ham10000(d)
    for side in (8, 28):
        names = [f"pixel{i:04d}" for i in range(side**2)]
        rows = [(*((i * j) % 255 for j in range(side**2)), i % 3) for i in range(24)]
        table(d, f"hmnist_{side}_{side}_L.csv", [*names, "label"], rows)


LAYOUTS = [  # the layout, its classes, pictures, splits
    (ham10000, ["bkl", "mel", "nv"], 24, ()),
    (ham10000_with_pixels, ["bkl", "mel", "nv"], 24, ()),
    (aptos_2019, ["0", "1", "2", "3", "4"], 20, ()),
    (dog_breeds, ["boxer", "dingo", "pug"], 18, ()),
    (cassava, ["Bacterial Blight", "Brown Streak Disease"], 20, ()),
    (plant_pathology_2020, ["healthy", "multiple_diseases", "rust", "scab"], 16, ()),
    (isic_2019, ["BCC", "MEL", "NV"], 15, ()),
    (gtsrb_kaggle, ["0", "1", "2"], 33, ("train", "test")),
    (gtsrb_official_test, ["Speed limit", "Stop", "Yield"], 12, ()),
    (food_101, ["apple_pie", "waffles"], 16, ("train", "test")),
    (oxford_pets, ["Abyssinian", "Bengal", "american_bulldog"], 24, ("train", "test")),
    (birds_200, ["001.Bird_0", "002.Bird_1"], 12, ("train", "test")),
    (humpback_whales, ["new_whale", "w_1287fbc"], 16, ()),
    (hugging_face_imagefolder, ["cat", "dog"], 12, ("train", "test")),
    (lambda d: hugging_face_imagefolder(d, lines=False), ["0", "1"], 12, ("train", "test")),
    (fastai_is_valid, ["3", "7"], 14, ("train", "validation")),
    (label_studio_csv, ["Cat", "Dog"], 6, ()),
    (label_studio_json, ["Cat", "Dog"], 6, ()),
    (label_studio_json_min, ["Cat", "Dog"], 6, ()),
    (roboflow_multiclass, ["cat", "dog", "emu"], 18, ("train", "validation", "test")),
    (imagenet_list, ["n0144", "n0150"], 12, ("train", "validation")),
    (aerial_cactus, ["0", "1"], 10, ()),
    (celebrity_list_without_header, ["2800", "2801"], 12, ()),
    (isic_2020, ["benign", "malignant"], 12, ()),
    (intel_excel_export, ["Tür", "Öl"], 12, ()),
    (stanford_cars, ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"], 18, ("train", "test")),
    (list_with_a_header, ["golden retriever", "pug"], 12, ()),
    (celebrities_in_two_ages, ["-1", "1"], 12, ()),
    (lambda d: oxford_pets(d, ("list.txt",)), ["Abyssinian", "Bengal", "american_bulldog"], 24, ()),
]


def name_of(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("layout", "classes", "count", "splits"), LAYOUTS, ids=name_of)
def test_published_layouts(layout, classes, count, splits, tmp_path):
    layout(tmp_path)
    collection = tellapart.open(tmp_path)
    assert collection.notes == (), collection.notes
    assert sorted(collection.class_names) == sorted(classes), collection.inferred
    assert (len(collection), collection.given_splits) == (count, splits), collection.inferred
    assert all(collection.read(i).size for i in range(count))
    assert any(line.startswith("label: ") for line in collection.inferred)


def test_pictures_of_a_competition_without_labels_are_named(tmp_path):
    aptos_2019(tmp_path)
    inferred = tellapart.open(tmp_path).inferred
    assert inferred[:3] == (
        "table: train.csv",
        "label: the column diagnosis",
        "files: the column id_code, with .png, in train_images/",
    )
    assert "skipped: 6 pictures without labels, in tables of test pictures" in inferred
    assert "not used: sample_submission.csv, test.csv" in inferred


def test_drawings_with_the_names_of_the_pictures_are_not_read(tmp_path):
    oxford_pets(tmp_path)
    assert all(key.startswith("images/") for key in tellapart.open(tmp_path).keys)


def test_subjects_are_groups(tmp_path):
    ham10000(tmp_path)
    collection = tellapart.open(tmp_path)
    assert "groups: the column lesion_id (12 groups)" in collection.inferred
    assert collection.groups.tolist()[:3] == ["HAM_0", "HAM_0", "HAM_1"]


def test_identifiers_that_differ_in_every_row_are_not_groups(tmp_path):
    put(tmp_path, *(f"{i}.jpg" for i in range(8)))
    table(tmp_path, "t.csv", ["file_name", "label", "patient_id"], [(f"{i}.jpg", "ab"[i % 2], i) for i in range(8)])
    assert tellapart.open(tmp_path).groups is None


def test_names_in_a_table_with_other_accents(tmp_path):
    put(tmp_path, *(f"img/{unicodedata.normalize('NFD', 'café')}{i}.jpg" for i in range(6)))
    table(tmp_path, "t.csv", ["file_name", "label"], [(f"café{i}.jpg", "ab"[i % 2]) for i in range(6)])
    collection = tellapart.open(tmp_path)
    assert all(collection.read(i).size for i in range(6))


def test_numbers_of_classes_written_by_pandas(tmp_path):
    put(tmp_path, *(f"{i}.jpg" for i in range(6)))
    table(tmp_path, "t.csv", ["", "file_name", "label"], [(i, f"{i}.jpg", float(i % 2)) for i in range(6)])
    assert tellapart.open(tmp_path).class_names == ("0", "1")


def test_a_parquet_table_of_ids(tmp_path):
    put(tmp_path, *(f"pictures/{i}.png" for i in range(6)))
    frame = pl.DataFrame({"id": list(range(6)), "label": [["a"], ["b"]] * 3})
    frame.write_parquet(tmp_path / "t.parquet")
    collection = tellapart.open(tmp_path)
    assert collection.class_names == ("a", "b")
    assert collection.keys[5] == "pictures/5.png"

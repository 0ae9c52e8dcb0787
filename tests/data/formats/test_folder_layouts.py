"""Folder layouts of public data sets: classes and splits, without a warning."""

import pytest

import tellapart
from tests.layouts import pictures

PLAIN = {
    # name: (files with {alternatives}, three pictures in each folder; class names; splits)
    "ImageNet": ("{train,val}/{n01440764,n01443537,n01484850}/x.JPEG", "n01440764 n01443537 n01484850", "train val"),
    "Imagenette": ("imagenette2-160/{train,val}/{n01440764,n02102040}/x.JPEG", "n01440764 n02102040", "train val"),
    "cats-dogs": ("dataset/{training_set/training_set,test_set/test_set}/{cats,dogs}/x.jpg", "cats dogs", "train test"),
    "Dogs vs Cats small": ("cats_and_dogs_small/{train,validation,test}/{cats,dogs}/x.jpg", "cats dogs", "all"),
    "flowers": (
        "flower_photos/{daisy,dandelion,roses,sunflowers,tulips}/x.jpg",
        "daisy dandelion roses sunflowers tulips",
        "",
    ),
    "Food-101": ("food-101/images/{apple_pie,baby_back_ribs,waffles}/x.jpg", "apple_pie baby_back_ribs waffles", ""),
    "EuroSAT": ("2750/{AnnualCrop,Forest,SeaLake}/x.jpg", "AnnualCrop Forest SeaLake", ""),
    "Intel scenes": (
        "{seg_train/seg_train,seg_test/seg_test}/{buildings,forest,sea}/x.jpg",
        "buildings forest sea",
        "train test",
    ),
    "Intel scenes, with pictures to predict": (
        "{{seg_train/seg_train,seg_test/seg_test}/{buildings,forest},seg_pred/seg_pred}/x.jpg",
        "buildings forest",
        "train test",
    ),
    "PlantVillage in color": (
        "plantvillage/color/{Apple___scab,Apple___healthy,Corn___rust}/x.JPG",
        "Apple___healthy Apple___scab Corn___rust",
        "",
    ),
    "Caltech-101": (
        "101_ObjectCategories/{BACKGROUND_Google,accordion,yin_yang}/x.jpg",
        "BACKGROUND_Google accordion yin_yang",
        "",
    ),
    "Caltech-256": (
        "256_ObjectCategories/{001.ak47,002.american-flag,257.clutter}/x.jpg",
        "001.ak47 002.american-flag 257.clutter",
        "",
    ),
    "UC Merced": ("UCMerced_LandUse/Images/{agricultural,airplane,beach}/x.tif", "agricultural airplane beach", ""),
    "Stanford Dogs": (
        "Images/{n02085620-Chihuahua,n02085782-Japanese_spaniel}/x.jpg",
        "n02085620-Chihuahua n02085782-Japanese_spaniel",
        "",
    ),
    "rock-paper-scissors": ("{rps,rps-test-set}/{paper,rock,scissors}/x.png", "paper rock scissors", "train test"),
    "horse or human": ("{train,validation}/{horses,humans}/x.png", "horses humans", "train val"),
    "chest X-rays": ("chest_xray/{train,test,val}/{NORMAL,PNEUMONIA}/x.jpeg", "NORMAL PNEUMONIA", "all"),
    "brain MRI": (
        "{Training,Testing}/{glioma,meningioma,notumor,pituitary}/x.jpg",
        "glioma meningioma notumor pituitary",
        "train test",
    ),
    "Fruits-360": (
        "fruits-360/{Training,Test}/{Apple Braeburn,Apple Red 1,Banana}/x.jpg",
        "Apple Braeburn,Apple Red 1,Banana",
        "train test",
    ),
    "Fruits-360, with other folders": (
        "fruits-360/{{Training,Test}/{Apple,Banana},test-multiple_fruits}/x.jpg",
        "Apple Banana",
        "train test",
    ),
    "hymenoptera": ("hymenoptera_data/{train,val}/{ants,bees}/x.jpg", "ants bees", "train val"),
    "monkey species": ("{training/training,validation/validation}/{n0,n1,n9}/x.jpg", "n0 n1 n9", "train val"),
    "DTD": ("dtd/images/{banded,blotchy,zigzagged}/x.jpg", "banded blotchy zigzagged", ""),
    "RESISC45": ("NWPU-RESISC45/{airplane,airport,wetland}/x.jpg", "airplane airport wetland", ""),
    "Indoor scenes": ("indoorCVPR_09/Images/{airport_inside,winecellar}/x.jpg", "airport_inside winecellar", ""),
    "CUB-200": ("CUB_200_2011/{images,segmentations}/{001.Albatross,002.Auklet}/x.jpg", "001.Albatross 002.Auklet", ""),
    "Tiny ImageNet": ("train/{n01443537,n01629819}/images/x.JPEG", "n01443537 n01629819", "train"),
    "malaria": ("cell_images/{Parasitized,Uninfected}/x.png", "Parasitized Uninfected", ""),
    "GTSRB, training pictures": ("GTSRB/Final_Training/Images/{00000,00001,00042}/x.ppm", "00000 00001 00042", "train"),
    "PACS, one domain": ("sketch/{dog,elephant,person}/x.png", "dog elephant person", ""),
    "MNIST as PNG": ("mnist_png/{training,testing}/{0,1,9}/x.png", "0 1 9", "train test"),
    "ASL alphabet": ("asl_alphabet_train/asl_alphabet_train/{A,B,space}/x.jpg", "A B space", ""),
    "trash": ("dataset-resized/{cardboard,glass,trash}/x.jpg", "cardboard glass trash", ""),
    "vehicles": ("{bus,car,train}/x.jpg", "bus car train", ""),
    "LFW": ("lfw-deepfunneled/{Aaron_Eckhart,Zydrunas_Ilgauskas}/x.jpg", "Aaron_Eckhart Zydrunas_Ilgauskas", ""),
    "COVID-19 radiography": ("COVID-19_Radiography_Dataset/{COVID,Normal}/{images,masks}/x.png", "COVID Normal", ""),
    "SUN397": (
        "SUN397/{a/{abbey,airfield},b/{ballroom,beach},c/{cabin,cafe}}/x.jpg",
        "abbey airfield ballroom beach cabin cafe",
        "",
    ),
}
"""Layouts that are read without a warning."""

SPLITS = {"all": ["train", "validation", "test"], "train test": ["train", "test"], "train val": ["train", "validation"]}


@pytest.mark.parametrize("name", PLAIN)
def test_public_layouts_need_no_warning(name, tmp_path):
    pattern, classes, splits = PLAIN[name]
    collection = tellapart.open(pictures(tmp_path / "x", pattern))
    assert collection.class_names == tuple(sorted(classes.split("," if "," in classes else None)))
    assert collection.notes == ()
    assert list(collection.given_splits) == SPLITS.get(splits, splits.split())
    assert len(set(collection.keys)) == len(collection.keys)
    assert collection.inferred[0].startswith("label: from the folder names")
    assert any(line.startswith("split: from") for line in collection.inferred) == bool(collection.given_splits)

"""cifar10: 50,000 + 10,000 small photos, RGB 32 x 32, ten classes.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from tellapart.data.download import Remote

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

FILES = (
    Remote(
        "cifar-10-binary.tar.gz",
        ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170052171,
    ),
)

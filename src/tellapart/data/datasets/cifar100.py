"""cifar100: 50,000 + 10,000 small photos, RGB 32 x 32, a hundred classes.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The fine labels are used.
"""

from tellapart.data.download import Remote

CLASS_NAMES = None  # the archive contains the names

FILES = (
    Remote(
        "cifar-100-binary.tar.gz",
        ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        168513733,
    ),
)

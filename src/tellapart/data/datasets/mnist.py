"""mnist: 60,000 + 10,000 handwritten digits, grey 28 x 28, ten classes.

Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998; CC BY-SA 3.0.
"""

from tellapart.data.datasets._digit_names import DIGITS
from tellapart.data.download import Remote

CLASS_NAMES = DIGITS

_MIRRORS = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")

FILES = tuple(
    Remote(name, tuple(mirror + name for mirror in _MIRRORS), sha256, size)
    for name, sha256, size in (
        ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
        ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
        ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
        ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
    )
)

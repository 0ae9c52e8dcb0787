"""fashion-mnist: 60,000 + 10,000 articles of clothing, grey 28 x 28, ten classes.

Source: Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017 (arXiv:1708.07747); MIT.
"""

from tellapart.data.download import Remote

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

FILES = tuple(
    Remote(name, (_MIRROR + name,), sha256, size)
    for name, sha256, size in (
        ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880),
        ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515),
        ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102),
        ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148),
    )
)

"""The recipes that come with tellapart: one file a recipe, found by listing this folder.

A recipe is a module that reads top to bottom: a docstring card (its first line says what it is for), then

    def network(shape, classes) -> keras.Model     built-in layers only, pixels 0..255 in, probabilities out
    RECIPE = Recipe(name="...", network=network, ...)

and, where size and count of the pictures should decide something, `adapt(recipe, pictures, shape) -> Recipe`. A
person's own `--recipe my.py` is such a module too. tests/contracts/test_recipes.py meets every file of this folder.
"""

"""The recipes that come with tellapart: one file per recipe, found by listing this folder.

A recipe is a module with a docstring (its card; the first line says what the recipe is for) and

    def network(shape, classes) -> keras.Model     built-in layers only, pixels 0..255 in, probabilities out
    RECIPE = Recipe(name="...", network=network, ...)

and, if settings depend on the size or number of pictures, `adapt(recipe, pictures, shape) -> Recipe`. A user's file
for `--recipe my.py` is such a module too. tests/contracts/test_recipes.py tests every file in this folder.
"""

"""Why a classifier answers as it does: heat maps, what its layers see, what is like the picture."""

"""Why a classifier predicts what it does: heat maps, filters and feature maps, similar training pictures."""

"""Recipes: network, augmentation, loss, optimizer, schedule, batch size and epochs of a training."""

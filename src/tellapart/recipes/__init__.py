"""How to learn: network, augmentation, loss, optimizer, schedule, batch, epochs - everything that decides a training."""

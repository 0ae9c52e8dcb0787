"""How to learn: network, augmentation, loss, optimizer, schedule, batch, epochs - all that decides a training."""

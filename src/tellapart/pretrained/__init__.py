"""Pretrained backbones at work: find and read their weights, and compute the features of pictures."""

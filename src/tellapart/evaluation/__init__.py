"""How good a classifier is, and how certain that is: metrics, confidence intervals, baselines, comparisons."""

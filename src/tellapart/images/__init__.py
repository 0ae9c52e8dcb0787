"""One picture, without labels: decode it, bring it to the form that a network sees."""

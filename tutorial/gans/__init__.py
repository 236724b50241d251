"""Generative adversarial networks: how they play, what can be measured while they do, and how they fail."""

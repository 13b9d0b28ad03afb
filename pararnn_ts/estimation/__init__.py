"""Levenberg-Marquardt, evidence, starting values and scaling: arrays and kernels, no labels."""

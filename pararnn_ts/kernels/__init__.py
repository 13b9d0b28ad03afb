"""Numba kernels: arrays in, arrays out; no pandas and no model classes."""

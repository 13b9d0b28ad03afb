"""Levenberg-Marquardt, evidence, starts and scaling; knows kernels only as callables."""

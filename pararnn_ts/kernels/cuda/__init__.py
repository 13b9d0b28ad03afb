"""Kernels for CUDA devices, built from the sources of the CPU kernels; numba.cuda is imported when it is used."""

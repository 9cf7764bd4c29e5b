"""Kernels in CUDA, through `numba.cuda`: for loops that functions of whole arrays cannot say."""

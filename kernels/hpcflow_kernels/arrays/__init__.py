"""Kernels in the functions of the Python array API: any library of arrays, any device."""

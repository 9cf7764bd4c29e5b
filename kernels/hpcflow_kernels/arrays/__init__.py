"""Kernels for any library of the Python array API standard: what goes in and comes out lies where it lay."""

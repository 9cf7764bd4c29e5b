"""Records computed by many ranks: what they are cut into, how the parts change hands, and the kernels."""

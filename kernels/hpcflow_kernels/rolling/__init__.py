"""Statistics of a window at every sample."""

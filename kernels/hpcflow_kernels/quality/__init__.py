"""Whether recordings can be trusted: missing, flat, clipped, late."""

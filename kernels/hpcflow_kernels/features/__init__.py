"""Numbers that tell one window from another."""

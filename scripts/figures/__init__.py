"""Pictures of the documentation, drawn from recordings."""

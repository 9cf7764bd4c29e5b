"""Activities: cleaning, power, training load."""

"""Condition of machines: envelopes, kurtograms, severity, gears, and the faults of bearings."""

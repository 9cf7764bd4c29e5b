"""Spectra: of power, in time, of pairs, by octaves, by orders, of irregular samples."""

"""What resembles what: matrix profile and dynamic time warping."""

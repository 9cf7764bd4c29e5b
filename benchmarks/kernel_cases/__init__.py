"""What is timed of each family of kernels: modules with a generator `cases(small, timers)`."""

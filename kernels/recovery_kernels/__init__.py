"""Compiled loops, draws and rules: numbers alone, with NumPy and Numba."""

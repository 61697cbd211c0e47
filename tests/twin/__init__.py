"""Slow, obvious twins of the kernels: plain Python, written from MODEL.md, for tests only."""

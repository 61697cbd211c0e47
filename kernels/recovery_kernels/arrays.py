"""Types of arrays, of any shape."""

import numpy as np

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Short = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
Bits = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
Real = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Bytes = np.ndarray[tuple[int, ...], np.dtype[np.int8]]

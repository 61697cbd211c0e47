"""Keys of a file, with dots: what each is called where there is little room. A leaf."""

import collections
from collections.abc import Iterable


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """What each key is called in names: as many of its last parts as no other key ends with, or else all of it."""
    every = list(dict.fromkeys(keys))
    ends = {key: [key.split(".")[i:] for i in range(key.count("."), -1, -1)] for key in every}
    shared = collections.Counter(".".join(end) for own in ends.values() for end in own)
    return {key: next((".".join(end) for end in ends[key] if shared[".".join(end)] == 1), key) for key in every}

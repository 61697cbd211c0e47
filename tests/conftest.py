"""How often Python looks for garbage in tests: as seldom as the command does (`recovery.cli.main.GARBAGE_AFTER`).

Each look goes through all that the imported packages hold. With Python's own 700 new objects to a look it is a quarter
of the time in which tests are collected, and a sixth of that in which pages are drawn.
"""

import gc

gc.set_threshold(50_000)

"""VOT's protocol of restarts: the codes in its result files, and its numbers of frames.

Tracking, the reader of result files and the scores read them here. The audit has its own, since it computes on its own.
"""

INITIALISED, FAILED, SKIPPED = 1, 2, 0

RESTART = 5
"""Frames from a failure to the next start."""

BURN_IN = 10
"""Frames from a restart on that do not count for accuracy."""

"""The tracker, its per-sequence job, and the fan-out of jobs."""

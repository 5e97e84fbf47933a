"""The fan-out of a benchmark: units, their keys, jobs, the job store."""

"""`make test-slurm`: a benchmark's jobs through SLURM, on a cluster of one node that the test starts and stops."""

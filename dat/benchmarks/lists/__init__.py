"""Published lists of the benchmarks' sequences: CSV files, and what they say by data set."""

"""What is known of the published benchmarks: names, lists, lengths, attributes, what their files count pixels from."""

"""VOT's re-start protocol: files, regions, expected overlap, ranks."""

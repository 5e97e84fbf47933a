"""`dat track`: frames from anywhere, one target, boxes and a video."""

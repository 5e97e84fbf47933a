"""How an embedded video is composed, drawn, described and written."""

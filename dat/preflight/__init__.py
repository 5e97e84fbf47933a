"""Before a run: what is missing for it, and what lies ahead. Reads only, and needs no torch unless there is a GPU."""

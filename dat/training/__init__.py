"""The three trainings and their runner."""

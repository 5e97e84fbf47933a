"""What every stage stands on: settings, errors, names, files, processes and devices."""

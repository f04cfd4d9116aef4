"""Run the whole desk on one machine: the embedded database, the processes, the demo's data."""

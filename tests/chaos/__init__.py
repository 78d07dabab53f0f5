"""Faults under load, with real processes, real PostgreSQL and real Redis: `python -m chaos` from the folder `tests`."""

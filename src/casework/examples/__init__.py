"""Agents of real tasks, to copy and change: `casework examples`. Each imports only what its user could."""

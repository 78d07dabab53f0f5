"""Adapters of agent frameworks, each an extra of its own. None of them is imported by anything else."""

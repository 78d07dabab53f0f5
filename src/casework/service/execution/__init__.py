"""Executes runs, from the message to the outcome. Each write is fenced by the attempt that holds the case."""

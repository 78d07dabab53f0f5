"""A run from its message to its outcome: started, called, finished, each fenced by the attempt that holds the case."""

"""Stopping a graph: at once where it awaits, after a plain node's end, and so that another worker goes on."""

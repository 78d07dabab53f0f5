"""Agents of other frameworks as agents of casework: a package for each, with an extra of its own."""

"""Why nothing happens: to a case, in a queue, in an installation. All three look for the same causes, and know them by
the same reasons."""

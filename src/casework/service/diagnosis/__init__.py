"""Why nothing happens: to a case, in a queue, in an installation. All three look for the same causes and give the same
reasons."""

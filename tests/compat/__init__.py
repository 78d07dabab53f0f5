"""Does casework work with the servers that others have, set up as they set them up? `python -m compat`, from tests/."""

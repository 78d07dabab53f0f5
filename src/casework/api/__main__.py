"""`python -m casework.api HOST PORT`: serve the HTTP API."""

import sys

from casework.api.serve import serve
from casework.errors import CaseworkError

if __name__ == "__main__":
    try:
        serve(sys.argv[1], int(sys.argv[2]))
    except CaseworkError as error:
        sys.exit(f"error: {error}")

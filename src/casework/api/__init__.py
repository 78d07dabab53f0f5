"""The HTTP face: FastAPI, thin over `service`. Routes parse, call one use case, and shape its result."""

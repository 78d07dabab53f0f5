"""casework for models: its use cases as tools of the Model Context Protocol. Needs the extra `casework[mcp]`."""

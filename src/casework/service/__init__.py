"""The use cases: one function each, one transaction each, with the effects that follow the commit as their result."""

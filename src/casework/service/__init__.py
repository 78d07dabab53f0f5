"""The use cases: one function and one transaction each. They return the effects to perform after the commit."""

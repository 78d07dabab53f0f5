"""The schema, one numbered file a change, shipped in the package."""

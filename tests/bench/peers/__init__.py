"""What others do with the same servers."""

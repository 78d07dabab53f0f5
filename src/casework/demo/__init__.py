"""A story to watch: made-up invoices, and two agents that work them."""

"""The rules: pure functions and frozen data, with no clock, no input and no output."""

"""The rows of the table of operations, with their params and results, by what they concern."""

"""How results are drawn: as HTML, as plain text, as JSON."""

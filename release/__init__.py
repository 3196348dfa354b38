"""What a release needs besides the code: its licences and its bill of materials."""

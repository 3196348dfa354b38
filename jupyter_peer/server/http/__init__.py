"""What the server serves besides its API: the peer wire, the pages, and all URLs."""

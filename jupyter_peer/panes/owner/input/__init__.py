"""What viewers do in panes: which inputs are allowed, and how they reach the kernel."""

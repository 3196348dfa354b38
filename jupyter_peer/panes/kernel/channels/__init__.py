"""The channels of a kernel: its IOPub messages, and requests on its shell."""

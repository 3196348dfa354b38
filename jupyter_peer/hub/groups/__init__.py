"""Groups: one message for many viewers behind one relay."""

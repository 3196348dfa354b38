"""The peer wire, without I/O: bytes in, events and bytes out.

Nothing here opens a socket, reads a clock or draws a random number; callers pass these as arguments.
``SPEC.md`` beside this file specifies the protocol. Above are ``transports``, which move frames, and
``hub``, which handles the messages in them. Below is only ``errors``.
"""

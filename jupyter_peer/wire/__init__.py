"""The peer wire, without I/O: bytes in, events and bytes out.

Nothing here opens a socket, reads a clock or draws a random number; those are arguments. The
protocol is written down in ``SPEC.md`` beside this file. Above it are ``transports`` (which move
frames) and ``hub`` (which decides what to do with what they hold); below it is only ``errors``.
"""

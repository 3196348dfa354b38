"""How the properties of the wire are tried."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes single examples slow; what is slow by itself has tests of its own.
settings.register_profile("wire", deadline=None)
settings.load_profile("wire")

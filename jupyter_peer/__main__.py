"""``python -m jupyter_peer``: the same as ``jupyter peer``, where ``jupyter`` is not on the path."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

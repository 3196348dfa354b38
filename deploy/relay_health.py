"""Exits with 0 if the relay at a port of this machine is healthy, with or without TLS.

``python relay_health.py PORT``. A relay with a certificate answers no plain HTTP, and its
certificate names another host than this one. Nothing secret is sent, so no certificate is checked.
"""

import contextlib
import json
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection


def is_healthy(port: int) -> bool:
    """Return what ``/health`` says; False if no relay answers there."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    at = ("127.0.0.1", port)
    for way in (HTTPConnection(*at, timeout=4), HTTPSConnection(*at, timeout=4, context=unchecked)):
        # The wrong one of the two ends in one of several errors.
        with contextlib.suppress(OSError, HTTPException, ValueError), contextlib.closing(way):
            way.request("GET", "/health")
            return json.load(way.getresponse())["ok"] is True
    return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(int(sys.argv[1])) else 1)

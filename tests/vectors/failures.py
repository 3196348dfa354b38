"""Writes the general texts of the server's errors where translators of the page find them.

``python -m tests.vectors.failures`` writes ``labextension/src/failures.ts`` from
``jupyter_peer/errors.py``; ``tests/control/test_generated.py`` checks that it is fresh.
"""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_peer.errors import PeerError

PAGE = Path(__file__).resolve().parents[2] / "labextension" / "src" / "failures.ts"
_HEAD = """\
import { TranslationBundle } from '@jupyterlab/translation';

const built = new WeakMap<TranslationBundle, Record<string, string>>();

/**
 * What each error of the server means, by its code: for errors that say more than is translated.
 *
 * Built once for each translator. Written by `python -m tests.vectors.failures` from the classes in
 * `jupyter_peer/errors.py`.
 */
export function failureTexts(trans: TranslationBundle): Record<string, string> {
  const texts = built.get(trans) ?? build(trans);
  built.set(trans, texts);
  return texts;
}

function build(trans: TranslationBundle): Record<string, string> {
  // prettier-ignore
  return {
"""
_FOOT = """\
  };
}
"""


def page() -> str:
    """Return the text of the file."""
    rows = [
        f"    {cls.code}: trans.__({json.dumps(cls.text)}),\n"
        for cls in sorted(errors(), key=lambda cls: cls.code)
    ]
    return "".join((_HEAD, *rows, _FOOT))


def errors(cls: type[PeerError] = PeerError) -> set[type[PeerError]]:
    """Return a class of ``errors.py`` with all that inherit from it."""
    below = (each for each in cls.__subclasses__() if each.__module__ == PeerError.__module__)
    return {cls}.union(*(errors(each) for each in below))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

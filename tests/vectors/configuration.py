"""Writes the reference of all settings from the traits that define them.

``python -m tests.vectors.configuration`` writes ``docs/reference/configuration.md``;
``tests/control/test_generated.py`` checks that it is fresh.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from traitlets import Container, HasTraits, TraitType, Undefined

from jupyter_peer.app import PeerExtension
from jupyter_peer.commands.relay import RelayCommand

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "configuration.md"
_HEAD = """# Configuration

<!-- Written by `python -m tests.vectors.configuration`. Do not edit. -->

Set these in `jupyter_server_config.py`, as `c.PeerExtension.node_name = "ada"`, or on the command
line, as `--PeerExtension.node_name=ada`. Those of a relay are in `jupyter_peer_config.py`.
"""


def own_traits(cls: type[HasTraits]) -> dict[str, TraitType]:
    """Return the settings that this project defines for a class, by name."""
    found: dict[str, TraitType] = {}
    for base in reversed(cls.mro()):
        if base.__module__.startswith("jupyter_peer.") and issubclass(base, HasTraits):
            found |= base.class_own_traits(config=True)
    return dict(sorted(found.items()))


def default_of(trait: TraitType) -> str:
    """Return a default as code; empty where the node works it out when it starts."""
    value = trait.default_args if isinstance(trait, Container) else trait.default_value
    if isinstance(trait, Container):
        return f"`{list(value[0]) if value and value[0] else []}`"
    return "" if value is Undefined else f"`{value!r}`"


def section(cls: type[HasTraits]) -> str:
    """Return the table of a class."""
    rows = [f"\n## {cls.__name__}\n", "| Setting | Default | |", "| --- | --- | --- |"]
    for name, trait in own_traits(cls).items():
        text = re.sub(r"\s+", " ", inspect.cleandoc(str(trait.help))).replace("|", "\\|")
        rows.append(f"| `{name}` | {default_of(trait)} | {text} |")
    return "\n".join(rows) + "\n"


def reference() -> str:
    """Return the page."""
    return _HEAD + section(PeerExtension) + section(RelayCommand)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")

"""Sentences with parameters: terminals read them in English, and the page translates them.

A phrase follows gettext and JupyterLab: its English template is the id under which translators find
it, and ``%1``, ``%2`` stand for its parameters. ``tests/vectors/phrases.py`` collects all templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import Formatter

_MARK = re.compile(r"%%|%(\d+)")


@dataclass(frozen=True)
class Phrase:
    """A template with its parameters; ``str()`` returns the English sentence.

    Attributes:
        template: English, with ``%1`` for the first parameter, as ``trans.__`` of JupyterLab expects.
        params: Text that stays as it is, such as a name, or a phrase within the phrase.
    """

    template: str
    params: list[str | Phrase] = field(default_factory=list)

    def __str__(self) -> str:
        return _MARK.sub(
            lambda mark: str(self.params[int(mark[1]) - 1]) if mark[1] else "%", self.template
        )

    @property
    def for_page(self) -> Phrase:
        """The phrase that the page shows."""
        return self

    def on_page(self, other: Phrase) -> Phrase:
        """Return this phrase for terminals; the page shows another, without commands."""
        return _Command(self.template, self.params, other)


@dataclass(frozen=True)
class _Command(Phrase):
    """A phrase that names a command, and the phrase for people who use the mouse."""

    page: Phrase = Phrase("")

    @property
    def for_page(self) -> Phrase:
        return self.page


def phrase(template: str, /, **params: object) -> Phrase:
    """Return a phrase.

    Args:
        template: An English literal, so that translators can find it. ``{name}`` or ``{name:.1f}``
            stands for a parameter. Without parameters braces are plain text.
        **params: Values for the template.
    """
    if not params:
        return Phrase(_plain(template))
    names: list[str] = []
    values: list[str | Phrase] = []
    text = ""
    for literal, name, form, _ in Formatter().parse(template):
        text += _plain(literal)
        if name is None:
            continue
        if name not in names:
            value = params[name]
            names.append(name)
            values.append(value if isinstance(value, Phrase) else format(value, form or ""))
        text += f"%{names.index(name) + 1}"
    return Phrase(text, values)


def as_phrase(words: str | Phrase) -> Phrase:
    """Return a text without parameters as a phrase; a phrase stays as it is."""
    return words if isinstance(words, Phrase) else Phrase(_plain(words))


def _plain(literal: str) -> str:
    """Return a text whose percent signs stand for themselves."""
    return re.sub(r"%(?=[\d%])", "%%", literal)

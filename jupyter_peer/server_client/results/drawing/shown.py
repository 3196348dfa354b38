"""Results of calls: a plain dict, list or str with one description and three drawings.

A result lists its blocks (:mod:`.blocks`), from which its HTML and its text are drawn, and is
itself its JSON. A *note* is a block about the result: a terminal writes it to stderr, so that
stdout holds the result alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .blocks import Block, Line, Preformatted, Table, Text, text_of
from .markup import Html, box, join


class Shown:
    """A result that draws itself; subclasses implement :meth:`_describe`."""

    __slots__ = ()

    #: Key of the result in JSON, as REST names it; empty for an object that stands alone.
    _KEY: ClassVar[str] = ""

    @abstractmethod
    def _describe(self) -> Iterable[Block]:
        """Return the blocks of this result."""

    def to_html(self) -> Html:
        """Return it as HTML for a notebook."""
        return join(block.html() for block in self._describe())

    def to_text(self) -> str:
        """Return it as plain text, notes included."""
        return text_of(self._describe())

    def to_terminal(self) -> tuple[str, str]:
        """Return the text for stdout and the notes for stderr; either may be empty."""
        blocks = list(self._describe())
        text, notes = ([each for each in blocks if each.is_note is kind] for kind in (False, True))
        return text_of(text, in_terminal=True), text_of(notes, in_terminal=True)

    def to_json(self) -> Any:
        """Return it as REST does, for programs."""
        return {self._KEY: self} if self._KEY else self

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": box(self.to_html()), "text/plain": self.to_text()}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # IPython's own printers for dict, list and str would go before the bundle's text.
        printer.text(self.to_text())


class Record(dict[str, Any]):
    """A JSON object whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}; it has {', '.join(self) or 'nothing'}"
            ) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})


class Records(Shown, list[Record]):
    """A JSON array of objects."""

    def __init__(self, items: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(Record(item) for item in items)


class Outcome(Shown, Record):
    """A result whose blocks are known when it is made.

    Args:
        answer: Its JSON.
        *blocks: Its text.
    """

    def __init__(self, answer: Mapping[str, Any], *blocks: Block) -> None:
        super().__init__(answer)
        self._blocks = blocks

    def _describe(self) -> Iterable[Block]:
        return self._blocks


class Done(Outcome):
    """The result of a command that only changes something: a sentence."""

    def __init__(self, sentence: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(answer or {}, Line(sentence))


class Help(Shown):
    """The help of one command."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _describe(self) -> list[Block]:
        return [Preformatted(self.text)]

    def to_json(self) -> Any:
        return {"help": self.text}


class Overview(Help):
    """The list of all commands.

    Args:
        text: For terminals.
        head: A sentence before the list.
        commands: Usage and description of each command.
        foot: A sentence after the list.
    """

    def __init__(
        self, text: str, head: str, commands: Iterable[tuple[str, str]], foot: str
    ) -> None:
        super().__init__(text)
        self._head, self._foot = head, foot
        self._commands = list(commands)

    def to_html(self) -> Html:
        rows = [(Text(usage, "code"), summary) for usage, summary in self._commands]
        blocks = (
            Line(Text(self._head, "strong")),
            Table(("command", "what it does"), rows, ""),
            Line(Text(self._foot, "faint")),
        )
        return join(block.html() for block in blocks)

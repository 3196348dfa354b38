"""``%peer`` and ``%%peer`` in IPython: results, errors and Tab completion in a notebook."""

from __future__ import annotations

import dis
import functools
import inspect
import linecache
import re
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from IPython.core import inputtransformer2
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from ..document import loaders
from ..errors import PeerError
from ..server_client.command_table.command import HelpAskedError, MisuseError
from ..server_client.command_table.line import parse, run, split
from ..server_client.command_table.surface import Surface
from ..server_client.results.drawing.markup import line as one_line
from ..server_client.results.drawing.shown import Help, Shown
from ..server_client.views.cell import LiveDisplay, running_cell
from .pager import show_pages_in_cells

if TYPE_CHECKING:
    from ..server_client.client import Client
    from ..server_client.results.answers import Answer

_CELL_MAGIC = "%%peer"
_SHARE = "get_ipython().run_line_magic('peer', "
_QUESTION = re.compile(r"(?P<indent>[ \t]*)%peer[ \t]+(?P<words>(?:ask|chat)[ \t].*\?)\s*")


class CommandError(UsageError):
    """A failed command, shown in one line without a traceback.

    Attributes:
        error: The error of the command.
    """

    def __init__(self, command: str, error: PeerError) -> None:
        self.error = error
        self.code = str(error.data.get("code", error.code))
        hint = f" - {error.hint}" if error.hint else ""
        super().__init__(f"{command}: {error.message} [{self.code}]{hint}")

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class InterruptedCommandError(KeyboardInterrupt):
    """A command that was interrupted while it waited."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class _Notebook(Surface):
    """The running cell: shows steps as lines below it, and an answer while it arrives."""

    def __init__(self) -> None:
        self.steps = _steps_display()

    def ask(
        self, client: Client, peer: str, text: str, timeout: float, agent: str | None
    ) -> Answer:
        if running_cell() is None:
            return super().ask(client, peer, text, timeout, agent)
        from ..server_client.results.answers import show_streamed

        return show_streamed(client.ask_stream(peer, text, timeout, agent=agent), peer)

    def panel(self, client: Client) -> Any:
        from .panel.panel import PeerPanel

        return PeerPanel(client)


@magics_class
class PeerMagics(Magics):
    """The magics of jupyter-peer."""

    @line_cell_magic
    def peer(self, line: str, cell: str | None = None) -> Shown | None:
        """Connect this Jupyter with the Jupyters of other people; ``%peer`` lists the commands."""
        words: list[str] = []
        try:
            words = split(line)
            if cell is not None:
                return self._peer_cell(words, cell)
            result = run(self._client, words, _Notebook())
            if words[:1] == ["share"]:
                _hide_share(self.shell)
            if words[:1] in (["share"], ["present"]):
                show_pages_in_cells(self.shell)
        except PeerError as error:
            raise CommandError(_written(words, cell), error) from None
        except KeyboardInterrupt:
            raise InterruptedCommandError(
                f"{_written(words, cell)}: interrupted; its answer is not awaited any more"
            ) from None
        if _is_dropped(self.shell):
            display(result)  # type: ignore[no-untyped-call]
        return result

    def _peer_cell(self, words: list[str], cell: str) -> Shown | None:
        # IPython calls this only for cells that `unfold_share` has not rewritten.
        try:
            command, _ = parse(words)
        except HelpAskedError as asked:
            return asked.help
        if command.name != "share":
            raise MisuseError(
                f"{command.name} cannot run a cell",
                hint=f"write %peer {command.name} in a line of its own",
            )
        if not cell.strip():
            raise MisuseError(
                "the cell under %%peer share is empty", hint="write the code to share below it"
            )
        pane = run(self._client, words)
        shell: Any = self.shell
        shell.run_cell(cell)
        return pane

    @staticmethod
    def _client() -> Any:
        # The client imports tornado, which loading the magics does not need.
        from ..server_client.client import kernel_client

        return kernel_client()


def unfold_share(lines: list[str]) -> list[str]:
    """Rewrite a cell that begins with ``%%peer share``: sharing becomes its first statement.

    So the rest runs as any cell does: with ``await``, with its own line numbers in tracebacks, with
    its last value shown, and with the cell magic that it begins with. An incomplete ``share`` stays
    as it is, and the cell magic reports the error.
    """
    if not lines or not lines[0].startswith(_CELL_MAGIC + " "):
        return lines
    words = lines[0][len(_CELL_MAGIC) :].strip()
    try:
        command, _ = parse(split(words))
    except (PeerError, HelpAskedError):
        return lines
    if command.name != "share" or not "".join(lines[1:]).strip():
        return lines
    # Returns no value, because a notebook would show it in the pane.
    share = f"{_SHARE}{words!r}) and None\n"
    transform: Any = inputtransformer2
    below = transform.leading_empty_lines(lines[1:])
    if not below[0].startswith("%%"):
        return [share, *lines[1:]]
    # IPython looks for a cell magic only in the first line.
    return [share, *transform.cell_magic(unfold_share(below))]


def _hide_share(shell: Any) -> None:
    """Empty the statement of :func:`unfold_share` in the running cell's source.

    A traceback shows the lines around its own. In a pane this one would tell with whom it is shared.
    """
    frame = _cell_frame(shell)
    file = "" if frame is None else frame.f_code.co_filename
    match linecache.cache.get(file):
        case (size, changed, [first, *lines], name) if first.startswith(_SHARE):
            linecache.cache[file] = (size, changed, ["\n", *lines], name)


def keep_questions(lines: list[str]) -> list[str]:
    """Rewrite questions to peers: their final ``?`` asks IPython for help."""
    kept = []
    for line in lines:
        match = _QUESTION.fullmatch(line)
        kept.append(
            f"{match['indent']}get_ipython().run_line_magic('peer', {match['words']!r})\n"
            if match
            else line
        )
    return kept


def _is_dropped(shell: Any) -> bool:
    """Return whether the running line of a cell drops its value; Python shows only a cell's last one.

    The instruction after the call shows, stores or drops the value. Rewriting the cell instead would
    miss the cell that loads the magics, which IPython has rewritten before.
    """
    frame = _cell_frame(shell)
    if frame is None:
        return False
    instructions, at = dis.get_instructions(frame.f_code), frame.f_lasti
    return next(each.opname for each in instructions if each.offset > at) == "POP_TOP"


def _cell_frame(shell: Any) -> FrameType | None:
    """Return the frame of the running cell."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is not shell.user_global_ns:
        frame = frame.f_back
    return frame


def load(shell: InteractiveShell) -> None:
    """Add magics and completion to a shell; a second call replaces them."""
    shell.register_magics(PeerMagics)
    cleanups = shell.input_transformers_cleanup
    # By name, because a reloaded module has another function; some of IPython's have no name.
    ours = (unfold_share, keep_questions)
    names = {each.__name__ for each in ours}
    kept = [t for t in cleanups if getattr(t, "__name__", "") not in names]
    cleanups[:] = [*kept, *ours]
    watch_loaders(shell)
    set_hook: Any = shell.set_hook
    for word in ("%peer", _CELL_MAGIC):
        set_hook("complete_command", _complete, str_key=word)


def watch_loaders(shell: InteractiveShell) -> None:
    """Record libraries that cells load into the page, for panes of later cells; may be called twice."""
    publisher: Any = shell.display_pub
    if hasattr(publisher, "register_hook"):
        publisher.unregister_hook(keep_loader)
        publisher.register_hook(keep_loader)


def keep_loader(message: dict[str, Any]) -> dict[str, Any]:
    """Keep a display if it loads a library, and let it pass."""
    loaders.OWN.add([message.get("content", {}).get("data", {})])
    return message


def _complete(shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
    from ..server_client.command_table.completion import candidates

    return candidates(event.text_until_cursor, event.symbol)


def _written(words: list[str], cell: str | None) -> str:
    magic = "%peer" if cell is None else _CELL_MAGIC
    return f"{magic} {words[0][:20]}" if words else magic


def _steps_display() -> Callable[[dict[str, Any]], None] | None:
    """Return a function that shows the steps of a command as lines below the cell."""
    return None if running_cell() is None else functools.partial(_show_step, LiveDisplay(), {})


def _show_step(display: LiveDisplay, steps: dict[str, str], step: dict[str, Any]) -> None:
    address, message = str(step.get("address") or ""), str(step.get("message") or "")
    is_done = step.get("ok")
    mark = "…" if is_done is None else "✓" if is_done else "✗"
    # What has no address is a count of checks, and its message says so.
    name = str(step.get("step", ""))
    words = (mark, name if address else "", "" if address in message else address, message)
    # The result of an address replaces the line of its attempt, and after a link
    # is there, the other attempts end.
    if name == "connected":
        for tried in [place for place, said in steps.items() if said.startswith("…")]:
            del steps[tried]
    steps[address or name] = one_line(" ".join(filter(None, words)), 500)
    shown = Help("\n".join(steps.values()))._repr_mimebundle_()
    if display.is_shown:
        display.update(shown)
    else:
        display.show(shown)

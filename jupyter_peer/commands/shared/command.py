"""What all commands have in common: their words and options, their help, their exit codes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, NoReturn

from jupyter_core.application import JupyterApp, NoStart
from traitlets.config.loader import KVArgParseConfigLoader
from traitlets.utils.text import indent, wrap_paragraphs

from ..._version import __version__
from ...errors import PeerError
from .terminal import describe, remark

OK = 0
FAILED = 1
MISUSED = 2
INTERRUPTED = 130


class UsageError(Exception):
    """A command line that cannot be understood."""


class _Loader(KVArgParseConfigLoader):
    """The usual loader, for which an option that does not exist is a mistake, not a remark."""

    def _create_parser(self) -> None:
        super()._create_parser()

        def refuse(message: str) -> NoReturn:
            raise UsageError(message)

        self.parser.error = refuse  # type: ignore[method-assign]

    def _parse_args(self, args: Sequence[str]) -> None:
        for arg in args:
            if arg == "--":
                break
            name = arg.lstrip("-").partition("=")[0]
            # One with a dot names a trait of a class; traitlets itself warns of those.
            is_known = not name or name in self.flags or name in self.aliases or "." in name
            if arg.startswith("-") and not is_known:
                raise UsageError(
                    f"there is no option {arg.partition('=')[0]}; what begins with a dash and is "
                    "none stands behind --"
                )
        super()._parse_args(args)


class Command(JupyterApp):
    """One command; :meth:`run` does it.

    Attributes:
        words: What follows the command's name, as the help shows it: ``"PEER [NAME]"``.
    """

    name = "jupyter-peer"
    version = __version__
    words: ClassVar[str] = ""
    option_description = "They can also be set in `jupyter_peer_config.py`, as named below each."
    keyvalue_description = "Set on the command line as here, or in `jupyter_peer_config.py`."
    # The rest of the base class's flags answer questions, and none is asked here.
    flags = {  # noqa: RUF012 - the base class's shape
        name: flag for name, flag in JupyterApp.flags.items() if name in ("debug", "show-config")
    }

    def _log_level_default(self) -> int:
        return logging.WARNING

    def _config_file_name_default(self) -> str:
        return "jupyter_peer_config"

    def migrate_config(self) -> None:
        """Do nothing: there is no configuration of such an age."""

    def run(self) -> None:
        """Do what the command is for.

        Raises:
            PeerError: It was refused, or failed.
            UsageError: The words do not fit.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Check the words and run."""
        super().start()
        expected, given = self.words.split(), self.extra_args
        needed = [word for word in expected if not word.startswith("[")]
        if len(given) < len(needed):
            raise UsageError(f"{needed[len(given)]} is missing")
        if len(given) > len(expected):
            raise UsageError(f"{given[len(expected)]!r} is one word too many")
        self.run()

    @property
    def usage(self) -> str:
        """How to write the command."""
        called = self.name.replace("-", " ")
        return " ".join(filter(None, (called, self.words, "[options]")))

    def exit(self, exit_status: int | str | None = 0) -> NoReturn:
        """End the program; the base class does so when an option does not take a value."""
        raise SystemExit(MISUSED if exit_status else OK)

    def emit_description(self) -> Generator[str, None, None]:
        """Yield the head of the help: how to write it, and what it does."""
        yield f"Usage: {self.usage}"
        yield ""
        for paragraph in wrap_paragraphs(self.description, 79):
            yield paragraph
            yield ""

    def emit_examples(self) -> Generator[str, None, None]:
        """Yield the examples."""
        if self.examples:
            yield "Examples"
            yield "========"
            yield from (indent(line.strip()) for line in str(self.examples).strip().splitlines())
            yield ""

    def _find_subcommand(self, name: str) -> str:
        # A word is a peer or a pane here, never another program.
        return ""

    def _create_loader(self, argv: Any, aliases: Any, flags: Any, classes: Any) -> _Loader:
        return _Loader(argv, aliases, flags, classes=classes, log=self.log)


class Dispatcher(Command):
    """A command that only hands over to its subcommands."""

    words = "COMMAND [...]"

    def emit_subcommands_help(self) -> Generator[str, None, None]:
        """Yield the list of subcommands under its own words."""
        called = self.name.replace("-", " ")
        self.subcommand_description = f"Each has a help of its own: `{called} COMMAND --help`."
        yield from super().emit_subcommands_help()

    def start(self) -> None:
        """Hand over to a subcommand; anything else is a mistake."""
        if self.subapp is None and not self.subcommand:
            if self.extra_args:
                known = ", ".join(self.subcommands)
                raise UsageError(f"there is no command {self.extra_args[0]!r}; there are {known}")
            self.print_help()
            self.exit(MISUSED)
        super().start()


def run_command(command: type[Command], argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        command: Its class.
        argv: Words and options; those of this process if None.
    """
    app = command()
    try:
        app.initialize(sys.argv[1:] if argv is None else list(argv))
        app.start()
    except NoStart:
        return OK
    except UsageError as error:
        remark(f"{error}\nusage: {_innermost(app).usage}")
        return MISUSED
    except PeerError as error:
        remark(describe(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has enough (`| head`); Python would complain once more when it exits.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else OK
    finally:
        if app.subapp is not None:
            _innermost(app).clear_instance()
    return OK


def _innermost(app: Command) -> Command:
    while isinstance(app.subapp, Command):
        app = app.subapp
    return app

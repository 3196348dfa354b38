"""The base of all commands: words and options, help, exit codes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, NoReturn

from jupyter_core.application import JupyterApp, NoStart
from traitlets import TraitError
from traitlets.config.loader import Config, KVArgParseConfigLoader
from traitlets.utils.text import indent, wrap_paragraphs

from .._version import __version__
from ..errors import PeerError
from ..server_client.command_table.command import MisuseError
from .terminal import describe, remark

OK = 0
FAILED = 1
MISUSED = 2
INTERRUPTED = 130
_SEE_HELP = "--help lists the arguments and options of the command"


class _Loader(KVArgParseConfigLoader):
    """The loader of traitlets, with an error instead of a warning for an unknown option."""

    def _create_parser(self) -> None:
        super()._create_parser()

        def refuse(message: str) -> NoReturn:
            raise MisuseError(message, hint=_SEE_HELP)

        self.parser.error = refuse  # type: ignore[method-assign]

    def _parse_args(self, args: Sequence[str]) -> None:
        for arg in args:
            if arg == "--":
                break
            name = arg.lstrip("-").partition("=")[0]
            # An option with a dot names a trait of a class; traitlets itself warns about those.
            is_known = not name or name in self.flags or name in self.aliases or "." in name
            if arg.startswith("-") and not is_known:
                raise MisuseError(
                    f"unknown option: {arg.partition('=')[0]}",
                    hint="see --help; write -- before an argument that begins with a dash",
                )
        super()._parse_args(args)


class TerminalCommand(JupyterApp):
    """One command; :meth:`run` does its work.

    Attributes:
        words: The positional arguments, as the help shows them: ``"PEER [NAME]"``.
    """

    name = "jupyter-peer"
    version = __version__
    words: ClassVar[str] = ""
    option_description = "They can also be set in `jupyter_peer_config.py`, as named below each."
    keyvalue_description = "Set on the command line as here, or in `jupyter_peer_config.py`."
    # The other flags of the base class answer prompts; these commands have none.
    flags = {  # noqa: RUF012 - the base class's shape
        name: flag for name, flag in JupyterApp.flags.items() if name in ("debug", "show-config")
    }

    def _log_level_default(self) -> int:
        return logging.WARNING

    def _config_file_name_default(self) -> str:
        return "jupyter_peer_config"

    def migrate_config(self) -> None:
        """Do nothing: no older configuration exists."""

    def run(self) -> None:
        """Do the work.

        Raises:
            PeerError: The command was refused or failed.
            MisuseError: The words do not fit.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Check the words and run."""
        super().start()
        self.check_words()
        self.run()

    def check_words(self) -> None:
        """Check the number of words.

        Raises:
            MisuseError: A word is missing or unexpected.
        """
        expected, given = self.words.split(), self.extra_args
        needed = [word for word in expected if not word.startswith("[")]
        if len(given) < len(needed):
            raise MisuseError(f"missing argument: {needed[len(given)]}", hint=_SEE_HELP)
        if len(given) > len(expected):
            raise MisuseError(f"unexpected argument: {given[len(expected)]}", hint=_SEE_HELP)

    @property
    def usage(self) -> str:
        """The usage line of the command."""
        called = self.name.replace("-", " ")
        return " ".join(filter(None, (called, self.words, "[options]")))

    def exit(self, exit_status: int | str | None = 0) -> NoReturn:
        """End the program; the base class calls this for an option with a wrong value."""
        raise SystemExit(MISUSED if exit_status else OK)

    def emit_description(self) -> Generator[str, None, None]:
        """Yield the head of the help: usage and description."""
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

    def update_config(self, config: Config) -> None:
        """Apply the options of the command line or of a configuration file.

        Raises:
            MisuseError: An option has a value of the wrong kind.
        """
        try:
            super().update_config(config)
        except TraitError as error:
            raise MisuseError(str(error), hint=_SEE_HELP) from error

    def _find_subcommand(self, name: str) -> str:
        # A word names a peer or a pane, never another program.
        return ""

    def _create_loader(self, argv: Any, aliases: Any, flags: Any, classes: Any) -> _Loader:
        return _Loader(argv, aliases, flags, classes=classes, log=self.log)


class Dispatcher(TerminalCommand):
    """A command that only runs its subcommands."""

    words = "COMMAND [...]"

    def emit_subcommands_help(self) -> Generator[str, None, None]:
        """Yield the list of subcommands."""
        called = self.name.replace("-", " ")
        self.subcommand_description = f"Help for each: `{called} COMMAND --help`."
        yield from super().emit_subcommands_help()

    def start(self) -> None:
        """Run the subcommand; without one, show the help."""
        if self.subapp is None and not self.subcommand:
            if self.extra_args:
                known = ", ".join(self.subcommands)
                raise MisuseError(f"unknown command: {self.extra_args[0]}", hint=f"use {known}")
            self.print_help()
            self.exit(MISUSED)
        super().start()


def run_command(command: type[TerminalCommand], argv: Sequence[str] | None = None) -> int:
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
    except MisuseError as error:
        remark(f"{describe(error)}\nusage: {_innermost(app).usage}")
        return MISUSED
    except PeerError as error:
        remark(describe(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`); Python would report that again at its exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else OK
    finally:
        if app.subapp is not None:
            _innermost(app).clear_instance()
    return OK


def _innermost(app: TerminalCommand) -> TerminalCommand:
    while isinstance(app.subapp, TerminalCommand):
        app = app.subapp
    return app

"""Commands that publish a directory: a signed list of nodes that accept each other."""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from traitlets import Bool, Unicode

from ...directory.folder import KEY, DirectoryFolder, member_from
from ...server_client.durations import format_duration, parse_duration
from ...server_client.results.drawing.blocks import Line, note
from ...server_client.results.drawing.markup import clock_time, line
from ...server_client.results.drawing.shown import Outcome, Shown
from ...wire.directory import Member
from ..application import Dispatcher, TerminalCommand
from ..terminal import errors_as_json, write

_HERE = "jupyter_peer.commands.directory."
_UNSIGNED = note("sign the directory so that nodes see this change: jupyter peer directory sign")


class DirectoryCommand(Dispatcher):
    """Dispatches to the commands for a directory."""

    name = "jupyter-peer-directory"
    description = (
        "Publish a directory: a list of nodes, signed with its own key. Servers with the trust "
        "mode `directory` accept the nodes on the list, and others only with an invite."
    )
    examples = """
        jupyter peer directory init --name="Physics lab"    # prints the key that servers pin
        jupyter peer directory add AAAA...= --name=ada      # the public key of `jupyter peer id`
        jupyter peer directory sign --ttl=30d
        jupyter peer directory serve --port=9100
    """
    subcommands = {  # noqa: RUF012 - the base class's shape
        "init": (_HERE + "directory.InitCommand", "create a directory and its key"),
        "add": (_HERE + "directory.AddCommand", "add a node to the list"),
        "remove": (_HERE + "directory.RemoveCommand", "remove a node from the list"),
        "sign": (_HERE + "directory.SignCommand", "publish the list under the next serial"),
        "serve": (_HERE + "serve.ServeCommand", "serve the signed list over HTTP"),
        "verify": (_HERE + "verify.VerifyCommand", "check a signed list and show it"),
    }


class FolderCommand(TerminalCommand):
    """A command in the folder of a directory."""

    folder = Unicode(".", help="Folder of the directory and its key.").tag(config=True)
    as_json = Bool(False, help="Whether the result is printed as JSON.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "json": ({"FolderCommand": {"as_json": True}}, "Print the result as JSON."),
        **TerminalCommand.flags,
    }
    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "folder": "FolderCommand.folder",
        "config": "JupyterApp.config_file",
        "log-level": "Application.log_level",
    }

    @property
    def place(self) -> DirectoryFolder:
        """The folder."""
        return DirectoryFolder(Path(self.folder).expanduser())

    def work(self) -> Shown:
        """Do the work and return its result."""
        raise NotImplementedError

    def run(self) -> None:
        """Do the work, and write its result."""
        with errors_as_json(self.as_json):
            write(self.work(), as_json=self.as_json)


class InitCommand(FolderCommand):
    """Creates a directory."""

    name = "jupyter-peer-directory-init"
    description = (
        "Create an empty directory with its own key. Whoever has the key file decides who is a "
        "member: keep it where only you can read it. The public key, which servers pin as "
        "PeerExtension.directory_key, goes to stdout."
    )

    title = Unicode("", help="Name of the directory, for people.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "InitCommand.title",
        **FolderCommand.aliases,
    }

    def work(self) -> Shown:
        """Create the directory."""
        place = self.place
        key = place.make(self.title, lambda: secrets.token_bytes(32))
        path = place.path / KEY
        return Outcome(
            {"directory_key": key.public_key_b64, "key_file": str(path)},
            Line(key.public_key_b64),
            note(f"the private key is in {path}; next: jupyter peer directory add PUBLIC_KEY"),
        )


class AddCommand(FolderCommand):
    """Adds a node to the list of a directory."""

    name = "jupyter-peer-directory-add"
    words = "[KEY]"
    description = (
        "Add a node by its public key, which `jupyter peer id` shows. Without KEY, or with `-`, "
        "the output of `jupyter peer id --json` is read from stdin. A node that is already listed "
        "gets the new name, groups and expiry."
    )
    examples = """
        jupyter peer directory add AAAA...= --name=ada --groups=staff,lab-1
        jupyter peer id --json | jupyter peer directory add - --expires=90d
    """

    title = Unicode("", help="Name of the node in the directory.").tag(config=True)
    groups = Unicode("", help="Groups of the node, separated by commas.").tag(config=True)
    expires = Unicode(
        "",
        help="How long the node is a member: 90d, 12h; if empty, as long as the directory.",
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "AddCommand.title",
        "groups": "AddCommand.groups",
        "expires": "AddCommand.expires",
        **FolderCommand.aliases,
    }

    def work(self) -> Shown:
        """Add the node."""
        text = self.extra_args[0] if self.extra_args else "-"
        if text == "-":
            text = sys.stdin.read(64 * 1024)
        member = member_from(
            text,
            name=self.title,
            groups=tuple(group.strip() for group in self.groups.split(",") if group.strip()),
            expires=time.time() + parse_duration(self.expires) if self.expires else None,
        )
        is_new = self.place.add(member)
        return Outcome(
            {"id": member.id, "name": member.name, "is_new": is_new},
            _about(member, "is listed" if is_new else "is listed with the new values"),
            _UNSIGNED,
        )


class RemoveCommand(FolderCommand):
    """Removes a node from the list of a directory."""

    name = "jupyter-peer-directory-remove"
    words = "NODE"
    description = (
        "Remove a node from the list; NODE is its id, its name, or the beginning of one. Once "
        "this is "
        "signed, servers disconnect the node at their next download."
    )

    def work(self) -> Shown:
        """Remove the node."""
        member = self.place.remove(self.extra_args[0])
        return Outcome(
            {"id": member.id, "name": member.name},
            _about(member, "is no longer listed"),
            _UNSIGNED,
        )


class SignCommand(FolderCommand):
    """Signs the list of a directory and publishes it."""

    name = "jupyter-peer-directory-sign"
    description = (
        "Sign the list and write it to directory.json, under the next serial. Signing an "
        "unchanged list "
        "extends it: sign it again before it expires, because an expired list has no "
        "members."
    )

    ttl = Unicode("30d", help="How long this version is valid: 12h, 30d.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "ttl": "SignCommand.ttl",
        **FolderCommand.aliases,
    }

    def work(self) -> Shown:
        """Sign the list."""
        ttl = parse_duration(self.ttl)
        place = self.place
        signed = place.sign(time.time() + ttl)
        nodes = len(signed.members)
        return Outcome(
            {
                "serial": signed.serial,
                "expires": signed.expires,
                "nodes": nodes,
                "file": str(place.published_path),
            },
            Line(
                f"serial {signed.serial}, {nodes} node{'s' * (nodes != 1)}, "
                f"until {clock_time(signed.expires)} ({format_duration(ttl)})"
            ),
            note(
                f"publish {place.published_path}: with jupyter peer directory serve, any https "
                "server, or as a file that the servers can read"
            ),
        )


def _about(member: Member, words: str) -> Line:
    return Line(f"{line(member.name) or 'unnamed'} ({member.id}) {words}")

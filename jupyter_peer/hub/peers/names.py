"""Local names of peers, which a user sees and types whatever name a peer announces.

A peer chooses its announced name, so that name must never select a peer. At the first meeting a peer
gets a local name, made from the announced one. It is unique, also to the eye, and later announcements
do not change it. The rules for look-alikes are a small part of Unicode Technical Standard 39: letters
of one script, and a skeleton that is the same for names that look the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import count

from ...errors import BadNameError
from ...phrase import phrase
from ...wire.link.identity import clean_name, is_node_id

MAX_NAME = 64
_MARKS_IN_A_ROW = 2
# Shortest beginning of a node id that people type.
_ID_PREFIX = 4
# Characters that Python calls printable but that are invisible: fillers, joiners, selectors.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
# Letters and signs that look like a Latin letter, by that letter.
_LOOK_LIKE = {
    "a": "ΑАαаɑ",
    "b": "ΒВвʙ",
    "c": "СсϹϲ",
    "d": "Ԁԁ",
    "e": "ΕЕеєε",
    "g": "ɡԌց",
    "h": "ΗНһҺнհ",
    "j": "ЈјϳͿ",
    "k": "ΚКкκ",
    "l": "1|!iIΙІӀӏıιіɩɪʟ",
    "m": "ΜМм",
    "n": "Νηո",
    "o": "0ΟОοоՕօσ",
    "p": "ΡРрρ",
    "q": "ԚԛՂ",
    "r": "гɾ",
    "s": "Ѕѕ",
    "t": "ΤТтτ",
    "u": "Սսυʋ",
    "v": "νѵѴ",
    "w": "ԜԝωШш",
    "x": "ΧХхχ",
    "y": "ΥУуγүҮ",
    "z": "Ζ",
    "-": "‐‑‒–—−_",
}
_SKELETON = str.maketrans({sign: letter for letter, signs in _LOOK_LIKE.items() for sign in signs})
# Scripts whose letters appear together in one word.
_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "HANGUL"},
    {"LATIN", "CJK", "BOPOMOFO"},
)


def local_name(announced: str, node_id: str, taken: Collection[str]) -> str:
    """Return the name that a new peer gets here.

    It is the announced name without invisible characters. A name without letters or digits, or with
    letters of scripts that do not mix, is replaced by a name made from the node id. If the name
    looks like one in ``taken`` or like a node id, a number is added.

    Args:
        announced: Name that the peer announces.
        node_id: Id of the peer.
        taken: The names, aliases and ids of all other peers.
    """
    name = visible(announced)
    if not any(char.isalnum() for char in name) or _is_mixed(name):
        name = f"peer-{node_id[:6]}"
    skeletons = {skeleton(other) for other in taken}
    if not _clashes(name, skeletons):
        return name
    for number in count(2):
        suffix = f"-{number}"
        numbered = name[: MAX_NAME - len(suffix)] + suffix
        if not _clashes(numbered, skeletons):
            return numbered
    raise AssertionError("numbers do not end")


def check_alias(alias: str, others: Collection[str]) -> str:
    """Check an alias and return its stored form.

    Args:
        alias: The user's name for a peer.
        others: The names, aliases and ids of all other peers.

    Raises:
        BadNameError: The alias is empty, too long or has invisible characters; or it looks like a
            node id or like the name of another peer.
    """
    alias = alias.strip()
    if (
        not alias
        or clean_name(alias) != alias
        or visible(alias) != unicodedata.normalize("NFC", alias)
    ):
        raise BadNameError(
            "an alias has 1 to 64 printable characters", hint="use letters and digits"
        )
    if is_node_id(alias.casefold()):
        raise BadNameError(
            phrase("the alias {alias} looks like a node id", alias=alias),
            hint="choose a shorter or a longer alias",
        )
    mine = skeleton(alias)
    for other in others:
        if skeleton(other) == mine:
            raise BadNameError(
                phrase("another peer has this alias or name: {other}", other=other),
                hint="choose another, or give the other peer another alias first",
            )
    return alias


def visible(name: str) -> str:
    """Return a name that is safe to show, without invisible characters and stacked marks."""
    name = clean_name(unicodedata.normalize("NFC", _BLANK.sub("", name)))
    kept: list[str] = []
    marks = 0
    for char in " ".join(name.split()):
        marks = marks + 1 if unicodedata.category(char) == "Mn" else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(char)
    return "".join(kept)


def skeleton(name: str) -> str:
    """Return a text that is the same for names that look the same, whatever their case."""
    folded = unicodedata.normalize("NFKD", visible(name)).translate(_SKELETON)
    folded = unicodedata.normalize("NFKD", folded.casefold()).translate(_SKELETON)
    return "".join(char for char in folded if unicodedata.category(char) != "Mn" and char != " ")


def _clashes(name: str, skeletons: Collection[str]) -> bool:
    """Return whether a name could be taken for another, or for the beginning of one.

    Otherwise a new peer named ``ali`` would receive messages that a user meant for ``alice``.
    """
    mine = skeleton(name)
    if is_node_id(name.casefold()) or mine in skeletons:
        return True
    return any(
        other.startswith(mine) and (len(mine) >= _ID_PREFIX or len(other) != 16)
        for other in skeletons
    )


def _is_mixed(name: str) -> bool:
    """Return whether a name mixes scripts that do not appear together in one word."""
    scripts = {_script(char) for char in name if char.isalpha()} - {""}
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def _script(char: str) -> str:
    """Return the first word of a letter's name in Unicode, which is its script."""
    name = unicodedata.name(unicodedata.normalize("NFKC", char)[0], "")
    script = re.split("[ -]", name, maxsplit=1)[0]
    return "" if script in ("MODIFIER", "FEMININE", "MASCULINE", "MICRO") else script

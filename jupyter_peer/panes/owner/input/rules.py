"""Decides what a viewer may do with one widget of a pane.

An input of a viewer goes to the owner's kernel and, as an echo, to the owner's page. So a viewer can
only set values. Choices, looks, labels and drawing code of a control belong to the owner. The controls
of ipywidgets have a table (:mod:`.controls`). The keys of other libraries are not known here, so the
owner chooses one of :data:`OTHER_WIDGETS` for them when sharing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ....document.widgets import Model, references
from ....errors import NotGrantedError
from .controls import CONTROLS, CORE_MODULES, MESSAGES, MODULE, is_file_content
from .known_messages import is_known_message

Json = dict[str, Any]

#: What viewers may set of widgets of other libraries: nothing; values of the kind that a key has
#: already, without markup and addresses; whatever a page of the owner could.
OTHER_WIDGETS = ("none", "values", "all")
VALUES = "values"

#: Keys that each page writes by itself: how many views it shows, its own address (ipyleaflet), and what
#: plotly's page computes from what the kernel sent. They are left out, and nobody is told, since no person did anything.
_OF_PAGES = re.compile(
    r"_view_count|window_url|_js2py_(?:layoutDelta|traceDeltas)|_last_\w+_edit_id"
)
#: Keys with an underscore name a model's code (``_esm``, ``_model_module``, ``_view_name``, ...);
#: only those that plotly's page writes to tell the kernel what was done are an input.
_OPEN_PRIVATE = "_js2py_"
#: What every widget has and what is not a value of any.
_OWNERS = frozenset(
    {"layout", "style", "tooltip", "tabbable", "disabled", "children", "description",
     "description_allow_html", "msg_id", "url", "src", "href", "html", "format"}
)  # fmt: skip
_LIKE_AN_ADDRESS = re.compile(
    r"<|://|url\(|@import|\.\./|^[\s\x00-\x1f]*(?:/|\\|\./|\?|(?:data|javascript|vbscript|blob|file):)",
    re.IGNORECASE,
)
_YOUR_PAGE = "what you see goes back to what the owner's widget shows"


class Act(NamedTuple):
    """An act of a viewer on a widget.

    Attributes:
        state: New values by key.
        paths: Paths of binary values, beginning with the key.
        said: A custom message; None if the act sets values.
        buffers: Number of binary buffers.
    """

    state: Json
    paths: list[list[Any]]
    said: Any = None
    is_custom: bool = False
    buffers: int = 0

    @property
    def keys(self) -> set[str]:
        """The keys it sets."""
        return {*self.state, *(str(path[0]) for path in self.paths)}

    def only(self, keys: set[str]) -> Act:
        """Return the part of the act that sets these keys."""
        return self._replace(
            state={key: value for key, value in self.state.items() if key in keys},
            paths=[path for path in self.paths if path[0] in keys],
        )


def own_keys_of_pages(model: Model, keys: set[str]) -> set[str]:
    """Return the keys of an input that no person has set; they are ignored without an error.

    They are keys that the owner's widget does not have, and keys that a page writes by itself.
    """
    return {key for key in keys if key not in model.keys or _OF_PAGES.fullmatch(key)}


def check_act(model: Model, act: Act, other_widgets: str = VALUES) -> None:
    """Check that a viewer is allowed to do this with a widget.

    Args:
        model: The widget's current model at the owner.
        act: The act, without :func:`own_keys_of_pages`.
        other_widgets: The owner's rule for widgets of other libraries.

    Raises:
        NotGrantedError: The act is not allowed.
    """
    if model.state.get("disabled") is True:
        raise NotGrantedError("the owner has disabled this widget", hint=_YOUR_PAGE)
    if references(act.state) or references(act.said):
        raise NotGrantedError("a viewer cannot put other widgets into a pane", hint=_YOUR_PAGE)
    module, name = model.text("_model_module"), model.text("_model_name")
    if module in CORE_MODULES:
        _check_control(model, name if module == MODULE else "", act)
    elif other_widgets == "none":
        raise NotGrantedError(
            f"the owner allows no input to widgets of {module or 'other libraries'}",
            hint="ask the owner to share the pane with --other-widgets values",
        )
    elif other_widgets != "all":
        _check_other(model, module, act)
    else:
        for key in act.keys:
            _check_not_private(key)


def _check_control(model: Model, name: str, act: Act) -> None:
    if act.is_custom:
        if act.said not in MESSAGES.get(name, ()) or act.buffers:
            raise NotGrantedError(f"a {name} does not accept this message", hint=_YOUR_PAGE)
        return
    checks = CONTROLS.get(name, {})
    for key in act.keys:
        if key not in checks:
            raise NotGrantedError(f"'{key}' of a {name} belongs to its owner", hint=_YOUR_PAGE)
    for key, value in act.state.items():
        if not checks[key](value, model):
            raise NotGrantedError(
                f"the owner's {name} offers no such value for '{key}'", hint=_YOUR_PAGE
            )
    is_upload = name == "FileUploadModel"
    if any(not is_upload or not is_file_content(path, act.state) for path in act.paths):
        raise NotGrantedError(f"a {name} does not accept binary values there", hint=_YOUR_PAGE)


def _check_other(model: Model, module: str, act: Act) -> None:
    hint = "ask the owner to share the pane with --other-widgets all"
    if act.is_custom:
        if not is_known_message(module, act.said) or act.buffers:
            raise NotGrantedError(f"messages to widgets of {module} are not allowed", hint=hint)
        return
    for key in act.keys:
        _check_not_private(key)
        if key in _OWNERS or key.endswith("_url") or references(model.state.get(key)):
            raise NotGrantedError(f"'{key}' of this widget belongs to its owner", hint=hint)
    for key, value in act.state.items():
        if not _is_same_kind(model.state.get(key), value) or not _is_plain(value):
            raise NotGrantedError(f"no such value of '{key}' is allowed to viewers", hint=hint)
    binary = {path[0] for path in model.buffers}
    if any(path[0] not in binary for path in act.paths):
        raise NotGrantedError("no binary value is allowed there to viewers", hint=hint)


def _check_not_private(key: str) -> None:
    is_private = key.startswith("_") and not key.startswith(_OPEN_PRIVATE)
    if is_private or key in ("description_allow_html", "msg_id"):
        raise NotGrantedError(f"'{key}' of a widget belongs to its owner", hint=_YOUR_PAGE)


def _is_same_kind(old: Any, new: Any) -> bool:
    return old is None or new is None or _kind(old) is _kind(new)


def _kind(value: Any) -> type:
    if isinstance(value, bool):
        return bool
    return next((kind for kind in (str, list, dict) if isinstance(value, kind)), float)


def _is_plain(value: Any) -> bool:
    """Return whether no text in a value could be markup or an address in a page."""
    if isinstance(value, str):
        return _LIKE_AN_ADDRESS.search(value) is None
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return True

"""What a viewer may set of a widget, and what not.

An input of a viewer goes to the owner's kernel and, as an echo, to the owner's own page. So a viewer
must not set what decides which code runs there, what is shown there as HTML, or which other widgets of
the kernel are shown in the pane. What a control is set to is the viewer's; how it looks is the owner's.
"""

from __future__ import annotations

from ...document.widgets import Model, references
from ...errors import NotGrantedError
from ...wire.payloads.widgets import CustomData, InputMessage

#: Keys with an underscore name a model's code (``_esm``, ``_model_module``, ``_view_name``, ...);
#: only those that plotly's page writes to tell the kernel what was done are an input.
_OPEN_PRIVATE = "_js2py_"
_CLOSED = frozenset({"description_allow_html", "msg_id"})
#: What these show is HTML, or whatever an output can be.
_CLOSED_OF_MODEL = {
    "HTMLModel": frozenset({"value"}),
    "HTMLMathModel": frozenset({"value"}),
    "OutputModel": frozenset({"outputs"}),
}
_LOOKS = ("LayoutModel", "StyleModel")
_LINKS = frozenset({"LinkModel", "DirectionalLinkModel"})


def check_rules(model: Model, message: InputMessage) -> None:
    """Refuse an input that sets what is not for viewers.

    Args:
        model: The model as the owner knows it.
        message: The input.

    Raises:
        NotGrantedError: It does.
    """
    data = message.content.data
    if isinstance(data, CustomData):
        return
    name = model.text("_model_name")
    if name.endswith(_LOOKS) or name in _LINKS:
        raise NotGrantedError("this belongs to how the pane looks, which is the owner's", hint="")
    known = model.keys
    closed = _CLOSED_OF_MODEL.get(name, frozenset())
    for key in {*data.state, *(str(path[0]) for path in data.buffer_paths)}:
        if key not in known:
            raise NotGrantedError("the widget has no such key")
        is_private = key.startswith("_") and not key.startswith(_OPEN_PRIVATE)
        if is_private or key in _CLOSED or key in closed:
            raise NotGrantedError("this key of a widget is not for viewers to set")
    if references(data.state):
        raise NotGrantedError("a viewer cannot put other widgets into a pane")

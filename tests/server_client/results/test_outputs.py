"""What a peer's output becomes in the reader's page: text and pictures, whatever is in it."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.server_client.results.outputs import MAX_TEXT, to_html, to_text

SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned = 1'>{SCRIPT}</svg>"
PNG = base64.b64encode(b"\x89PNG\r\n").decode()

# Tags and their attributes that may stand in the reader's page, and nothing else.
ALLOWED = {
    "pre": {"style"},
    "div": {"style"},
    "span": {"style"},
    "img": {"src", "alt", "style", "width", "height"},
}


class Reader(HTMLParser):
    """Reads HTML as a browser does, and keeps what is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    """Read HTML and check that nothing in it can act."""
    reader = Reader()
    reader.feed(html)
    for name, attributes in reader.tags:
        assert name in ALLOWED, html
        assert set(attributes) <= ALLOWED[name], html
        if name == "img":
            assert (attributes["src"] or "").startswith("data:image/"), html
        assert "url(" not in (attributes.get("style") or "")
    return reader


@pytest.mark.parametrize("mime", ["text/plain", "text/markdown", "text/latex"])
def test_markup_in_a_text_is_shown_and_not_obeyed(mime):
    reader = read(to_html({"output_type": "display_data", "data": {mime: SCRIPT}}))
    assert [name for name, _ in reader.tags] == ["pre"]
    assert SCRIPT in reader.text


@pytest.mark.parametrize("text", [SVG, SVG.splitlines(keepends=True)], ids=["text", "lines"])
def test_an_svg_is_a_picture_in_which_no_script_runs(text):
    reader = read(to_html({"output_type": "display_data", "data": {"image/svg+xml": text}}))
    assert [name for name, _ in reader.tags] == ["div", "img"]
    source = reader.tags[-1][1]["src"]
    assert base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")).decode() == SVG


@pytest.mark.parametrize(
    "mime",
    [
        "text/html",
        "application/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.plotly.v1+json",
        "application/pdf",
        "image/svg+xml; charset=utf-8",
        "text/x<script>",
    ],
)
def test_what_could_run_is_withheld_and_its_plain_text_shown_where_there_is_one(mime):
    output = {"output_type": "execute_result", "data": {mime: SCRIPT}}
    reader = read(to_html(output))
    assert "withheld" in reader.text
    assert "pwned" not in reader.text
    output["data"]["text/plain"] = "Figure(1)"
    assert read(to_html(output)).text == to_text(output) == "Figure(1)"


@pytest.mark.parametrize(
    "picture",
    [
        '"><script>',
        "javascript:alert(1)",
        "iVBOR=w0KG",
        "",
        5,
        None,
        ["a", 5, None],
        {"$buffer": "ab"},
    ],
)
def test_a_picture_that_is_none_is_left_out(picture):
    output = {"output_type": "display_data", "data": {"image/png": picture}}
    reader = read(to_html(output))
    assert all(attributes["src"].isprintable() for name, attributes in reader.tags if name == "img")
    assert "script" not in to_html(output).replace("withheld", "")


def test_the_size_of_a_picture_is_a_number_or_nothing():
    for size, shown in (
        ({"width": 10, "height": 20.5}, {"width": "10", "height": "20"}),
        ({"width": "10; background: url(x)", "height": -1}, {}),
        ({"width": True, "height": 1e300}, {}),
        ("x", {}),
        (None, {}),
    ):
        output = {
            "output_type": "display_data",
            "data": {"image/png": PNG},
            "metadata": {"image/png": size},
        }
        (_, (_, attributes)) = read(to_html(output)).tags
        assert {k: v for k, v in attributes.items() if k in ("width", "height")} == shown


def test_terminal_codes_and_marks_that_turn_the_writing_are_taken_out_of_texts():
    output = {
        "output_type": "stream",
        "name": "stdout",
        "text": "\x1b[31mred\x1b]0;title\x07\u202e!\x07",
    }
    assert to_text(output) == "red\N{REPLACEMENT CHARACTER}!\N{REPLACEMENT CHARACTER}"
    assert "\x1b" not in to_html(output)


def test_a_progress_bar_is_its_last_state_and_a_long_log_its_end():
    assert to_text({"output_type": "stream", "text": "10%\r50%\r99%\nnext"}) == "99%\nnext"
    shown = to_text({"output_type": "stream", "text": "a" * MAX_TEXT + "end"})
    assert shown.endswith("end")
    assert "3 characters are left out here" in shown
    assert len(shown) < MAX_TEXT + 100


def test_an_error_is_its_traceback():
    output = {
        "output_type": "error",
        "ename": "E",
        "evalue": "<b>",
        "traceback": ["\x1b[1mE\x1b[0m <b>"],
    }
    assert read(to_html(output)).text == "E <b>"
    assert to_text(output | {"traceback": []}) == "E: <b>"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just(SCRIPT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["image/png", "image/svg+xml", "text/plain", "text/html", "width"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "output_type": st.sampled_from(["stream", "display_data", "error", "x"]) | anything,
            "data": anything,
            "metadata": anything,
            "text": anything,
            "name": anything,
            "ename": anything,
            "evalue": anything,
            "traceback": anything,
        },
    )
)
def test_no_output_whatever_is_in_it_makes_a_page_that_acts(output):
    read(to_html(output))
    assert isinstance(to_text(output), str)

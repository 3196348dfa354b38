"""What axe finds in a part of a page: faults for people who do not see it, or see little."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator

_SOURCE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
# As an expression of the test it also runs where a policy forbids scripts. JupyterLab's module loader is hidden
# from it, and frames are asked one by one. The colours of
# terminals are JupyterLab's, and so are the toolbar buttons (elements of its toolkit with the button inside, of which the version that a test installs may say `aria-pressed`).
_RUN = """async node => {
  const define = undefined, module = undefined;
  %s
  const { violations } = await window.axe.run({ include: [node], exclude: ['[class^=ansi-]'] }, {
    iframes: false,
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    resultTypes: ['violations'],
  });
  const isToolkits = (id, { html }) => id === 'aria-allowed-attr' && html.startsWith('<jp-button ');
  return violations.flatMap(({ id, nodes }) => nodes.filter(node => !isToolkits(id, node)).map(
    ({ html, any, all, none }) =>
      `${id}: ${html.slice(0, 200)} (${[...any, ...all, ...none].map(each => each.message).join('; ')})`
  ));
}"""


def find_faults(*parts: Locator) -> list[str]:
    """Return all faults in elements and what is in them, without frames in them."""
    script = _RUN % _SOURCE.read_text(encoding="utf-8")
    return [fault for part in parts for fault in part.evaluate(script)]


def assert_accessible(*parts: Locator) -> None:
    """Fail with all faults in elements and what is in them, without frames in them."""
    found = find_faults(*parts)
    assert found == [], "\n".join(found)

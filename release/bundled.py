"""The npm packages in the browser code: their licences, and a bill of materials.

``python -m release.bundled`` writes both files from what the bundlers report. A test holds them to
the bundle, so that a new package cannot ship without its licence.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from jupyter_peer import __version__

ROOT = Path(__file__).resolve().parent.parent
#: What the bundlers report: the bundler of JupyterLab, and ``labextension/viewer/build.mjs``.
REPORTS = (
    ROOT / "jupyter_peer/labextension/static/third-party-licenses.json",
    ROOT / "jupyter_peer/static/third-party-licenses.json",
)
LICENSES = ROOT / "THIRD-PARTY-LICENSES.txt"
MATERIALS = ROOT / "release/jupyter-peer.cdx.json"

#: Texts of packages that ship none, by the begin of their names.
_TEXTS = {
    "@jupyter-widgets/": "jupyter.txt",
    "@jupyterlab/": "jupyter.txt",
    "@lumino/": "jupyter.txt",
    "fastdom": "fastdom.txt",
}
#: Identifiers of packages that name none; each was read from the package's licence text.
_IDENTIFIERS = {"khroma": "MIT"}


class MissingLicenseError(Exception):
    """A bundled package has no licence, so it may not be distributed."""


class Package(msgspec.Struct, frozen=True, order=True):
    """One bundled npm package.

    Attributes:
        name: Its name on the npm registry.
        version: Its version.
        license: SPDX expression.
        text: Its licence, with all notices.
    """

    name: str
    version: str
    license: str
    text: str

    @property
    def url(self) -> str:
        """Its package URL, ``pkg:npm/%40lumino/widgets@2.7.0``."""
        return f"pkg:npm/{quote(self.name)}@{self.version}"


def package_of(report: dict[str, str]) -> Package:
    """Return a package as a bundler reports it, completed where the package lacks something.

    Raises:
        MissingLicenseError: Neither the package nor this module has the text or its identifier.
    """
    name = report["name"]
    identifier = report.get("licenseId") or _IDENTIFIERS.get(name)
    text = report["extractedText"].strip()
    if not text:
        file = next((file for begin, file in _TEXTS.items() if name.startswith(begin)), None)
        text = (ROOT / "release/licenses" / file).read_text().strip() if file else ""
    if not identifier or not text:
        raise MissingLicenseError(f"{name} has no licence: add it to release/bundled.py")
    clean = "\n".join(line.rstrip() for line in text.splitlines())
    return Package(name, report["versionInfo"], identifier.strip("()"), clean)


def bundled() -> list[Package]:
    """Return all packages in the browser code that was built, each version once.

    Raises:
        FileNotFoundError: The browser code has not been built.
    """
    reports = [each for file in REPORTS for each in json.loads(file.read_text())["packages"]]
    return sorted({package_of(report) for report in reports})


def license_text(packages: list[Package]) -> str:
    """Return the text that travels with the wheel: each licence once, after the packages it covers."""
    covered: dict[tuple[str, str], list[str]] = {}
    for package in packages:
        names = covered.setdefault((package.text, package.license), [])
        names.append(f"{package.name} {package.version}")
    head = (
        "The browser code of jupyter-peer contains these packages. Each licence follows the\n"
        "packages that it covers."
    )
    rule = "-" * 80
    parts = [
        f"{rule}\n{chr(10).join(names)}\n({spdx})\n\n{text}"
        for (text, spdx), names in covered.items()
    ]
    return "\n\n".join([head, *parts]) + "\n"


def materials(packages: list[Package]) -> dict[str, Any]:
    """Return the bill of materials: CycloneDX 1.6, with no time in it, so that builds repeat.

    It lists what is bundled, with versions, and what pip installs besides, as it is required.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = sorted(re.split(r"[<>=!~\[; ]", line)[0] for line in project["dependencies"])
    root = f"pkg:pypi/{project['name']}@{__version__}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": __version__,
                "purl": root,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [
            *(
                {
                    "type": "library",
                    "bom-ref": package.url,
                    "name": package.name,
                    "version": package.version,
                    "purl": package.url,
                    "licenses": [{"expression": package.license}],
                }
                for package in packages
            ),
            *({"type": "library", "bom-ref": f"pkg:pypi/{name}", "name": name} for name in needed),
        ],
        "dependencies": [
            {
                "ref": root,
                "dependsOn": [
                    *(package.url for package in packages),
                    *(f"pkg:pypi/{name}" for name in needed),
                ],
            }
        ],
    }


def contents() -> dict[Path, str]:
    """Return both files as they must be, by path."""
    packages = bundled()
    return {
        LICENSES: license_text(packages),
        MATERIALS: json.dumps(materials(packages), indent=1) + "\n",
    }


if __name__ == "__main__":
    for path, text in contents().items():
        path.write_text(text)

"""What a release consists of: licences, bill of materials, metadata, and the workflow that makes it."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from jupyter_peer import __version__
from release import bundled
from tests.machine.needs import missing

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = "https://github.com/jupyter-peer/jupyter-peer"
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


@pytest.fixture(scope="module", autouse=True)
def _bundle():
    if not all(report.exists() for report in bundled.REPORTS):
        missing("the browser code has not been built: make package")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build sdist and wheel without Node.js on PATH."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "empty").mkdir()
    command = [sys.executable, "-m", "build", "-q", "--sdist", "--wheel", "--no-isolation"]
    environment = {**os.environ, "PATH": str(folder / "empty")}
    subprocess.run([*command, "-o", folder, ROOT], env=environment, check=True, timeout=110)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def in_wheel(wheel, name):
    return wheel.read(f"jupyter_peer-{__version__}.dist-info/{name}").decode()


def sdist_member(built, name):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return archive.extractfile(f"jupyter_peer-{__version__}/{name}").read().decode()


def test_the_licences_and_the_bill_of_materials_are_those_of_the_bundle():
    for path, text in bundled.contents().items():
        assert path.read_text() == text, f"{path.name} is old: python -m release.bundled"


def test_each_bundled_package_has_a_licence_that_lets_it_be_distributed():
    allowed = {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "ISC", "MIT", "OFL-1.1",
    }  # fmt: skip
    packages = bundled.bundled()
    assert len(packages) > 100
    for package in packages:
        one_of = [set(each.split(" AND ")) for each in package.license.split(" OR ")]
        assert any(each <= allowed for each in one_of), package.name
        assert re.search("copyright|permission|license", package.text, re.IGNORECASE), package.name


def test_a_package_without_a_licence_is_refused_by_name():
    report = {"name": "odd", "versionInfo": "1.0", "licenseId": "MIT", "extractedText": ""}
    with pytest.raises(bundled.MissingLicenseError, match="odd"):
        bundled.package_of(report)
    with pytest.raises(bundled.MissingLicenseError, match="odd"):
        bundled.package_of({**report, "licenseId": "", "extractedText": "Free for all"})


def test_a_licence_of_several_packages_is_written_once_below_all_of_them():
    one, two = (bundled.Package(name, "1.0", "MIT", "Use it") for name in ("one", "two"))
    text = bundled.license_text([one, two])
    assert text.count("Use it") == 1
    assert "one 1.0\ntwo 1.0\n(MIT)\n" in text


def test_the_bill_of_materials_is_valid_cyclonedx():
    text = bundled.MATERIALS.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    names = {each["name"] for each in json.loads(text)["components"]}
    assert {"@lumino/widgets", "mathjax-full", "msgspec", "tornado"} <= names


def test_wheel_and_sdist_carry_both(wheel, built):
    licenses = bundled.LICENSES.read_text()
    assert in_wheel(wheel, "licenses/THIRD-PARTY-LICENSES.txt") == licenses
    assert in_wheel(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text()
    assert in_wheel(wheel, f"sboms/{bundled.MATERIALS.name}") == bundled.MATERIALS.read_text()
    assert sdist_member(built, "THIRD-PARTY-LICENSES.txt") == licenses
    assert sdist_member(built, "jupyter_peer/static/guest.html").startswith("<!doctype html>")


def test_links_of_the_readme_work_on_a_package_index(wheel):
    metadata = email.message_from_string(in_wheel(wheel, "METADATA"))
    targets = re.findall(r"\]\(([^)]+)\)", metadata.get_payload())
    assert len(targets) > 10
    for target in targets:
        assert target.startswith(("https://", "#")), target
        _, in_repository, path = target.partition(f"{REPOSITORY}/blob/main/")
        assert not in_repository or (ROOT / path.partition("#")[0]).exists(), target
    # A picture is shown only as a file, not as the repository's page about it.
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", metadata.get_payload())
    kept = [each for each in pictures if each.startswith("https://raw.githubusercontent.com/")]
    assert kept
    assert all((ROOT / each.partition("/main/")[2]).exists() for each in kept)
    assert not any("/blob/" in each for each in pictures)
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL"))
    assert set(urls) == {"Documentation", "Source", "Issues", "Changelog"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())


def test_no_extra_is_empty_and_each_library_has_a_lowest_version():
    extras = PROJECT["optional-dependencies"]
    assert all(extras.values())
    for line in [*PROJECT["dependencies"], *(each for extra in extras.values() for each in extra)]:
        assert ">=" in line or line.startswith("jupyter-peer["), line


def test_the_versions_of_python_are_said_once_and_alike():
    minors = [
        int(match[1])
        for line in PROJECT["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", line))
    ]
    assert PROJECT["requires-python"] == f">=3.{minors[0]}"
    assert minors == [*range(minors[0], minors[-1] + 1)]
    assert minors[-1] == 14


@pytest.mark.parametrize(
    ("schema", "file"),
    [("github-workflows", WORKFLOW), ("citation-file-format", ROOT / "CITATION.cff")],
    ids=["workflow", "citation"],
)
def test_files_for_others_keep_to_their_schema(schema, file):
    command = [Path(sys.executable).with_name("check-jsonschema")]
    done = subprocess.run(
        [*command, "--builtin-schema", f"vendor.{schema}", file],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_release_workflow_is_safe_and_needs_no_secret():
    linter = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [linter, "--offline", "--no-progress", "--persona=pedantic", WORKFLOW],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    text = WORKFLOW.read_text()
    assert "secrets." not in text
    assert {"id-token: write", "attestations: write"} <= {
        line.partition("#")[0].strip() for line in text.splitlines()
    }


def test_the_citation_has_the_version_of_the_package():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()

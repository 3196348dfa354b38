"""The targets of the Makefile, run or read as its first lines and the README show them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
(TARGETS,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)


def make(*words: str, folder: Path = ROOT) -> str:
    """Run make, which has to succeed, and return its output.

    The package is as the run of the tests found it: a test does not build it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--old-file=package", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_lines_name_targets_that_exist() -> None:
    head = MAKEFILE.partition("\nSHELL")[0]
    named = {
        "demo",
        "test",
        "lint",
        "docs",
        "bench",
        "soak",
        "steady",
        "versions",
        "hub",
        "gallery",
        "downloads",
    }
    assert named == set(re.findall(r"\bmake (\w+)", head))
    assert {"demo", "test", "lint", "bench"} <= set(TARGETS.split())


@pytest.mark.parametrize("target", TARGETS.split())
def test_each_target_runs_programs_and_scripts_that_exist(target: str) -> None:
    planned = make("--dry-run", target)
    scripts = json.loads((ROOT / "labextension" / "package.json").read_text())["scripts"]
    assert set(re.findall(r"npm run (?:--silent )?(\S+)", planned)) <= set(scripts)
    for program in re.findall(r"\.venv/bin/(\w[\w-]*)", planned):
        assert shutil.which(program, path=str(ROOT / ".venv" / "bin")) or program == "uv"


def test_the_benchmarks_run_with_all_options(tmp_path: Path) -> None:
    files = {name: tmp_path / f"growth.{name.lower()}" for name in ("JSON", "CSV")}
    told = make("bench", "ONLY=P2", "QUICK=1", *(f"{name}={path}" for name, path in files.items()))
    assert "P2 round trip of 64 B, p50" in told
    rows = json.loads(files["JSON"].read_text())
    assert {row["name"] for row in rows} == {"P2 round trip of 64 B, p50"}
    assert files["CSV"].read_text().startswith("sweep,")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ([], "-m benchmarks"),
        (["QUICK=1"], "-m benchmarks --quick"),
        (["ONLY=P2", "JSON=-"], "-m benchmarks --only=P2 --json=-"),
        (["ONLY=S1,S2", "PLOT=a b.png"], "-m benchmarks --only=S1,S2 --plot=a b.png"),
    ],
)
def test_the_benchmarks_are_given_the_options_that_are_set(words, command) -> None:
    planned = " ".join(make("--dry-run", "bench", *words).replace("\\\n", "").split())
    assert planned.replace("'", "").endswith(command)


def test_the_documentation_builds_without_a_warning_and_leads_nowhere_outside(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    included = (
        "README.md",
        "CONTRIBUTING.md",
        "jupyter_peer/wire/SPEC.md",
        "jupyter_peer/relay/SPEC.md",
    )
    for name in ("jupyter_peer/_version.py", *included):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    program = ROOT / ".venv" / "bin" / "sphinx-build"
    done = subprocess.run(
        [program, "-q", "-W", "--keep-going", "-b", "html", "docs", "site"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "reach.html").read_text(encoding="utf-8")
    assert 'href="relays.html"' in page
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="../' not in index
    # Pages are included whole, with links of where they come from.
    start = (tmp_path / "site" / "start.html").read_text(encoding="utf-8")
    assert 'href="troubleshooting.html"' in start
    assert "Stop sharing" in start
    contributing = (tmp_path / "site" / "contributing.html").read_text(encoding="utf-8")
    assert "/blob/main/CONTRIBUTING.md" in contributing
    assert 'href="architecture.html"' in contributing
    protocol = (tmp_path / "site" / "relay-protocol.html").read_text(encoding="utf-8")
    assert "/blob/main/jupyter_peer/wire/relay/frames.py" in protocol


def test_the_demo_is_kept_only_on_demand() -> None:
    assert make("--dry-run", "demo").strip().endswith("jupyter peer demo")
    assert make("--dry-run", "demo", "KEEP=1").strip().endswith("jupyter peer demo --keep")


def test_cleaning_removes_what_was_built_and_nothing_else(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    built = [
        ".venv",
        "labextension/node_modules",
        "labextension/lib",
        "jupyter_peer/static",
        "dist",
    ]
    kept = ["labextension/src", "jupyter_peer/wire", "docs"]
    for folder in (*built, *kept):
        (tmp_path / folder).mkdir(parents=True)
    make("clean", folder=tmp_path)
    assert not [folder for folder in built if (tmp_path / folder).exists()]
    assert all((tmp_path / folder).is_dir() for folder in kept)

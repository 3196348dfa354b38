# make demo    two JupyterLabs on this machine, paired; prints what happens (KEEP=1 leaves them up)
# make test    every test; `make lint` the checks of style, types and imports
# make docs    the documentation as a site, in build/docs
# make bench   the measurements of speed (ONLY=P2,U1 QUICK=1 JSON=FILE CSV=FILE PLOT=FILE)
# make soak    nodes and a relay under load while links are cut and processes killed (SECONDS=1800)
# make steady  a pane with ten changes of 100 KB a second, in a browser (SECONDS=120)
# make versions  pair, share and open in each supported JupyterLab and Notebook (ONLY=jupyterlab-4.0)
# make hub     nodes on a real JupyterHub with two users, a browser and a culler
# make gallery outputs of 38 libraries at their owner and at a viewer, compared by picture and text (ONLY='plotly,bokeh')
# make downloads  bytes that a viewer's browser downloads for panes of several kinds
# Each target does the set-up it needs, from a bare checkout; later runs skip it.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEEP ?=
ONLY ?=
QUICK ?=
JSON ?=
CSV ?=
PLOT ?=
SECONDS ?= 1800

# Sources of the labextension's bundle, and the tools that build it.
SOURCES := $(shell find labextension/src labextension/viewer labextension/wire labextension/guest labextension/style labextension/schema -type f -not -path '*/__tests__/*')
BUILD := labextension/package.json labextension/tsconfig.json
PYTHON_STAMP := $(VENV)/.installed
NODE_STAMP := labextension/node_modules/.package-lock.json
BUNDLE := jupyter_peer/labextension/package.json
LINK := $(VENV)/share/jupyter/labextensions/jupyter-peer

.PHONY: setup package system demo test test-py test-ts lint lint-py lint-ts format bench soak steady versions gallery downloads docs licenses hub jupyter-ai lowest pictures looks lock clean

setup: package system

package: $(PYTHON_STAMP) $(BUNDLE)

# uv is about ten times faster; pip is used if uv cannot reach the index.
$(PYTHON_STAMP): pyproject.toml install.json $(wildcard jupyter-config/*/*)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	rm -rf $(LINK)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install -q --python $(BIN)/python -e '.[dev]' \
		|| SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m pip install -q -e '.[dev]'
	touch $@

$(NODE_STAMP): labextension/package-lock.json labextension/.npmrc
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later' >&2; exit 1; }
	cd labextension && npm ci --ignore-scripts --no-progress
	touch $@

# JupyterLab reads the bundle where it was built, so that a new build needs no new install.
$(BUNDLE): $(SOURCES) $(BUILD) $(NODE_STAMP) $(PYTHON_STAMP)
	cd labextension && npm run --silent build:prod
	rm -rf $(LINK) && ln -s ../../../../jupyter_peer/labextension $(LINK)
	touch $@

# Tests need these programs. Without one, they skip with a reason, or fail under JUPYTER_PEER_REQUIRE_ALL=1.
# Only tests run coturn and nats-server: RUNLEVEL=1 keeps apt from starting them as services.
system:
	@missing=; \
	for pair in caddy:caddy chromium:chromium nats-server:nats-server firefox-esr:firefox-esr nginx:nginx-light turnserver:coturn ip:iproute2 iptables:iptables; do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends $$missing fonts-dejavu-core >/dev/null \
			|| echo "could not install:$$missing; the tests that need them will say so" >&2; \
	else \
		echo "skipping:$$missing (to run every test: sudo apt-get install$$missing)" >&2; \
	fi

demo: package
	$(BIN)/jupyter peer demo $(if $(KEEP),--keep)

bench: package
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),'--only=$(ONLY)') \
		$(if $(JSON),'--json=$(JSON)') $(if $(CSV),'--csv=$(CSV)') $(if $(PLOT),'--plot=$(PLOT)')

soak: package
	$(BIN)/python -m tests.soak --seconds=$(SECONDS)

steady: SECONDS = 120
steady: package
	$(BIN)/python -m tests.ui.steady --seconds=$(SECONDS)

downloads: package
	$(BIN)/python -m tests.ui.downloads

# Each version gets an environment of its own, in .venv-versions.
versions: package
	$(BIN)/python -m tests.ui.versions $(ONLY)

# In an environment of its own, with the libraries that it shows. A whole run writes the page of the documentation;
# one with ONLY, and all pictures in full size, go to build/gallery.
GALLERY := .venv-gallery
gallery: package
	$(BIN)/uv venv -q --clear --python $(BIN)/python $(GALLERY)
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install -q --python $(GALLERY)/bin/python -e '.[test]' -r tests/gallery/requirements.txt
	rm -rf $(GALLERY)/share/jupyter/labextensions/jupyter-peer
	ln -s ../../../../jupyter_peer/labextension $(GALLERY)/share/jupyter/labextensions/jupyter-peer
	$(GALLERY)/bin/python -m tests.gallery --out=$(if $(ONLY),build/gallery,docs) --pictures=build/gallery/pictures $(if $(ONLY),'--only=$(ONLY)')

test: setup test-ts test-py

test-ts: package
	cd labextension && npm test --silent

# After the TypeScript tests, so that pytest's summary is the last line of the run.
# Two processes, because tests mostly wait for timers. Each file runs in one process, because its tests share servers.
test-py: package
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: lint-py lint-ts

lint-py: package
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-ts: package
	cd labextension && npm run --silent lint

format: package
	$(BIN)/ruff check --fix-only -q
	$(BIN)/ruff format
	cd labextension && npm run --silent format

# The documentation as a site, in build/docs; a warning is a failure.
docs: package
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

# Hub, culler and proxy are installed here alone, because nothing else needs them. Libraries use some
# of what a Hub needs where it is there, so the Hub has an environment of its own.
HUB_ENVIRONMENT := .venv-hub
HUB := build/hub/node_modules/.bin/configurable-http-proxy
hub: package $(HUB)
	$(BIN)/uv venv -q --clear --python $(BIN)/python $(HUB_ENVIRONMENT)
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install -q --python $(HUB_ENVIRONMENT)/bin/python -e '.[test]' \
		'jupyterhub>=5' 'jupyterhub-idle-culler>=1.4'
	$(HUB_ENVIRONMENT)/bin/python -m pytest -n0 tests/jupyterhub/hub_cases.py

$(HUB):
	npm install --silent --no-save --ignore-scripts --prefix build/hub configurable-http-proxy@5

# Pictures of the documentation, taken from two JupyterLabs in a browser.
pictures: setup
	$(BIN)/python -m pytest -n0 tests/ui/pictures.py

# Pictures of every view beside JupyterLab's own, in each theme, to be looked at: build/looks/index.html.
looks: setup
	$(BIN)/python -m tests.ui.looks

# The persona of jupyter-ai in a real chat. Its packages extend every JupyterLab beside them, so they get an environment of their own.
JUPYTER_AI := .venv-jupyter-ai
jupyter-ai: package
	$(BIN)/uv venv -q --clear --python $(BIN)/python $(JUPYTER_AI)
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install -q --python $(JUPYTER_AI)/bin/python -e '.[jupyter-ai,test]'
	$(JUPYTER_AI)/bin/python -m pytest -n0 tests/jupyter_ai

# Tests with the lowest version of each library that pyproject.toml allows (ONLY='tests/hub tests/wire').
# Those of the project itself need the tools of development, which are not there.
# Older libraries warn about what newer ones have changed, so warnings are no errors here.
LOWEST := .venv-lowest
lowest: package
	$(BIN)/uv pip compile -q --resolution lowest-direct --only-binary :all: --no-header --no-annotate \
		--python-version $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') \
		--extra agents --extra cluster --extra demo --extra mcp --extra webrtc-fast -o $(LOWEST).txt pyproject.toml
	$(BIN)/uv venv -q --clear --python $(BIN)/python $(LOWEST)
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install -q --python $(LOWEST)/bin/python -e '.[test]' -c $(LOWEST).txt
	$(LOWEST)/bin/python -m pytest -W default -n 2 --dist loadfile $(or $(ONLY),tests --ignore=tests/project)

# Writes the licences and the bill of materials of what the bundle contains now.
licenses: package
	$(BIN)/python -m release.bundled

# A date gives one consistent set of @jupyterlab packages and of the bundler's platform bindings.
lock:
	cd labextension && rm -rf node_modules package-lock.json && npm install --package-lock-only --before=2026-10-15

clean:
	rm -rf $(VENV) labextension/node_modules labextension/lib labextension/*.tsbuildinfo jupyter_peer/labextension jupyter_peer/static dist

# The two that matter: `make demo` runs the main job on the embedded sandbox, `make test` passes the tests.
# Both build their own virtual environment from pinned, hashed requirements, and are safe to repeat.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TRYTON := .venv-tryton/.ready
BUCKET := .venv-s3/.ready
ZOHO := .venv-zoho/.ready
ODOO := .venv-odoo/.ready
# Only where npm is, and only if it can get them: the parser of the diagrams that `crmstate graph` draws.
MERMAID := $(if $(shell command -v npm),.mermaid/.ready)
WORKERS ?= 3
# Tests start some thousand short processes: each would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-deep compare lint types generated lock clean

$(READY): requirements/main.txt requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/main.txt -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

# A real Tryton server to test against, apart from our own environment (tests/e2e/tryton/).
$(TRYTON): requirements/tryton.txt
	$(PYTHON) -m venv $(@D) || python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tryton.txt
	touch $(TRYTON)

# An S3-compatible server to test against (tests/real/bucket.py).
$(BUCKET): requirements/s3.txt
	$(PYTHON) -m venv $(@D) || python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/s3.txt
	touch $(BUCKET)

# The SDK of a simulated vendor to test the simulator with (tests/sandbox/test_zoho_sdk.py).
$(ZOHO): requirements/zoho.txt
	$(PYTHON) -m venv $(@D) || python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/zoho.txt
	touch $(ZOHO)

# What a real Odoo server needs beside its package and PostgreSQL (tests/e2e/odoo/), which `prepare` fetches and makes.
$(ODOO): requirements/odoo.txt
	$(PYTHON) -m venv $(@D) || python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/odoo.txt
	touch $(ODOO)

# Mermaid itself (tests/views/test_plan_mermaid.py).
.mermaid/.ready: requirements/mermaid/package-lock.json
	rm -rf $(@D) && mkdir $(@D) && cp requirements/mermaid/*.json $(@D)
	-cd $(@D) && npm ci --silent --no-audit --no-fund --ignore-scripts
	touch .mermaid/.ready

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: $(READY) $(BUCKET)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not deep"

test-deep: $(READY) $(TRYTON) $(BUCKET) $(ZOHO) $(ODOO) $(MERMAID)
	$(BIN)/python -m tests.e2e.odoo.prepare
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m deep --durations 30

# What comes out of crmstate and of dlt, Singer and Airbyte, on the same rows: installs them into .neighbours, takes minutes,
# and writes docs/reference/fidelity.md.
compare: $(READY)
	$(BIN)/python -m tests.benchmarks.neighbours

# Mistakes made on purpose in the providers, each of which a test has to catch.
mutations: $(READY) $(TRYTON) $(BUCKET) $(ODOO)
	$(BIN)/python -m tests.mutations $(ONLY)

lint: $(READY)
	$(BIN)/ruff check crmstate tests
	$(BIN)/ruff format --check crmstate tests

types: $(READY)
	$(BIN)/mypy

# Everything that is generated and committed: schemas, the capability matrix, help texts in the docs.
generated: $(READY)
	$(BIN)/crmstate schema --write schemas
	$(BIN)/python -m tests.generated

lock: $(READY)
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/main.txt pyproject.toml requirements/build.in
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --constraint requirements/main.txt --output-file requirements/dev.txt requirements/dev.in
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/tryton.txt requirements/tryton.in
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/odoo.txt requirements/odoo.in
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/s3.txt requirements/s3.in
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/zoho.txt requirements/zoho.in
	for each in dlt singer singer-target airbyte; do $(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements/neighbours/$$each.txt requirements/neighbours/$$each.in || exit 1; done

clean:
	rm -rf $(VENV) .venv-tryton .venv-s3 .venv-zoho .venv-odoo .mermaid .neighbours demo .mypy_cache .ruff_cache

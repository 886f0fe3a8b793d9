# Two commands matter: `make demo` and `make test`. Both set everything up first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Small matrices: threads of BLAS that wait for one another cost more than they do.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo serve test test-postgres check format translations check-deep benchmarks constraints clean

help: ## Show these commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Install everything into .venv (with uv if present, else pip)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "surveyapp needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@echo "Setting up in $(VENV): this takes a minute or two the first time."
	@if command -v uv >/dev/null 2>&1; then \
		{ test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV); } && \
		uv pip install --compile-bytecode --python $(BIN)/python --require-hashes -r constraints.txt && \
		uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e .; \
	else \
		{ test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV); } && \
		$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r constraints.txt && \
		$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .; \
	fi
	@echo "Compiling the sampler and the designs (once)."; $(BIN)/python -c "from analysis.choices import hb; from analysis.choices.design import warming; hb.warm_up(); warming.warm_up()"
	@touch $(STAMP)

setup-spark: $(STAMP) ## Also install Apache Spark's Python package (needs Java 17 to run)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --python $(BIN)/python --require-hashes -r constraints-spark.txt; \
	else \
		$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r constraints-spark.txt; \
	fi
	@command -v java >/dev/null 2>&1 || test -n "$$JAVA_HOME" || echo "There is no Java yet: install version 17 or newer, such as openjdk-17-jre-headless."

demo: $(STAMP) ## Load the demo study, field it to simulated customers, analyse and serve it
	@$(BIN)/surveyapp demo

serve: $(STAMP) ## Serve the installation in instance/
	@$(BIN)/surveyapp serve

test: $(STAMP) ## Run all tests (but for the heavy statistical ones)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# A test that stops in the middle of a stream leaves its connection to the garbage collector, which
# psycopg warns of in whatever test runs then.
LEFT_OPEN := "ignore:<psycopg.Connection object at:ResourceWarning"
PAGES := $(addprefix tests/surveyapp/,respond studies staff reports test_security.py test_bots.py)

test-postgres: $(STAMP) ## Run the tests of all pages again on PostgreSQL (SURVEYAPP_TEST_POSTGRES)
	SURVEYAPP_TEST_ON=postgresql $(BIN)/python -m pytest -n 2 --dist loadfile $(PAGES) \
		-m 'not deep and not postgres' -W $(LEFT_OPEN)

check: $(STAMP) ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

translations: $(STAMP) ## Collect the app's own sentences, then compile their translations
	@mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg -k noted -k ngettext:1,2 --no-location -o build/messages.pot .
	$(BIN)/pybabel -q update -i build/messages.pot -d surveyapp/translations -w 100 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d surveyapp/translations

check-deep: $(STAMP) ## Heavy checks: coverage, calibration, crashes (results in docs/deep-checks.md)
	$(BIN)/python -m pytest -m deep -n 2

benchmarks: $(STAMP) ## Side-by-side runs against peers (results in docs/benchmarks.md)
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

constraints: ## Pin all dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --extra dev pyproject.toml -o constraints.txt
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' | \
		uv pip compile - --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make constraints" -o constraints-spark.txt

clean: ## Remove the virtual environment and caches (not the instance)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist build

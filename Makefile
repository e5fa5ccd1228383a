# Every target makes first what it needs. `make help` lists them.
.PHONY: help setup dossier test test-slow lint bench gallery lock clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

STUDY = phenobarbital
# Studies that the gallery shows with the full budget: short runs lose the truth too seldom, or see too few patients.
FULL = lorenz icu_vitals icu_lactate
PY = .venv/bin/python

# One thread for linear algebra: results and times must not depend on how many cores a machine has.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
export VECLIB_MAXIMUM_THREADS = 1
# Setup leaves modules uncompiled; the first import compiles them, even where the environment says not to.
export PYTHONDONTWRITEBYTECODE =

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1 - \2/p' Makefile

setup: .venv/.runtime ## create .venv with the locked packages (skipped when up to date)

.venv/.runtime: requirements/build.txt requirements/runtime.txt pyproject.toml scripts/setup
	@scripts/setup runtime

.venv/.dev: .venv/.runtime requirements/dev.txt
	@scripts/setup dev

.venv/.bench: .venv/.runtime requirements/bench.txt
	@scripts/setup bench

# Succeeds when a dossier was rendered, whatever the verdict: only `vvuq gate` judges.
dossier: setup ## fetch the cohort, run the study, render its dossier, print the verdicts
	@$(PY) scripts/dossier.py $(STUDY)

gallery: setup ## render the public dossiers (aggregates only) that are kept in reports/gallery
	@for plan in studies/*/plan.yaml; do study=$$(basename "$$(dirname "$$plan")"); \
	    case " $(FULL) " in *" $$study "*) budget=full ;; *) budget=quick ;; esac; \
	    $(PY) scripts/dossier.py "$$study" --budget "$$budget" --public --out "reports/gallery/$$study.html" || exit $$?; \
	done

test: .venv/.dev ## the fast tests, what continuous integration runs
	@$(PY) -m pytest -n 2 --dist loadscope $(ARGS)

# With the peers, so that what compares with them live is not skipped.
test-slow: .venv/.dev .venv/.bench ## the statistical, long and external tests; writes docs/slow-lane.md
	@$(PY) scripts/slow_lane.py -m "slow or external" $(ARGS)

lint: .venv/.dev ## style, types and the floors
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/import-linter

bench: .venv/.bench ## the paired speed comparisons
	@for file in benchmarks/[!_]*.py; do [ ! -f "$$file" ] || $(PY) "$$file" $(ARGS) || exit $$?; done

lock: .venv/.dev ## resolve all dependencies anew (needs the network)
	@scripts/lock

clean: ## remove the environment and the caches; evidence and reports stay
	rm -rf .venv .cache

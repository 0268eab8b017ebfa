# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv and reuse it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
# PyTorch: the small CPU build where its index answers, else PyPI's.
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[embeddings,embedded,dev]'

.PHONY: setup demo test lint chaos clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "shadowtap needs Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "shadowtap needs Python 3.11 or newer, $(PYTHON) is older; try PYTHON=python3.12 make $@"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "Setting up .venv (about 1 GB with PyTorch's CPU build, 7 GB on disk where only PyPI's CUDA build can be had) ..."
	@$(INSTALL) --torch-backend=cpu 2>/dev/null || $(INSTALL)
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/shadowtap demo

test: lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: $(STAMP)
	@$(BIN)/python -m benchmarks.chaos $(ROWS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

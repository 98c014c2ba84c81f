# SPDX-License-Identifier: GPL-3.0-or-later
# make demo   the main job on the bundled sample human, into out/demo
# make test   the tests
# Both make .venv first where it is missing or out of date. HANDDIFF_TORCH names a torch to use; see tools/make_environment.py.

PYTHON ?= python3.11
VENV := .venv
VENV5 := .venv-blender5
BLENDER ?= blender
BIN := $(VENV)/bin
# One environment for all: nothing is read from or written to a user's own site-packages.
export PYTHONNOUSERSITE := 1

.PHONY: demo test test-blender5 test-blender extension lint clean environment
.DELETE_ON_ERROR:

demo: $(VENV)/.ready
	$(BIN)/handdiff demo -o out/demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest -q

# The Blender side once more, on Blender 5's Python module; the tests that need torch skip there.
test-blender5: $(VENV5)/.ready
	$(VENV5)/bin/python -m pytest -q -m "not train and not gui" tests/test_scene_*.py tests/test_rig_*.py

# In Blender itself: make test-blender BLENDER=/path/to/blender [TESTS="tests/test_scene_glb.py -x"]
# A profile of its own: with --factory-startup Blender takes away the packages of extensions that are installed.
test-blender: $(VENV)/.ready
	BLENDER_USER_RESOURCES="$(CURDIR)/build/blender-profile" $(BLENDER) -b --factory-startup --python tools/test_in_blender.py -- $(TESTS)

extension: $(VENV)/.ready
	$(BIN)/python tools/build_extension.py

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy

environment: $(VENV)/.ready

clean:
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml tools/make_environment.py
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing ($(PYTHON) is not there): install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) tools/make_environment.py $(VENV) -e '.[blender,engine,train,dev]'
	@touch $@

$(VENV5)/.installed: pyproject.toml tools/make_environment.py
	@$(PYTHON) tools/make_environment.py $(VENV5) -e '.' 'bpy==5.0.*' pytest hypothesis scipy
	@touch $@

%/.ready: %/.installed tools/check_blender.py
	@$*/bin/python tools/check_blender.py
	@touch $@

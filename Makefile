# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The front door: every target does its own set-up, once. CMake is used
# directly by whoever works on the compiler: cmake --preset release|debug|sanitize.
.DEFAULT_GOAL := build
.PHONY: build test test-all test-asan test-tsan demo bench docs setup clean help

PYTHON := .venv/bin/python
STAMPS := .cache
# Arguments for the test runner, e.g. make test ARGS="--suite lit"
ARGS   ?=

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMPS)/setup ## Debian packages and .venv; done by the other targets
$(STAMPS)/setup: utils/setup.sh utils/requirements.txt
	utils/setup.sh
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/setup-%: $(STAMPS)/setup utils/requirements-%.txt
	utils/setup.sh $*
	@touch $@

build: $(STAMPS)/setup ## all tools into build/bin
	@test -f build/build.ninja || cmake --preset release
	cmake --build build

test: build ## every suite, of slow sweeps a part; the last line counts them
	@$(PYTHON) utils/run-tests.py --build build --green $(ARGS)

test-all: build ## every suite with its whole sweeps: what precedes a release
	@$(PYTHON) utils/run-tests.py --build build --green --all $(ARGS)

test-asan: $(STAMPS)/setup ## the same suites under AddressSanitizer and UBSan, in build-asan
	@test -f build-asan/build.ninja || cmake --preset sanitize
	cmake --build build-asan
	@$(PYTHON) utils/run-tests.py --build build-asan --sanitize $(ARGS)

test-tsan: $(STAMPS)/setup ## the runtime's tests under ThreadSanitizer, in build-tsan
	@test -f build-tsan/build.ninja || cmake --preset tsan
	cmake --build --preset tsan
	@$(PYTHON) utils/run-tests.py --build build-tsan --suite unit

demo: build $(STAMPS)/setup-demo ## compile magika's model, classify files, compare with ONNX Runtime
	@$(PYTHON) demo/demo.py --build build

bench: build $(STAMPS)/setup-bench ## Tenon, ONNX Runtime and OpenVINO in one run (BENCH=... passes arguments)
	@$(PYTHON) bench/run.py --build build $(BENCH)

docs: build $(STAMPS)/setup-docs ## reference of dialects, passes, operators and number formats into build/docs
	@$(PYTHON) utils/generate-docs.py --output build/docs

clean: ## removes the build folders, keeps the set-up
	rm -rf build build-asan build-debug build-tsan

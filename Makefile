# `make` alone lists the targets. Everything runs on the Node in node_modules, which `make setup` brings.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

bin := node_modules/.bin
node := $(bin)/node
# The machine's Node is older than what most packages ask for; node_modules brings the one that runs them.
npm_ci := npm ci --no-fund --no-audit --no-update-notifier --loglevel=error

.PHONY: help setup install runtime demo test verify check-format check-types check-proto check-gen check-docs fmt gen docs manifests \
  baseline bench chaos mutants build clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# npm writes this file last, so it is as new as the last whole install.
node_modules/.package-lock.json: package-lock.json
	@echo "installing node_modules"
	@$(npm_ci) </dev/null
	@touch $@

install: node_modules/.package-lock.json ## Bring node_modules up to the lockfile
	@scripts/ensure-node.sh

runtime: install ## What running needs: node_modules and bubblewrap
	@scripts/ensure-tools.sh "bubblewrap:bwrap:to contain the commands of repositories"

setup: runtime ## What developing needs: runtime and Redis
	@scripts/ensure-tools.sh "redis-server:redis-server:the shared store, and its tests" \
	  "python3-grpcio:/usr/lib/python3/dist-packages/grpc:to test discovery by a client of another language"

demo: runtime ## Run every role once on the sample, or on your repository: make demo REPO=path
	@$(node) src/cli/main.ts demo $(if $(REPO),--repository "$(REPO)")

test: setup ## Run the tests; ends with "N passed, N failed"
	@$(node) scripts/test.ts

verify: setup check-format check-types check-proto check-gen check-docs ## Everything that a change must pass
	@$(node) scripts/test.ts

check-format: install ## Format and lint
	@$(bin)/biome check --error-on-warnings

check-types: install ## Types
	@$(bin)/tsc -p .

check-proto: install ## Lint proto/, and compare it with the last release
	@$(bin)/buf lint
	@$(bin)/buf breaking --against proto/baseline.binpb

check-gen: install ## gen/ is what proto/ generates
	@$(node) scripts/check-gen.ts

check-docs: install ## The rendered pages of docs/ are fresh
	@$(node) scripts/render-docs.ts --check

fmt: install ## Format, and mend what the linter can
	@$(bin)/biome check --write

gen: install ## Generate gen/ from proto/
	@$(bin)/buf generate

docs: install ## Render the pages of docs/ that follow from code
	@$(node) scripts/render-docs.ts

baseline: install ## On a release: make proto/ as it is now what check-proto compares with
	@$(bin)/buf build -o proto/baseline.binpb

manifests: install ## Render keda/ from the list of roles
	@$(node) scripts/render-keda.ts

bench: setup ## Run a benchmark: make bench NAME=queue ARGS="--rounds 7"; all without NAME
	@scripts/bench.sh "$(NAME)" $(ARGS)

chaos: setup ## Break a mesh of processes for ten minutes, and check what became of its tasks: docs/chaos.md
	@scripts/ensure-tools.sh "faketime:faketime:to move the clocks of processes"
	@$(node) tests/chaos/main.ts --minutes "$(MINUTES)" --seed "$(SEED)" --tasks "$(TASKS)" --outage "$(OUTAGE)"

mutants: setup ## Break the sources, one fault at a time, to see the tests notice: make mutants NAME=sqlite
	@$(node) scripts/mutants.ts $(NAME)

build: install ## Compile to dist/, a package that npm can publish
	@$(node) scripts/build.ts

clean: ## Remove what was built and installed
	@rm -rf dist coverage node_modules

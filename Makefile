# What a developer types. Everything here runs on a fresh clone; the SDK named in global.json is the only thing that must be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PROGRAMS := Shipper:loki-shipper Gateway:loki-gateway LocalLoki:local-loki Operations:lokiops
RID ?= linux-x64
PATHS ?= /var/log

export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1

.PHONY: help demo test bench publish format

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: ## Ship PATHS (default /var/log) through gateway and embedded Loki, and keep following
	dotnet run --project src/Quickstart -- $(PATHS)

test: ## Restore locked, build with warnings as errors, check the format, run every test
	@eng/test.sh

bench: ## Measure throughput, memory and CPU; prints a table
	dotnet run --project benchmarks

publish: ## Native AOT binaries in artifacts/publish/<name>/; any IL warning fails
	@eng/publish.sh $(RID) $(PROGRAMS)

format: ## Bring the whole tree into form
	dotnet format LokiGateway.sln

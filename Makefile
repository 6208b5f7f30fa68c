# What a developer types. Everything here runs on a fresh clone; the SDK named in global.json is the only thing that must be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PROGRAMS := Shipper:loki-shipper Gateway:loki-gateway LocalLoki:local-loki Operations:lokiops
RID ?= linux-x64
PATHS ?= /var/log

export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1

.PHONY: help demo test bench publish format tenants deploy-files images

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: ## Ship PATHS (default /var/log) through gateway and embedded Loki, and keep following
	dotnet run --project src/Quickstart -- $(PATHS)

test: ## Restore locked, build with warnings as errors, check the format, publish, run every test
	@eng/test.sh

bench: ## Measure throughput, memory and CPU; prints a table
	dotnet run --project benchmarks

publish: ## Native AOT binaries in artifacts/publish/<name>/; any IL warning fails
	@eng/publish.sh $(RID) $(PROGRAMS)

images: ## Container images with docker or podman; REGISTRY=, TAG=, PLATFORMS=, PUSH=1
	@REGISTRY="$(REGISTRY)" TAG="$(TAG)" PLATFORMS="$(PLATFORMS)" PUSH="$(PUSH)" IMAGES="$(IMAGES)" SOURCE="$(SOURCE)" \
	  SDK_DIGEST="$(SDK_DIGEST)" BASE_DIGEST="$(BASE_DIGEST)" eng/images.sh

format: ## Bring the whole tree into form
	dotnet format LokiGateway.sln

tenants: ## Write what follows from deploy/tenants.yaml (Loki's overrides) and the tables of deploy/'s READMEs
	UPDATE_DOCS=1 dotnet run -c Release --project tests/Deploy.Tests -- --filter-class '*TenantsTests' '*OverlayTests' '*ModuleReadmeTests'

deploy-files: ## Generate the dashboards, and copy them and the alerts into the charts
	node eng/dashboards/generate.mjs deploy/dashboards
	eng/deploy-files.sh

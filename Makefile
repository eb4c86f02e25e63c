# `make help` lists what there is.
SHELL := /bin/bash
GO ?= go

.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The web app is built where there is npm; without it, / is a text. Its client is taken from its sources.
APP := web/dist/index.html
APP_SOURCES := web/index.html web/vite.config.ts web/package.json $(shell find web/src web/public client/src -type f 2>/dev/null)

run: bin/tidings ## everything in one process on http://localhost:8080 (PORT, DATA, AWS_PORT, WEB, RATE_LIMITS, TRACE=console)
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory web || echo "The web app could not be built: / will be a text."
	@exec env $(if $(TRACE),OTEL_TRACES_EXPORTER=$(TRACE)) bin/tidings

bin/tidings: FORCE
	@$(GO) build -trimpath -o $@ ./local

web: $(APP) ## the web app into web/dist (needs Node 20 or later)

$(APP): web/node_modules/.package-lock.json $(APP_SOURCES)
	cd web && npm run build

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci

test: ## all tests: Go with the race detector, and with npm client and web app
	@$(MAKE) --no-print-directory lint
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 15m ./...
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory test-client test-web test-interop; \
	  else echo "no npm: client, web app and clients of others are not tested"; test -z "$$TIDINGS_NO_SKIP"; fi

test-client: client/node_modules/.package-lock.json ## the npm package: lint, types, unit tests, size
	cd client && npm test

test-web: bin/tidings $(APP) ## the web app: lint, unit tests, and end to end in browsers
	cd web && npm run lint && npm test && npm run e2e

test-interop: bin/tidings ## SSE clients that others wrote, through a line that is cut
	@interop/run.sh

client/node_modules/.package-lock.json: client/package-lock.json
	cd client && npm ci

lint: ## formatting, vet, staticcheck
	@test -z "$$($(GO) tool gofumpt -l .)" || { echo "not formatted:"; $(GO) tool gofumpt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

docs: ## write the API's documents in docs/ from the code
	$(GO) test -run DocumentsAreCurrent ./internal/apidoc -update

bench: bench-parts bench-sse ## all that is measured often: the parts, and a stream beside others

bench-parts: ## POST to SSE latency, and what the parts cost
	$(GO) test -p 1 -run '^$$' -bench . -benchmem -timeout 15m ./...

hops: ## what each hop from commit to socket takes, at 200 messages a second over 1,000 streams
	$(GO) test -run '^$$' -bench PostToStream ./local

bench-sse: ## a stream beside others: memory and CPU (N=5000 REPS=3; bench/README.md)
	@bench/run.sh

bench-polling: ## what polling costs beside events, the same people and messages
	@$(GO) run ./bench/polling

bench-scale: ## 100,000 connections on the whole path (15 minutes)
	@ulimit -n 20000 && $(GO) run ./bench/scale

bench-stall: ## what a reader that stopped does to 15,000 others
	@ulimit -n 20000 && $(GO) run ./bench/stall

SEEDS ?= 1000
FIRST ?= 1
sim: ## simulated worlds with everything going wrong (SEEDS=1000 FIRST=1)
	$(GO) test ./internal/sim -run TestWorld -timeout 0 -v -args -first=$(FIRST) -seeds=$(SEEDS)

bugs: ## how many simulated worlds it takes to notice a broken rule
	$(GO) test ./internal/sim -run TestBugs -timeout 0 -v -args -bugs

localstack: ## the end-to-end tests on LocalStack, with Docker or without (infra/localstack)
	@infra/localstack/run.sh

ARCH ?= arm64
OUT ?= bin
build: ## the Lambda functions (arm64 bootstrap binaries) and the streamer into bin/ (ARCH=arm64 OUT=bin)
	@for f in functions/*/; do n=$$(basename $$f); \
	  GOOS=linux GOARCH=$(ARCH) CGO_ENABLED=0 $(GO) build -trimpath -tags lambda.norpc -ldflags='-s -w' -o $(OUT)/$$n/bootstrap ./$$f || exit 1; done
	GOOS=linux GOARCH=$(ARCH) CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $(OUT)/streamer ./streamer

validate: .venv/sam/.done .venv/checkov/.done ## the templates and the image's Dockerfile, without a network
	.venv/sam/bin/sam validate --lint
	.venv/sam/bin/cfn-lint
	.venv/sam/bin/hadolint streamer/Dockerfile
	.venv/checkov/bin/checkov -d . --framework cloudformation dockerfile --skip-path node_modules --skip-path .venv

local-ministack: .venv/sam/.done .venv/ministack/.done ## the template deployed to MiniStack, an AWS on this machine (PORT)
	@.venv/sam/bin/python infra/ministack/run.py

test-ministack: .venv/sam/.done .venv/ministack/.done ## the same, and the end-to-end tests against it
	@.venv/sam/bin/python infra/ministack/run.py test

image: ## the streamer's image for Fargate, built and pushed (REPOSITORY=<account>.dkr.ecr.<region>.amazonaws.com/tidings)
	docker buildx build --platform linux/arm64 --build-arg VERSION=$(VERSION) -f streamer/Dockerfile -t $(IMAGE) --push .

deploy: build web .venv/sam/.done ## everything to AWS, with that image (needs the aws command; samconfig.toml has the parameters)
	infra/deploy.sh .venv/sam/bin/sam $(IMAGE)

VERSION ?= $(shell git rev-parse --short=12 HEAD)
IMAGE = $(or $(REPOSITORY),$(error say REPOSITORY=<account>.dkr.ecr.<region>.amazonaws.com/<name>)):$(VERSION)

.venv/%/.done: infra/requirements/%.txt # tools of Python, each with libraries of its own
	python3 -m venv .venv/$* && .venv/$*/bin/pip install -q --disable-pip-version-check -r $< && touch $@

clean: ## remove what was built (not .tidings, the local data)
	rm -rf bin web/dist

# All that help lists, and what is always looked at.
.PHONY: FORCE $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

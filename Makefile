# Each target works on a fresh clone and says what is missing. `make help` lists them.

GOLANGCI := go tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help demo build page new-page test test-long matrix bench bench-ui benchmarks lint generate telemetry-reporter need-go need-node need-maven

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: build ## build, then start two small Kafka clusters with a shop running on them, and lineaged watching
	bin/lineaged demo

build: need-go page ## bin/lineaged with the UI inside, and beside it the licences that go with it
	go build -trimpath -buildvcs=auto -o bin/lineaged ./cmd/lineaged
	cp LICENSE NOTICE bin/
	bin/lineaged version --licences > bin/THIRD-PARTY-LICENCES.txt

page: need-go ## ui/page.zip, made anew only where the sources of the UI have changed, which alone needs Node
	@go run ./ui/page/pack -ui ui -fresh || $(MAKE) --no-print-directory new-page

new-page: need-go ui/node_modules/.package-lock.json
	npm --prefix ui run build

test: need-go ## all that CI runs; the last line is the counts
	@go run ./internal/check

test-long: need-go ## the same in its long form, for hours: 1,000 kills, 2,000 flipped bits, simulated years, each fuzz target for minutes, a page left open, a real OpenTelemetry Collector, the matrix
	@go run ./internal/check -long

matrix: need-go need-node ## real clients and engines from their registries against lineaged; writes the tables in docs/evidence.md. MATRIX=pattern of cells
	go test -tags matrix ./internal/matrix -count=1 -timeout 60m -v

bench: need-go ## lineaged beside its peers: Prometheus, VictoriaMetrics, gonum, SQLite, PostgreSQL; prints the table of docs/performance.md. ROUNDS=5
	go run -C bench -trimpath . -rounds $(or $(ROUNDS),5)

bench-ui: build ui/node_modules/.package-lock.json ## the page in Chromium beside bare React Flow, the layout beside dagre's; prints the table of docs/performance.md. ROUNDS=5
	ROUNDS=$(or $(ROUNDS),5) LINEAGED_BIN=bin/lineaged npm --prefix ui run -s bench

benchmarks: need-go ## all benchmarks of lineaged's own packages; BENCH=pattern, COUNT=10 for benchstat
	go test -p 1 -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) -timeout 60m $$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | grep -v internal/acceptance)

telemetry-reporter: need-maven ## the broker's plugin that forwards client metrics: contrib/telemetry-reporter/target/lineaged-telemetry-reporter.jar
	mvn -B -q -f contrib/telemetry-reporter package

lint: need-go ## formatting and linters
	$(GOLANGCI) fmt --diff ./...
	$(GOLANGCI) run ./...

generate: need-go ui/node_modules/.package-lock.json ## everything that is generated: from schema.graphqls, and ui/page.zip from the sources of the UI
	go generate ./...
	npm --prefix ui run --if-present generate
	npm --prefix ui run build

ui/node_modules/.package-lock.json: ui/package-lock.json | need-node
	npm --prefix ui ci --no-audit --no-fund

need-go:
	@command -v go >/dev/null || { echo 'missing: Go 1.26 or later (https://go.dev/dl)' >&2; exit 1; }
	@go env GOVERSION | awk -F'[go.]+' '$$2 < 1 || ($$2 == 1 && $$3+0 < 26) { print "too old: " $$0 ", needs Go 1.26 or later (https://go.dev/dl)"; exit 1 }' >&2

need-node:
	@command -v npm >/dev/null || { echo 'missing: Node 20 or later with npm (https://nodejs.org)' >&2; exit 1; }
	@node --version | awk -F'[v.]' '$$2+0 < 20 { print "too old: node " $$0 ", needs Node 20 or later (https://nodejs.org)"; exit 1 }' >&2

need-maven:
	@command -v mvn >/dev/null || { echo 'missing: Maven with a JDK of 17 or later (apt-get install maven)' >&2; exit 1; }

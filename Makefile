# The commands of developers and of CI. `make` lists the targets.

GO       ?= go
DIR      ?=
FUZZTIME ?= 10s
ARCH     ?= $(shell $(GO) env GOARCH)
IMAGE    ?= sbs-server:$(or $(VERSION),development)-$(ARCH)

# The crash test: the number of instants at which the server is killed, and their seed; 0
# draws a seed, which is printed.
INSTANTS ?= 200
SEED     ?= 0

# The benchmarks: the number of measured pairs, and the parts; all when empty.
ROUNDS   ?= 5
ONLY     ?=

# make e2e: the package, and a pattern of test names; all of them when empty.
PKG      ?=
RUN      ?=

# The soak test: the number of builds. Its faults are drawn from SEED too.
BUILDS   ?= 200

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w$(if $(VERSION), -X main.version=$(VERSION))

export CGO_ENABLED := 0

# Programs for users hold no paths of the machine that built them. Tests, linters and
# the programs share these flags: with others, Go compiles every dependency once more.
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell $(GO) env GOFLAGS)) -trimpath)

# The stack tests run the programs that make build has just made.
PROGRAMS := TEST_PROGRAMS='$(CURDIR)/bin'

.DEFAULT_GOAL := help
.PHONY: help everything programs stack-and-s390x build image demo harness compose test setup unit race test-s390x test-crash soak e2e stack bench bench-hostile lint fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

build: ## build bin/sbs-server and bin/sbs-cli: static, without C
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/sbs-server ./cmd/sbs-cli

image: setup ## make the server's container image for linux/ARCH: make image ARCH=s390x
	GOARCH=$(ARCH) $(GO) build -ldflags '$(LDFLAGS)' -o bin/sbs-server-$(ARCH) ./cmd/sbs-server
	@deploy/image.sh $(ARCH) bin/sbs-server-$(ARCH) $(IMAGE)

demo: setup build ## run the main job on the local stack and show every step
	@$(GO) build -o bin/ ./test/harness/cmd/demo
	@bin/demo --server bin/sbs-server --cli bin/sbs-cli

harness: setup build ## keep the local stack running in the folder DIR=path
	$(if $(DIR),,$(error name the folder of the stack: make harness DIR=path))
	@$(GO) build -o bin/ ./test/harness/cmd/harness
	@exec bin/harness --dir '$(DIR)' --server bin/sbs-server --cli bin/sbs-cli

compose: image build ## keep the stack running with the server in its container: make compose DIR=path
	$(if $(DIR),,$(error name the folder of the stack: make compose DIR=path))
	@$(GO) build -o bin/ ./test/harness/cmd/harness
	@SBS_IMAGE='$(IMAGE)' test/harness/compose.sh '$(DIR)' up

test: INSTANTS = 22
test: BUILDS = 17
test: everything unit test-crash soak stack-and-s390x ## run everything, on this machine and its Docker Engine

# The package manager waits for the network and the disk while Go compiles.
everything:
	@$(MAKE) --no-print-directory --jobs=2 setup programs

programs: build bin/cosign bin/buildkitd

# The stack tests run one at a time and do not keep two cores busy. The emulator uses no
# engine, and gets the rest of the time at the lowest priority.
stack-and-s390x:
	@$(MAKE) --no-print-directory --jobs=2 stack test-s390x

setup: ## install and start what the stack needs, unless it is there
	@test/harness/setup.sh

unit: ## run the tests that need only Go, with the race detector where code is concurrent
	@GO='$(GO)' tools/unit.sh

race: ## run all tests that need only Go with the race detector
	@GO='$(GO)' RACE=all tools/unit.sh

# Packages with formats, keys or signatures are also tested in the byte order of IBM Z,
# with the same golden files, up to a server that a client uses over mutual TLS
# (cmd/sbs-server). Packages that use git, the engine or the terminal are left out, because
# they don't depend on the byte order. server/signing/simple, client, client/certs and
# client/instanceenv are left out because their tests generate so many RSA keys that they
# take minutes in an emulator; cmd/sbs-server uses the same code once.
S390X := ./api/... ./enclave ./server/stateimage ./server/volume ./server/job ./server/signing \
	./server/signing/dct ./server/signing/sigstore ./signature ./signature/bundle \
	./client/contract ./client/attest ./client/signedmanifest ./server/signing/manifestkey ./cmd/sbs-server

test-s390x: ## run the tests of formats, keys and signatures as s390x programs, under QEMU
	@command -v qemu-s390x-static >/dev/null || deploy/engine/install.sh qemu-user-static
	GOARCH=s390x nice -n 19 $(GO) test -vet=off -exec qemu-s390x-static $(S390X)

e2e: setup build bin/cosign bin/buildkitd ## run the stack tests of one package, or some: make e2e PKG=./test/e2e RUN=TestVerify
	@$(PROGRAMS) GO='$(GO)' PKG='$(or $(PKG),./test/e2e)' RUN='$(RUN)' tools/stack.sh

stack: build bin/cosign bin/buildkitd ## run the tests that need the stack's programs and an engine, after make setup
	@$(PROGRAMS) GO='$(GO)' tools/stack.sh

test-crash: setup build bin/cosign ## kill the server at INSTANTS=200 instants, drawn from SEED=0
	cd test/crash && $(PROGRAMS) $(GO) test -tags stack -vet=off -count=1 -timeout 2h -args -instants $(INSTANTS) -seed $(SEED)

soak: setup build ## build BUILDS=200 times while everything around the server fails, drawn from SEED=0
	cd test/soak && $(PROGRAMS) $(GO) test -tags stack -vet=off -count=1 -timeout 1h -args -builds $(BUILDS) -seed $(SEED)

# cosign verifies our signatures in tests. It is a separate module, so that the product
# doesn't depend on its many modules. The go command caches linked tools, so that the next
# clone needs no build.
bin/cosign: tools/cosign/go.mod tools/cosign/go.sum
	@mkdir -p bin
	cd tools/cosign && cp "$$($(GO) tool -n cosign)" ../../bin/cosign

# BuildKit's daemon as its authors publish it, out of a module of its own that
# requires the same version as the product (docs/design/0012-the-build-daemon.md).
# Its version is set here, because the go command sets none. For another architecture:
# make bin/buildkitd-s390x.
bin/buildkitd bin/buildkitd-$(ARCH): tools/buildkitd/go.mod tools/buildkitd/go.sum
	@mkdir -p bin
	cd tools/buildkitd && version=$$($(GO) list -m -f '{{.Version}}' github.com/moby/buildkit) && \
	$(if $(filter %-$(ARCH),$@),GOARCH=$(ARCH)) $(GO) build -trimpath -ldflags "-s -w -X github.com/moby/buildkit/version.Version=$$version" \
		-o ../../$@ github.com/moby/buildkit/cmd/buildkitd

bench: setup ## compare with the usual tools, print the ratios and draw them: ROUNDS=5 ONLY=parts
	deploy/engine/install.sh bzip2 pbzip2 lbzip2
	$(GO) run ./test/bench -rounds $(ROUNDS) -only '$(ONLY)' -out docs/bench
	cd tools/plot && $(GO) run . ../../docs/bench

bench-hostile: setup ## measure a build during attacks of hostile clients, in ROUNDS=5 rounds
	SBS_LOG_LEVEL=info ROUNDS='$(ROUNDS)' $(GO) test -tags stack -count=1 -timeout 12m -run '^$$' -bench Hostile -benchtime 1x ./test/hostile

lint: ## check format, vet, staticcheck, shell scripts, known vulnerabilities
	@GO='$(GO)' tools/lint.sh

fuzz: ## run every fuzz test for FUZZTIME=10s
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' tools/fuzz.sh

clean: ## remove what make built
	rm -rf bin

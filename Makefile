# envcrypt: `make demo` shows the main task with a real file, `make test` checks everything.
PREFIX ?= /usr/local
STATIC = .build/static/release/envcrypt
# The second flag creates generic types with direct calls instead of names. Looking up a name walks
# every protocol conformance of the binary, which costs more than encrypting a small file.
RELEASE = -Xswiftc -static-executable \
  -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors $(ORDERED) $(WRAPPED)
# lld puts the functions that a short command uses side by side, so that fewer pages are read.
# `make link-order` makes the list. A name that no longer exists does no harm.
ORDERED = -Xswiftc -use-ld=lld -Xlinker --no-warn-symbol-ordering \
  -Xlinker --symbol-ordering-file=$(CURDIR)/scripts/link-order.txt
# Sources/CProcess/memory.c replaces these functions in the whole binary, so that no failed
# allocation goes unnoticed.
WRAPPED = $(foreach name,malloc calloc realloc memalign aligned_alloc posix_memalign \
  _dispatch_temporary_resource_shortage,-Xlinker --wrap=$(name))

TORTURE_MINUTES ?= 20

.PHONY: help setup build demo test torture lint bench rates fuzz sanitize link-order install clean

help:
	@echo 'make demo [FILE=/path]     build, encrypt and decrypt a real file, show sizes and speed'
	@echo 'make test                  set up and run every test'
	@echo 'make torture               hours of bad luck in TORTURE_MINUTES=20: kills, full disks, power failures, crowds'
	@echo 'make build                 the static release: $(STATIC)'
	@echo 'make install [PREFIX=...]  binary, man pages and shell completions'
	@echo 'make bench                 speed and memory beside age, gpg, openssl, cp and others'
	@echo 'make rates                 operations per second of the key service, with one thread and two'
	@echo 'make fuzz TARGET=message [MINUTES=10]   coverage-guided fuzzing, see docs/fuzzing.md'
	@echo 'make sanitize [SANITIZER=address]   every test with the address and the thread sanitizer, or with one'
	@echo 'make lint                  format, walls between modules, imports, the picture of the modules'
	@echo 'make link-order            the order of functions in the static release, after large changes'
	@echo 'make clean'

setup:
	@scripts/setup

build: setup
	swift build -c release $(RELEASE) $$(scripts/static-libraries) --scratch-path .build/static --product envcrypt

demo: build
	@scripts/demo $(STATIC) $(if $(FILE),"$(FILE)")

test:
	@scripts/setup test
	@scripts/test

torture: build
	@python3 -B Tests/Torture/run --envcrypt $(STATIC) --minutes $(TORTURE_MINUTES)

lint:
	@scripts/lint

link-order: build
	scripts/link-order $(STATIC) > scripts/link-order.new
	mv scripts/link-order.new scripts/link-order.txt

bench: build
	Benchmarks/compare --envcrypt $(STATIC)

rates: setup
	swift run -c release --package-path Benchmarks KeyServiceRates

fuzz: setup
	@scripts/fuzz $(TARGET) $(or $(MINUTES),10)

sanitize:
	@scripts/setup test
	@scripts/sanitize $(SANITIZER)

install: build
	@scripts/install $(STATIC) "$(DESTDIR)$(PREFIX)"

clean:
	rm -rf .build

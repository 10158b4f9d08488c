# envcrypt: `make demo` shows the main job on a real file, `make test` checks everything.
PREFIX ?= /usr/local
STATIC = .build/static/release/envcrypt

.PHONY: help setup build demo test lint bench install clean

help:
	@echo 'make demo [FILE=/path]     build, encrypt and decrypt a real file, show sizes and speed'
	@echo 'make test                  set up and run every test'
	@echo 'make build                 the static release: $(STATIC)'
	@echo 'make install [PREFIX=...]  binary, man pages and shell completions'
	@echo 'make bench                 throughput beside age and openssl'
	@echo 'make lint | clean'

setup:
	@scripts/setup

build: setup
	swift build -c release -Xswiftc -static-executable --scratch-path .build/static --product envcrypt

demo: build
	@scripts/demo $(STATIC) $(FILE)

test: setup
	@scripts/test

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

bench: build
	Benchmarks/compare --envcrypt $(STATIC)

install: build
	@scripts/install $(STATIC) $(DESTDIR)$(PREFIX)

clean:
	rm -rf .build

# SPDX-License-Identifier: GPL-2.0
# nf_flow_offload: module, tool, tests. The module itself is described in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=

# NFO_CACHE=DIR says where what they find is kept. Make before 4.4 does not tell $(shell) what its
# own command line says.
told = $(foreach name,NFO_CACHE CC CROSS_COMPILE LLVM,$(if $(filter command,$(origin $(name))),$(name)="$($(name))"))
probes = $(shell $(told) scripts/compat-probes "$(KDIR)" $(ARCH))

.PHONY: all modules install tools install-tools clean demo check check-long check-openwrt \
	check-package check-rpm bench deb help

all: modules

help:
	@echo 'make modules KDIR=<kernel build tree> [ARCH=um]   build nf_flow_offload.ko'
	@echo 'make install [KDIR=...] [DESTDIR=...]             install it with its modprobe.d file'
	@echo 'make tools | install-tools [DESTDIR=...]          nft-offload, its man page and completion'
	@echo 'make deb        Debian packages: nft-offload-dkms and nft-offload'
	@echo 'make demo       see it carry connections, in a virtual machine'
	@echo 'make check      all tests, older kernels with what differs there'
	@echo 'make check-long every test on every kernel'
	@echo 'make check-openwrt  the feed and the LuCI page of packaging/openwrt'
	@echo 'make check-rpm  the RPM packages of packaging/rpm'
	@echo 'make check-package  the packages in Debian 12 and 13: install, upgrade, purge'
	@echo 'make bench      figures, beside mainline'

modules:
	@p='$(probes)'; test -n "$$p" && \
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" NFO_PROBES="$$p" $(if $(ARCH),ARCH=$(ARCH)) modules

# Kbuild works in the kernel's directory, where a relative DESTDIR would be another one.
install:
	@test -e nf_flow_offload.ko || { echo 'make install: nothing built yet, run make modules first' >&2; exit 1; }
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" NFO_PROBES='$(probes)' \
		$(if $(DESTDIR),INSTALL_MOD_PATH="$(abspath $(DESTDIR))") modules_install
	install -D -m 644 packaging/nf_flow_offload.conf \
		"$(DESTDIR)/etc/modprobe.d/nf_flow_offload.conf"

tools:
	$(MAKE) -C tools/nft-offload

install-tools:
	$(MAKE) -C tools/nft-offload install $(if $(DESTDIR),DESTDIR="$(abspath $(DESTDIR))")

clean:
	$(MAKE) -C tools/nft-offload clean
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" clean

demo:
	tests/demo/run

check:
	tests/check

check-long:
	tests/check --long

check-openwrt:
	tests/stages/openwrt

check-rpm:
	tests/stages/rpm

check-package:
	tests/package/run

deb:
	scripts/make-deb

# `make bench` runs all of them, `make bench lines` one.
BENCHES := icount bridge lines sharing bulk life flows dump rules events slow-driver
bench:
	tests/bench/run $(or $(lastword $(filter $(BENCHES),$(MAKECMDGOALS))),all)
$(BENCHES): bench
	@:

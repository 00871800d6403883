# SPDX-License-Identifier: GPL-2.0
# The smallest stand-in of OpenWrt's rules.mk, kernel.mk and package.mk: what the feed's
# Makefile uses of them, with the machine's own compiler. `make show` prints what is
# declared, `make compile` runs Build/Prepare and Build/Compile, `make install` puts each
# package's files below $(OUT).
INCLUDE_DIR:=$(TOPDIR)/include
LINUX_DIR:=$(KDIR)
LINUX_KARCH:=x86
KERNEL_CC:=gcc
KERNEL_CROSS:=
KERNEL_MAKE_FLAGS:=ARCH=x86
TARGET_CC:=gcc
TARGET_CFLAGS:=-O2
TARGET_CPPFLAGS:=
TARGET_LDFLAGS:=
PKG_JOBS:=-j2
PKG_BUILD_DIR=$(OUT)/build
CP:=cp -fpR
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
AutoProbe=probe: $(1)

.PHONY: show compile install
show:
	@echo 'name $(PKG_NAME)'; echo 'version $(PKG_VERSION)'; echo 'subdirs $(PKG_EXTMOD_SUBDIRS)'

define prepared
$(Build/Prepare)
endef
define compiled
$(Build/Compile)
endef

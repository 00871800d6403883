# SPDX-License-Identifier: GPL-2.0
# KernelPackage as far as this feed uses it.
define KernelPackage
$(eval $(KernelPackage/$(1)))
compile:
	$$(prepared)
	$$(compiled)
show: show-kmod-$(1)
show-kmod-$(1):
	@echo 'kmod-$(1) depends $(DEPENDS)'
	@echo 'kmod-$(1) provides $(PROVIDES)'
	@echo 'kmod-$(1) conflicts $(CONFLICTS)'
	@echo 'kmod-$(1) autoload $(AUTOLOAD)'
install: install-kmod-$(1)
install-kmod-$(1):
	install -d $(OUT)/kmod-$(1)/lib/modules
	cp $(FILES) $(OUT)/kmod-$(1)/lib/modules/
endef

# SPDX-License-Identifier: GPL-2.0
# BuildPackage as far as this feed uses it.
define BuildPackage
$(eval $(Package/$(1)))
show: show-$(1)
show-$(1):
	@echo '$(1) depends $(DEPENDS)'
install: install-$(1)
install-$(1):
	$$(call Package/$(1)/install,$(OUT)/$(1))
endef

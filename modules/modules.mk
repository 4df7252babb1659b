# Modules of tables: each links one client library, which only who names such a table loads.
MODULES := $(patsubst modules/%.cc,$(BUILD)/bin/table/%.so,$(wildcard modules/*.cc))
MODULE_LIBS_ldap   := -lldap -llber -lsasl2
MODULE_LIBS_mysql  := -lmariadb
MODULE_LIBS_pgsql  := -lpq
MODULE_LIBS_redis  := -lhiredis
MODULE_LIBS_sqlite := -lsqlite3
MODULE_CPPFLAGS := -isystem /usr/include/mariadb -isystem /usr/include/postgresql

all: $(MODULES)
$(BUILD)/bin/table/%.so: modules/%.cc
	@mkdir -p $(@D) $(BUILD)/modules; echo "  MOD   $@"; \
	$(CXX) -I. -MMD -MP -MF $(BUILD)/modules/$*.d $(MODULE_CPPFLAGS) \
	  $(filter-out -fsanitize=%,$(CXXFLAGS)) -fPIC -shared -fvisibility=hidden $(LDFLAGS_release) \
	  -Wl,--as-needed -o $@ $< $(MODULE_LIBS_$*)
-include $(wildcard $(BUILD)/modules/*.d)

MODULE_DIR := $(DESTDIR)$(PREFIX)/libexec/facteur/table
.PHONY: install-modules
install-modules: $(MODULES)
	install -d $(MODULE_DIR)
	install -m 0644 $(MODULES) $(MODULE_DIR)
install: install-modules

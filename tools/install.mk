# make install DESTDIR=…; make deb; make run; make check.

LIBEXEC  := $(DESTDIR)$(PREFIX)/libexec/facteur
BINDIR   := $(DESTDIR)$(PREFIX)/bin
SBINDIR  := $(DESTDIR)$(PREFIX)/sbin
SHARE    := $(DESTDIR)$(PREFIX)/share/facteur
MANDIR   := $(DESTDIR)$(PREFIX)/share/man
ETC      := $(DESTDIR)/etc/facteur
# The names that hands know; facteur looks at the name it was called by.
COMMANDS := $(BUILD)/bin/facteur

.PHONY: install deb run
install: all man
	install -d $(LIBEXEC) $(BINDIR) $(SBINDIR) $(SHARE) $(ETC)
	install -m 0755 $(filter-out $(COMMANDS),$(PROGRAMS)) $(LIBEXEC)
	install -m 0755 $(COMMANDS) $(BINDIR)
	install -m 0644 conf/main.cf conf/aliases $(SHARE)
	install -m 0644 conf/master.cf $(ETC)
	@for section in $(ROOT)/man/man*; do \
	  install -d $(MANDIR)/$${section##*/}; \
	  install -m 0644 $$section/* $(MANDIR)/$${section##*/}/; done
	@for name in $$($(COMMANDS) --names); do \
	  ln -sfn $$(case $$name in sbin/*) echo ../bin/facteur;; *) echo facteur;; esac) \
	    $(DESTDIR)$(PREFIX)/$$name; done

deb:
	@tools/packages build dpkg-dev fakeroot
	VARIANT=$(VARIANT) dpkg-buildpackage -b -us -uc
	@mkdir -p $(ROOT)/deb; rm -f ../facteur*-dbgsym_*.deb; \
	  mv ../facteur_*.deb ../facteur-*_*.deb ../facteur_*.buildinfo ../facteur_*.changes \
	  $(ROOT)/deb/; ls $(ROOT)/deb/*.deb

run:
	@tools/packages build curl
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	@tools/demo/run

.PHONY: check
check:
	@tools/packages test
	@$(MAKE) --no-print-directory -j$(shell nproc) all tests
	@tests/run

# Embedded with .incbin, which the compiler does not report.
$(BUILD)/tools/facteur/templates.o: conf/main.cf conf/master.cf conf/aliases
$(BUILD)/tools/facteur/postfix_parameters.o: conf/postfix_parameters

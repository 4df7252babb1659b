# Facteur: one make, no recursion, no configure step (Debian 12 is the platform).
#
#   make              the programs, in build/bin/
#   make run          a demo instance on loopback, with a first message in it
#   make check        everything that CI proves; the last line counts
#   make unit         only the unit tests
#   make asan         the unit tests under AddressSanitizer and UBSan
#   make fuzz         the fuzz targets, for as long as FUZZ_SECONDS says
#   make bench        Facteur and its peers, measured in turn on this machine
#   make install      into $(DESTDIR)$(PREFIX)
#   make deb          the Debian package
#
# A folder with a main.cc is a program; a folder with *_test.cc has a test program.

VARIANT ?= release
ROOT    := build
BUILD   := $(ROOT)/$(VARIANT)
PREFIX  ?= /usr
CCACHE  := $(shell command -v ccache 2>/dev/null)
CXX     := $(if $(CCACHE),ccache )g++

CPPFLAGS += -I. -MMD -MP
CXXFLAGS += -std=c++23 -g1 -pthread -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# g++ 12 sees uninitialised and overlapping memory in inlined std::string where there is none.
CXXFLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -Wno-maybe-uninitialized \
                    -Wno-restrict
CXXFLAGS_debug   := -O0 -D_GLIBCXX_ASSERTIONS
CXXFLAGS_asan    := -O1 -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined \
                    -fno-sanitize-recover=all -Wno-maybe-uninitialized
LDFLAGS_release  := -Wl,-z,relro,-z,now
LDFLAGS_asan     := -fsanitize=address,undefined
CXXFLAGS += $(CXXFLAGS_$(VARIANT))
# Tests are built once and run once: optimising them costs more than it gives.
TESTFLAGS := $(if $(filter release,$(VARIANT)),-O0 -U_FORTIFY_SOURCE)
# gold links in half the time of bfd; it knows little of clang's sanitizers.
LINKER   := $(if $(filter fuzz,$(VARIANT)),,-fuse-ld=gold)
LDFLAGS  += -pthread $(LINKER) -Wl,--as-needed $(LDFLAGS_$(VARIANT))
LDLIBS   := -lssl -lcrypto -levent_core -levent_pthreads -lcares -lfmt -lpcre2-8 -ldb-5.3 -llmdb -lcdb \
            -lseccomp -lpam -lcrypt -largon2 -lidn2 -lunistring -lz -lzstd -lcurl

TESTS_OF   = $(filter %_test.cc,$(1))
SOURCES_OF = $(filter-out %_test.cc %_fuzz.cc,$(1))
OBJECTS    = $(patsubst %.cc,$(BUILD)/%.o,$(1))

# A release compiles what a folder holds in batches of twelve: the headers and templates that its
# files share are most of the work, and are done once a batch (tests/lint/batches keeps apart the
# names that would meet there).  Tools stay single: the set-gid helper links no more than it needs.
FOLDERS_OF   = $(sort $(patsubst %/,%,$(dir $(1))))
BATCHED_OF   = $(if $(filter release,$(VARIANT)),$(filter-out tools/% %/main.cc,$(1)))
IN_FOLDER    = $(foreach f,$(2),$(if $(filter $(1)/,$(dir $(f))),$(f)))
BATCH_STARTS := 1 13 25 37 49 61 73
BATCHES_IN   = $(foreach n,$(BATCH_STARTS),$(if $(word $(n),$(2)),$(BUILD)/$(1)/batch-$(n).o))
BATCHES      = $(foreach d,$(call FOLDERS_OF,$(1)),$(call BATCHES_IN,$(d),$(call IN_FOLDER,$(d),$(1))))
UNITS        = $(call OBJECTS,$(filter-out $(call BATCHED_OF,$(1)),$(1))) \
               $(call BATCHES,$(call BATCHED_OF,$(1)))

LIB_SOURCES  := $(call SOURCES_OF,$(wildcard lib/*/*.cc lib/*/*/*.cc))
PROGRAM_DIRS := $(patsubst %/main.cc,%,$(wildcard */main.cc tools/*/main.cc))
PROGRAM_DIRS := $(filter-out tests,$(PROGRAM_DIRS))
TEST_DIRS    := $(sort $(patsubst %/,%,$(dir $(wildcard *_test.cc */*_test.cc lib/*/*_test.cc \
                  lib/*/*/*_test.cc tools/*/*_test.cc))))
PROGRAMS     := $(addprefix $(BUILD)/bin/,$(notdir $(PROGRAM_DIRS)))
TESTS        := $(foreach d,$(TEST_DIRS),$(BUILD)/test/$(subst /,-,$(d))_test)

.PHONY: all tests unit asan debug lint headers format clean
all: $(PROGRAMS)
	@mkdir -p $(BUILD)/bin; ln -sfn $(VARIANT)/bin $(ROOT)/bin
	@for name in $$($(BUILD)/bin/facteur --names); do ln -sfn facteur $(BUILD)/bin/$${name##*/}; done

$(BUILD)/lib.a: $(call UNITS,$(LIB_SOURCES))
	@echo "  AR    $@"; rm -f $@; ar rcs $@ $^

# $(1) folder of a program
define program
$(BUILD)/bin/$(notdir $(1)): $(call UNITS,$(call SOURCES_OF,$(wildcard $(1)/*.cc $(1)/*/*.cc))) $(BUILD)/lib.a
	@mkdir -p $$(@D); echo "  LINK  $$@"; $(CXX) $(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
DEPS += $(patsubst %.o,%.d,$(call OBJECTS,$(wildcard $(1)/*.cc $(1)/*/*.cc)))
endef
# $(1) folder of tests: they link what stands beside them, but for a program's main
define test_program
$(BUILD)/test/$(subst /,-,$(1))_test: $(call OBJECTS,$(call TESTS_OF,$(wildcard $(1)/*.cc))) \
  $(if $(filter lib/%,$(1)),,$(call UNITS,$(filter-out %/main.cc,$(call SOURCES_OF,$(wildcard $(1)/*.cc $(if $(wildcard $(1)/main.cc),$(1)/*/*.cc)))))) \
  $(BUILD)/tests/main.o $(BUILD)/lib.a
	@mkdir -p $$(@D); echo "  LINK  $$@"; $(CXX) $(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
# $(1) folder, $(2) the first's number, $(3) the sources of the folder
define batch
$(BUILD)/$(1)/batch-$(2).cc: $(1)
	@mkdir -p $$(@D); printf '#include "%s"\n' $(wordlist $(2),$(shell expr $(2) + 11),$(3)) >$$@.new; \
	cmp -s $$@.new $$@ || mv $$@.new $$@
$(BUILD)/$(1)/batch-$(2).o: $(BUILD)/$(1)/batch-$(2).cc
	@echo "  CXX   $(1)/batch-$(2).cc"; $$(COMPILE) -Wno-subobject-linkage -c $$< -o $$@
DEPS += $(BUILD)/$(1)/batch-$(2).d
endef
BATCHED := $(call BATCHED_OF,$(LIB_SOURCES) $(foreach d,$(PROGRAM_DIRS),$(call SOURCES_OF,$(wildcard $(d)/*.cc $(d)/*/*.cc))))
$(foreach d,$(call FOLDERS_OF,$(BATCHED)),$(foreach n,$(BATCH_STARTS),$(if $(word \
  $(n),$(call IN_FOLDER,$(d),$(BATCHED))),$(eval $(call batch,$(d),$(n),$(call IN_FOLDER,$(d),$(BATCHED)))))))
$(foreach d,$(PROGRAM_DIRS),$(eval $(call program,$(d))))
# Only facteur draws pictures.
$(BUILD)/bin/facteur $(BUILD)/test/tools-facteur_test: LDLIBS += -lcairo
$(foreach d,$(TEST_DIRS),$(eval $(call test_program,$(d))))

# Where no compiler cache does better, the tests' headers are parsed once.  Not the programs': with
# optimisation g++ 12 forgets that a precompiled header is the system's, and warns about it.
PRECOMPILED  := $(if $(CCACHE)$(filter asan,$(VARIANT)),,$(BUILD)/precompiled/test.h)
COMPILE      = $(CXX) $(CPPFLAGS) $(CXXFLAGS)
COMPILE_TEST = $(COMPILE) $(TESTFLAGS)
$(BUILD)/precompiled/test.h: tests/precompiled.inc
	@mkdir -p $(@D); echo "  PCH   $@"; cp $< $@; $(COMPILE_TEST) -x c++-header $@ -o $@.gch
$(BUILD)/%_test.o: %_test.cc | $(PRECOMPILED)
	@mkdir -p $(@D); echo "  CXX   $<"; $(COMPILE_TEST) $(addprefix -include ,$(PRECOMPILED)) -c $< -o $@
# Catch2's main wants to read its header itself.
$(BUILD)/tests/main.o: tests/main.cc
	@mkdir -p $(@D); echo "  CXX   $<"; $(COMPILE_TEST) -c $< -o $@
$(BUILD)/%.o: %.cc
	@mkdir -p $(@D); echo "  CXX   $<"; $(COMPILE) -c $< -o $@

tests: $(TESTS)
unit: $(TESTS)
	@tests/unit $^
asan:
	@$(MAKE) --no-print-directory VARIANT=asan unit
debug:
	@$(MAKE) --no-print-directory VARIANT=debug all
lint:
	@tests/lint/run

# Every header compiles alone.
HEADERS := $(shell git ls-files '*.h')
headers: $(addprefix $(BUILD)/,$(addsuffix .alone,$(HEADERS)))
$(BUILD)/%.h.alone: %.h
	@mkdir -p $(@D); $(CXX) -I. $(CXXFLAGS) -fsyntax-only -x c++ -include $< /dev/null && touch $@

# As root: the peers switch users and cgroups count the CPU.
.PHONY: bench
bench: all
	@tests/bench/run $(BENCH)

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format -i
clean:
	rm -rf $(ROOT)

DEPS += $(patsubst %.cc,$(BUILD)/%.d,$(LIB_SOURCES) $(wildcard $(addsuffix /*_test.cc,$(TEST_DIRS))) tests/main.cc)
-include $(DEPS)
-include $(sort $(wildcard tests/*.mk tools/*.mk debian/*.mk modules/*.mk))

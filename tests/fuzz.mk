# make fuzz: the fuzz targets under libFuzzer, AddressSanitizer and UBSan, with clang (g++ has no
# libFuzzer).  FUZZ_SECONDS each; what they find is kept in build/fuzz/found.
FUZZ_SECONDS ?= 60
FUZZ_CXX     ?= clang++-16
# libstdc++ 12 hides std::expected from a compiler that announces older concepts than it has.
CXXFLAGS_fuzz := -w -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined \
                 -fno-sanitize-recover=undefined -U__cpp_concepts -D__cpp_concepts=202002L
LDFLAGS_fuzz  := -fsanitize=fuzzer,address,undefined
ifeq ($(VARIANT),fuzz)
CXX      := $(shell command -v ccache >/dev/null 2>&1 && echo "ccache ")$(FUZZ_CXX)
CXXFLAGS := $(filter-out -W% -std=%,$(CXXFLAGS)) -std=c++2b
LDFLAGS  += $(LDFLAGS_fuzz)
endif

FUZZ_PROGRAMS := $(patsubst tests/fuzz/%_fuzz.cc,$(ROOT)/fuzz/fuzz/%,$(wildcard tests/fuzz/*_fuzz.cc))
.PHONY: fuzz fuzz-programs
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz fuzz-programs
	@tests/fuzz/run --seconds $(FUZZ_SECONDS) $(FUZZ_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)
$(ROOT)/fuzz/fuzz/%: $(ROOT)/fuzz/tests/fuzz/%_fuzz.o $(ROOT)/fuzz/lib.a
	@mkdir -p $(@D); echo "  LINK  $@"; $(CXX) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ROOT)/fuzz/lib.a $(LDLIBS)
# Parsers that stand in a daemon's folder.
FUZZED_FROM = $(patsubst %.cc,$(ROOT)/fuzz/%.o,$(filter-out %/main.cc %_test.cc,$(wildcard $(1)/*.cc)))
$(ROOT)/fuzz/fuzz/smtpd_texts: $(call FUZZED_FROM,smtpd)
$(ROOT)/fuzz/fuzz/policy_answer: $(call FUZZED_FROM,policyd)
$(ROOT)/fuzz/fuzz/pipe: $(foreach unit,macros pipe_form pipe_macros pipe_options,$(ROOT)/fuzz/lmtp-local/$(unit).o)
.SECONDARY: $(patsubst %.cc,$(ROOT)/fuzz/%.o,$(wildcard tests/fuzz/*_fuzz.cc))

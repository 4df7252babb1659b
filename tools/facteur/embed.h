#pragma once

/// The assembler takes a file of the source in: what is installed and what the program knows are
/// the same.  Declares SYMBOL_start and SYMBOL_end.
#define EMBED(symbol, file)                                     \
    asm(".section .rodata\n" #symbol                            \
        "_start:\n"                                             \
        ".incbin \"" file "\"\n" #symbol "_end:\n.previous\n"); \
    extern "C" {                                                \
    extern const char symbol##_start[], symbol##_end[];         \
    }

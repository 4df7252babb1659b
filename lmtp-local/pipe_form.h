#pragma once

#include <string>
#include <string_view>

namespace facteur::lmtp_local {

/// Lines as the command of a pipe transport wants them (flags . and >, eol=), made from pieces of
/// lines that end in LF.
class PipeForm {
public:
    PipeForm(std::string_view eol, bool dots, bool quote_from)
        : eol_(eol), dots_(dots), quote_from_(quote_from) {}

    /// What there is to be written for this piece; the start of a line that may become "From "
    /// waits for the next one.  The content ends with a line end, so nothing waits at its end.
    std::string encode(std::string_view piece);

private:
    const std::string eol_;
    const bool dots_;
    const bool quote_from_;
    std::string start_;  ///< of a line: as much of "From " as came
    bool at_start_ = true;
};

}  // namespace facteur::lmtp_local

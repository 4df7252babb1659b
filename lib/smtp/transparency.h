#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace facteur::smtp {

/// What a content has in it that RFC 5321 section 2.3.8 does not allow.
struct Strays {
    bool bare_cr = false;
    bool bare_lf = false;
    bool nul = false;
    bool any() const { return bare_cr || bare_lf || nul; }
};

/// Undoes the transparency of DATA (RFC 5321 section 4.5.2), block by block.  Only CR LF "." CR LF
/// ends the data: never a form with a bare CR or LF in it, so nobody can smuggle a message past a
/// server that sees the line ends differently.
class DotDecoder {
public:
    enum class BareLf {
        keep,       ///< content as it came
        normalize,  ///< a bare LF becomes CR LF, and is the end of a line
    };
    explicit DotDecoder(BareLf bare_lf = BareLf::keep) : bare_lf_(bare_lf) {}

    /// Appends the decoded content of `block` to `out`; gives the number of bytes that were used,
    /// which is all of them unless the end of the data is among them.
    std::size_t decode(std::string_view block, std::string& out);
    /// The end was seen.  The CR LF before the "." belongs to the content and is in it.
    bool done() const { return state_ == State::done; }
    /// What was found so far.
    const Strays& strays() const { return strays_; }

private:
    enum class State {
        line_start,  ///< after CR LF, or at the beginning
        after_lf,    ///< after a bare LF that counts as a line end
        middle,      ///< inside a line
        cr,          ///< after a CR that is not in `out` yet
        dot,         ///< CR LF "."; the "." is not in `out` yet
        dot_cr,      ///< CR LF "." CR; neither is in `out` yet
        lf_dot,      ///< bare LF "."; the "." is not in `out` yet
        done,
    };
    std::size_t step(std::string_view block, std::string& out);
    std::size_t lines(std::string_view block, std::string& out);
    std::size_t rest(std::string_view block, std::size_t from, std::string& out);

    BareLf bare_lf_;
    State state_ = State::line_start;
    Strays strays_;
};

/// Looks for the same strays where there is no transparency (BDAT without BINARYMIME, RFC 3030
/// section 3).
class StrayScan {
public:
    void scan(std::string_view block);
    /// At the end: a last CR is bare.
    void finish();
    const Strays& strays() const { return strays_; }

private:
    Strays strays_;
    bool after_cr_ = false;
};

/// Applies the transparency of DATA to content at rest, block by block.  What is sent is always
/// lines that end in CR LF: a bare LF becomes CR LF, a bare CR a space, so that no content can end
/// the data early at a lenient peer.
class DotEncoder {
public:
    void encode(std::string_view block, std::string& out);
    /// The missing line end if there is one, then "." CR LF.
    void finish(std::string& out);

private:
    enum class State { line_start, middle, cr };
    State state_ = State::line_start;
};

}  // namespace facteur::smtp

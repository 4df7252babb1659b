#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/checks/edits.h"
#include "lib/checks/inspect.h"

namespace facteur::milter {

/// The header of one message while a milter changes it.  Our own Received: field is none of its
/// business: it is neither shown nor counted, but where a field is put in.  As Postfix.
class HeaderList {
public:
    struct Field {
        std::uint64_t at = 0;
        std::uint64_t size = 0;  ///< 0: it was put in
        std::string text;        ///< "Name: value", LF between folded lines
        bool changed = false;
        bool hidden = false;

        std::string_view name() const;
        std::string_view value() const;  ///< with what stands behind the colon
    };

    /// trace: what tells our own Received: field from all others; empty: there is none.
    static Result<HeaderList> read(const checks::Source& content, std::string_view trace);

    const std::vector<Field>& fields() const { return fields_; }
    /// Of the empty line, or where the body begins without one.
    std::uint64_t end() const { return end_; }
    /// Of the first byte behind the empty line.
    std::uint64_t body() const { return body_; }
    bool has_empty_line() const { return body_ > end_; }

    void add(std::string text);
    /// Behind that many fields, hidden ones too; past the end: behind the last.
    void insert(std::uint32_t index, std::string text);
    /// The index-th field of that name, from 1; one that is not there is added.
    void change(std::uint32_t index, std::string_view name, std::string text);
    void remove(std::uint32_t index, std::string_view name);

    /// What all that means for the content.
    checks::Edits edits() const;

private:
    std::vector<Field>::iterator find(std::uint32_t index, std::string_view name);

    std::vector<Field> fields_;
    std::vector<checks::Edit> removed_;
    std::uint64_t end_ = 0;
    std::uint64_t body_ = 0;
};

}  // namespace facteur::milter

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::store::index {

/// Base-128 numbers and strings with their length before them.
class ByteWriter {
public:
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7)
            out_.push_back(static_cast<char>(value | 0x80));
        out_.push_back(static_cast<char>(value));
    }
    void signed_number(std::int64_t value) {
        auto bits = static_cast<std::uint64_t>(value);
        number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
    }
    void text(std::string_view value) {
        number(value.size());
        out_.append(value);
    }
    /// Without its length, which the reader knows otherwise.
    void raw(std::string_view value) { out_.append(value); }
    const std::string& bytes() const { return out_; }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

/// Reads what ByteWriter wrote; after the first failure everything fails.
class ByteReader {
public:
    explicit ByteReader(std::string_view in) : in_(in) {}

    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (in_.empty()) break;
            auto byte = static_cast<unsigned char>(in_.front());
            in_.remove_prefix(1);
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) return value;
        }
        failed_ = true;
        return 0;
    }
    /// A number that must not be above `most`.
    std::uint64_t number_up_to(std::uint64_t most) {
        std::uint64_t value = number();
        if (value > most) failed_ = true;
        return failed_ ? 0 : value;
    }
    std::uint32_t number32() { return static_cast<std::uint32_t>(number_up_to(0xffffffff)); }
    std::int64_t signed_number() {
        std::uint64_t bits = number();
        return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
    }
    std::string_view text() {
        std::uint64_t size = number();
        if (failed_ || size > in_.size()) {
            failed_ = true;
            return {};
        }
        std::string_view value = in_.substr(0, size);
        in_.remove_prefix(size);
        return value;
    }
    std::string_view raw(std::size_t size) {
        if (failed_ || size > in_.size()) {
            failed_ = true;
            return {};
        }
        std::string_view value = in_.substr(0, size);
        in_.remove_prefix(size);
        return value;
    }
    bool at_end() const { return in_.empty(); }
    std::size_t left() const { return in_.size(); }
    bool failed() const { return failed_; }
    /// Everything was read and nothing was wrong.
    bool whole() const { return !failed_ && in_.empty(); }

private:
    std::string_view in_;
    bool failed_ = false;
};

}  // namespace facteur::store::index

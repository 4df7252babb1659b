#include "lib/base/text.h"
#include "lib/table/network.h"
#include "lib/table/rules.h"

namespace facteur::table {
namespace {

class NetworkPattern : public Pattern {
public:
    explicit NetworkPattern(Network network) : network_(std::move(network)) {}
    int groups() const override { return -1; }
    bool concerns(std::string_view key) const override {
        const auto address = address_bytes(key);
        return address && address->size() == network_.bytes().size();
    }
    Result<std::optional<Match>> match(std::string_view key) const override {
        const auto address = address_bytes(key);
        if (!address || !network_.contains(*address)) return std::nullopt;
        return Match();
    }

private:
    Network network_;
};

class NetworkLanguage : public PatternLanguage {
public:
    Result<std::unique_ptr<Pattern>> take(std::string_view& text) const override {
        TRY(Network network, Network::parse(take_word(text)));
        return std::make_unique<NetworkPattern>(std::move(network));
    }
};

}  // namespace

std::unique_ptr<PatternLanguage> networks() {
    return std::make_unique<NetworkLanguage>();
}

}  // namespace facteur::table

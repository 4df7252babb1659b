#include "qmgr/resolutions.h"

#include <algorithm>

namespace facteur::qmgr {

/// The part of a question that nobody has asked yet.  When it goes without an answer (its message
/// was given up), those that wait for it hear of an error.
class Resolutions::Asking {
public:
    explicit Asking(Resolutions& owner) : owner_(owner) {}
    ~Asking() {
        if (!keys.empty()) owner_.land(*this, temporary("address service was not waited for"));
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    ipc::Resolve question;
    std::vector<std::string> keys;

private:
    Resolutions& owner_;
};

std::string Resolutions::key(const ipc::Resolve& question, const std::string& recipient) {
    std::string key(question.expanded ? "x" : "o");
    if (question.forwarded) key += 'f';
    key += '\n' + question.sender + '\n';
    return key += recipient;
}

/// A flight for each recipient: one that has landed when it is known.
Resolutions::Flights Resolutions::board(const ipc::Resolve& question, Asking& asking) {
    const TimePoint now = Loop::current().now();
    Flights flights;
    flights.reserve(question.recipients.size());
    for (const std::string& recipient : question.recipients) {
        std::string name = key(question, recipient);
        auto found = known_.find(name);
        if (found != known_.end() && found->second.until > now) {
            flights.push_back(std::make_shared<Flight>());
            flights.back()->landed = true;
            flights.back()->answer = found->second;
            continue;
        }
        auto& flight = flights_[name];
        if (!flight) {
            flight = std::make_shared<Flight>();
            asking.question.recipients.push_back(recipient);
            asking.keys.push_back(std::move(name));
        }
        flights.push_back(flight);
    }
    return flights;
}

void Resolutions::keep(const std::string& key, const Known& known) {
    // Old entries go all at once: a full cache is rare, and asking again is cheap.
    if (known_.size() >= limit_) known_.clear();
    known_[key] = known;
}

void Resolutions::land(const Asking& asking, const Result<ipc::Resolution>& answer) {
    for (std::size_t i = 0; i < asking.keys.size(); ++i) {
        auto node = flights_.extract(asking.keys[i]);
        Flight& flight = *node.mapped();
        flight.landed = true;
        if (!answer) {
            flight.answer = std::unexpected(answer.error());
        } else if (answer->recipients.size() != asking.keys.size()) {
            flight.answer = temporary("address service gave a wrong answer");
        } else {
            const TimePoint until = Loop::current().now() + Seconds(answer->keep);
            flight.answer = Known{until, answer->sender, answer->recipients[i]};
            // What failed is not kept: the next one may have more luck.
            const bool good = answer->keep > 0 && answer->recipients[i].status.empty();
            if (good) keep(asking.keys[i], *flight.answer);
        }
    }
    landed_.notify_all();
}

Task<Result<ipc::Resolution>> Resolutions::resolve(ipc::Resolve question) {
    Asking asking(*this);
    asking.question.sender = question.sender;
    asking.question.expanded = question.expanded;
    asking.question.forwarded = question.forwarded;
    Flights flights = board(question, asking);
    if (!asking.keys.empty()) {
        Result<ipc::Resolution> answer = co_await ask_(asking.question);
        land(asking, answer);
        asking.keys.clear();
    }
    ipc::Resolution all;
    for (const auto& flight : flights) {
        while (!flight->landed)
            co_await landed_.wait(scope_);
        if (!flight->answer) co_return std::unexpected(flight->answer.error());
        all.sender = flight->answer->sender;
        all.recipients.push_back(flight->answer->resolved);
    }
    co_return all;
}

}  // namespace facteur::qmgr

#include "addressd/aliases.h"

#include <algorithm>

#include "addressd/address_list.h"
#include "addressd/rewrite.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/event/worker.h"
#include "lib/smtp/address.h"
#include "lib/table/stamp.h"

namespace facteur::addressd {

/// What was found so far, and what is still to be looked at.
struct Aliases::Expansion {
    ipc::AliasReply reply;
    std::vector<Member> open;
    std::set<std::string> names;     ///< aliases that were expanded
    std::set<std::string> included;  ///< files that were read
    std::set<std::string> targets;
    std::size_t remembered = 0;  ///< duplicate_filter_limit; 0: no limit

    void found(ipc::AliasKind kind, Member member) {
        std::string known = std::to_string(static_cast<int>(kind)) + member.text;
        if (targets.contains(known)) return;
        if (remembered == 0 || targets.size() < remembered) targets.insert(std::move(known));
        ipc::AliasTarget target;
        target.kind = kind;
        target.value = std::move(member.text);
        target.owner = std::move(member.owner);
        target.via = std::move(member.via);
        reply.targets.push_back(std::move(target));
    }
    /// In reverse, so that they come off the back in the order of the list.
    void add(const std::vector<std::string>& members, const Member& like) {
        for (auto member = members.rbegin(); member != members.rend(); ++member) {
            open.push_back(like);
            open.back().text = *member;
        }
    }
};

Aliases::Aliases(const Settings& settings, const Classes& classes, table::Tables& tables,
                 WorkerPool* workers)
    : settings_(settings),
      classes_(classes),
      alias_maps_(tables, settings.alias_maps()),
      workers_(workers) {}

bool Aliases::allows(const std::vector<std::string>& where, Origin origin) const {
    const std::string_view word = origin == Origin::alias ? "alias" : "include";
    return std::find(where.begin(), where.end(), word) != where.end();
}

bool Aliases::propagates(Origin origin) const {
    return allows(settings_.aliases.propagate_unmatched_extensions(), origin);
}

// The name as it is, then without its extension (local(8), "ADDRESS EXTENSION").
Task<Result<std::optional<Aliases::Value>>> Aliases::look_up(std::string name) const {
    CO_TRY(auto value, co_await alias_maps_.find(name));
    Value found;
    if (!value) {
        auto parts = table::split_address(name, settings_.delimiters());
        if (parts.extension.empty()) co_return std::nullopt;
        found.extension = std::move(parts.extension);
        CO_TRY(value, co_await alias_maps_.find(std::move(parts.local)));
        if (!value) co_return std::nullopt;
    }
    found.text = *std::move(value);
    co_return found;
}

// local(8): mail to NAME is sent on with the sender owner-NAME when there is such an alias.
Task<Result<std::string>> Aliases::owner_of(std::string name) const {
    if (!settings_.aliases.owner_request_special()) co_return std::string();
    const std::string owner = "owner-" + name;
    CO_TRY(auto value, co_await alias_maps_.find(owner));
    if (!value) co_return std::string();
    if (!settings_.expand_owner_alias()) co_return rewrite(owner, settings_);
    const std::vector<std::string> members = parse_address_list(*value);
    // local(8) uses the right-hand side as one address; of a list it can only be the first.
    if (members.empty() || members.front().find_first_of("|/:\\") == 0)
        co_return rewrite(owner, settings_);
    co_return rewrite(smtp::to_internal(members.front()), settings_);
}

/// The members of an alias, with its owner.
Task<Result<void>> Aliases::take_alias(Expansion& expansion, Member member, Value value) const {
    std::string name = member.text;
    if (!value.extension.empty()) name.resize(name.size() - value.extension.size());
    CO_TRY(std::string owner, co_await owner_of(name));
    if (!owner.empty()) {
        member.owner = std::move(owner);
    } else if (settings_.reset_owner_alias()) {
        member.owner.clear();
    }
    member.via = member.text;
    member.origin = Origin::alias;
    member.extension = std::move(value.extension);
    ++member.depth;
    expansion.add(parse_address_list(value.text), member);
    co_return Result<void>();
}

// A name of this host: another alias, or a user.
Task<Result<void>> Aliases::take_name(Expansion& expansion, Member member) const {
    const std::string folded = to_lower(member.text);
    std::optional<Value> value;
    // An alias that names itself, or that was expanded before, means the user.
    if (!expansion.names.contains(folded)) {
        CO_TRY(value, co_await look_up(member.text));
    }
    if (!value) {
        expansion.found(ipc::AliasKind::account, std::move(member));
        co_return Result<void>();
    }
    expansion.names.insert(folded);
    co_return co_await take_alias(expansion, std::move(member), *std::move(value));
}

Task<Result<void>> Aliases::include(Expansion& expansion, const Member& member) const {
    const std::string path(trim(std::string_view(member.text).substr(9)));
    if (!expansion.included.insert(path).second) co_return Result<void>();
    std::function<Result<std::string>()> work = [&path] { return read_file(path); };
    Result<std::string> text = temporary("");
    if (workers_) {
        text = co_await workers_->run<Result<std::string>>(work);
    } else {
        text = work();
    }
    if (!text) co_return temporary(":include: " + text.error().text);
    std::vector<std::string> members;
    for (const auto& line : conf::logical_lines(*text)) {
        for (std::string& each : parse_address_list(line.text))
            members.push_back(std::move(each));
    }
    Member like = member;
    like.origin = Origin::include;
    ++like.depth;
    expansion.add(members, like);
    co_return Result<void>();
}

Task<Result<void>> Aliases::take(Expansion& expansion, Member member) const {
    const std::string& text = member.text;
    if (istarts_with(text, ":include:")) co_return co_await include(expansion, member);
    if (text.starts_with('|')) {
        if (!allows(settings_.aliases.allow_mail_to_commands(), member.origin))
            co_return permanent("mail to commands is restricted", "5.7.1");
        member.text.erase(0, 1);
        expansion.found(ipc::AliasKind::command, std::move(member));
    } else if (text.starts_with('/')) {
        if (!allows(settings_.aliases.allow_mail_to_files(), member.origin))
            co_return permanent("mail to files is restricted", "5.7.1");
        expansion.found(ipc::AliasKind::file, std::move(member));
    } else if (text.starts_with('\\')) {
        member.text.erase(0, 1);
        expansion.found(ipc::AliasKind::user, std::move(member));
    } else {
        co_return co_await take_address(expansion, std::move(member));
    }
    co_return Result<void>();
}

Task<Result<void>> Aliases::take_address(Expansion& expansion, Member member) const {
    std::string address = rewrite(smtp::to_internal(member.text), settings_);
    // local(8), "ADDRESS EXTENSION": the results get back what the alias did not have.
    if (!member.extension.empty() && propagates(member.origin))
        address.insert(std::min(at_sign(address), address.size()), member.extension);
    CO_TRY(Place place, co_await classes_.locate(std::move(address)));
    if (place.address_class != ipc::AddressClass::local) {
        member.text = std::move(place.address);
        expansion.found(ipc::AliasKind::address, std::move(member));
        co_return Result<void>();
    }
    member.text = local_part_of(place.address);
    co_return co_await take_name(expansion, std::move(member));
}

Task<Result<ipc::AliasReply>> Aliases::expand(std::string name) const {
    Expansion expansion;
    expansion.remembered = static_cast<std::size_t>(settings_.duplicate_filter_limit());
    CO_TRY(auto value, co_await look_up(name));
    if (!value) co_return expansion.reply;
    expansion.reply.found = true;
    expansion.names.insert(to_lower(name));
    Member first;
    first.text = std::move(name);
    CO_TRY_VOID(co_await take_alias(expansion, std::move(first), *std::move(value)));
    for (Member& member : expansion.open)
        member.via.clear();
    const auto limit = static_cast<std::size_t>(settings_.alias_expansion_limit());
    while (!expansion.open.empty()) {
        Member member = std::move(expansion.open.back());
        expansion.open.pop_back();
        if (member.depth > settings_.alias_recursion_limit())
            co_return permanent("aliases nest too deeply", "5.4.6");
        CO_TRY_VOID(co_await take(expansion, std::move(member)));
        if (expansion.reply.targets.size() + expansion.open.size() > limit)
            co_return permanent("an alias has too many members", "5.4.6");
    }
    co_return expansion.reply;
}

}  // namespace facteur::addressd

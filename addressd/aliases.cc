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

    void found(ipc::AliasKind kind, std::string value) {
        if (!targets.insert(std::to_string(static_cast<int>(kind)) + value).second) return;
        ipc::AliasTarget target;
        target.kind = kind;
        target.value = std::move(value);
        reply.targets.push_back(std::move(target));
    }
    /// In reverse, so that they come off the back in the order of the list.
    void add(const std::vector<std::string>& members, Origin origin, int depth) {
        for (auto member = members.rbegin(); member != members.rend(); ++member)
            open.push_back(Member{*member, origin, depth});
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

// The name as it is, then without its extension (local(8), "ADDRESS EXTENSION").
Task<Result<std::optional<std::string>>> Aliases::look_up(std::string name) const {
    CO_TRY(auto value, co_await alias_maps_.find(name));
    if (value) co_return value;
    auto parts = table::split_address(name, settings_.recipient_delimiter());
    if (parts.extension.empty()) co_return std::nullopt;
    co_return co_await alias_maps_.find(std::move(parts.local));
}

// A name of this host: another alias, or a user.
Task<Result<void>> Aliases::take_name(Expansion& expansion, Member member) const {
    const std::string folded = to_lower(member.text);
    std::optional<std::string> value;
    // An alias that names itself, or that was expanded before, means the user.
    if (!expansion.names.contains(folded)) {
        CO_TRY(value, co_await look_up(member.text));
    }
    if (!value) {
        expansion.found(ipc::AliasKind::user, std::move(member.text));
        co_return Result<void>();
    }
    expansion.names.insert(folded);
    expansion.add(parse_address_list(*value), Origin::alias, member.depth + 1);
    co_return Result<void>();
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
    expansion.add(members, Origin::include, member.depth + 1);
    co_return Result<void>();
}

Task<Result<void>> Aliases::take(Expansion& expansion, Member member) const {
    std::string& text = member.text;
    if (istarts_with(text, ":include:")) co_return co_await include(expansion, member);
    if (text.starts_with('|')) {
        if (!allows(settings_.aliases.allow_mail_to_commands(), member.origin))
            co_return permanent("mail to commands is restricted", "5.7.1");
        expansion.found(ipc::AliasKind::command, text.substr(1));
        co_return Result<void>();
    }
    if (text.starts_with('/')) {
        if (!allows(settings_.aliases.allow_mail_to_files(), member.origin))
            co_return permanent("mail to files is restricted", "5.7.1");
        expansion.found(ipc::AliasKind::file, std::move(text));
        co_return Result<void>();
    }
    if (text.starts_with('\\')) {
        expansion.found(ipc::AliasKind::user, text.substr(1));
        co_return Result<void>();
    }
    std::string address = rewrite(smtp::to_internal(text), settings_);
    CO_TRY(Place place, co_await classes_.locate(address));
    if (place.address_class != ipc::AddressClass::local) {
        expansion.found(ipc::AliasKind::address, std::move(place.address));
        co_return Result<void>();
    }
    text = local_part_of(place.address);
    co_return co_await take_name(expansion, std::move(member));
}

Task<Result<ipc::AliasReply>> Aliases::expand(std::string name) const {
    Expansion expansion;
    CO_TRY(auto value, co_await look_up(name));
    if (!value) co_return expansion.reply;
    expansion.reply.found = true;
    // local(8): mail to NAME is sent on with the sender owner-NAME when there is such an alias.
    CO_TRY(auto owner, co_await alias_maps_.find("owner-" + name));
    if (owner) expansion.reply.owner = rewrite("owner-" + name, settings_);
    expansion.names.insert(to_lower(name));
    expansion.add(parse_address_list(*value), Origin::alias, 1);
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

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/net/stream.h"
#include "lib/store/store.h"
#include "pop3d/settings.h"

namespace facteur::pop3d {

/// The TRANSACTION and UPDATE states of one logged-in user: RFC 1939 sections 5, 6 and 7.
class Session {
public:
    Session(Stream& stream, store::Store& store, const Settings& settings);

    /// Answers the login, then talks until the end; never throws.
    Task<void> run();

    const std::string& ending() const { return ending_; }
    /// "top=0/0, retr=1/1234, del=0/10, size=5678", as Dovecot logs it.
    std::string statistics() const;

private:
    /// A message as this session sees it from beginning to end.
    struct Entry {
        std::uint32_t uid = 0;
        std::uint64_t size = 0;
        bool is_deleted = false;
        bool is_read = false;
    };
    using Handler = Task<std::string> (Session::*)(std::string_view arguments);
    struct Verb {
        std::string_view name;
        Handler handler;
    };
    static const Verb kVerbs[];

    Task<void> converse();
    Task<Result<void>> open();
    Task<std::string> dispatch(const std::string& line);
    void end(std::string_view text, std::string ending);

    Task<std::string> do_stat(std::string_view arguments);
    Task<std::string> do_list(std::string_view arguments);
    Task<std::string> do_retr(std::string_view arguments);
    Task<std::string> do_dele(std::string_view arguments);
    Task<std::string> do_noop(std::string_view arguments);
    Task<std::string> do_rset(std::string_view arguments);
    Task<std::string> do_top(std::string_view arguments);
    Task<std::string> do_uidl(std::string_view arguments);
    Task<std::string> do_capa(std::string_view arguments);
    Task<std::string> do_quit(std::string_view arguments);

    Result<Entry*> entry(std::string_view number);
    /// One line, or all messages as "number value" lines.
    Task<std::string> listing(std::string_view arguments,
                              std::string (Session::*value)(const Entry&) const);
    std::string size_of(const Entry& entry) const { return std::to_string(entry.size); }
    std::string unique_id_of(const Entry& entry) const;
    /// The text is given in blocks, the whole or its header and `lines` lines of the body.
    Task<std::string> send(Entry& entry, std::string ok, std::uint64_t lines);
    Task<void> flush();
    Task<void> room();

    Stream& stream_;
    store::Store& store_;
    const Settings& settings_;
    std::unique_ptr<store::Mailbox> mailbox_;
    std::vector<Entry> entries_;
    std::string ending_ = "Connection closed";
    std::uint64_t sent_ = 0;
    std::uint64_t top_count_ = 0, top_bytes_ = 0, retr_count_ = 0, retr_bytes_ = 0;
    std::size_t deleted_ = 0;
    int bad_commands_ = 0;
    bool ended_ = false;
};

}  // namespace facteur::pop3d

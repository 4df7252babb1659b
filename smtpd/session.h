#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/cleanup/letter.h"
#include "lib/event/task.h"
#include "lib/milter/chain.h"
#include "lib/net/stream.h"
#include "lib/smtp/parameters.h"
#include "lib/smtp/reply.h"
#include "lib/smtp/transparency.h"
#include "smtpd/client.h"
#include "smtpd/content.h"
#include "smtpd/proxy_attributes.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/screen.h"
#include "smtpd/server.h"

namespace facteur {
struct ProxyHeader;
}

namespace facteur::smtpd {

/// One mail transaction (RFC 5321 section 3.3), from MAIL on.
struct Transaction {
    std::string sender;  ///< unquoted
    smtp::MailParameters parameters;
    std::vector<ipc::SubmitRecipient> recipients;
    std::string queue_id;  ///< from the first recipient on
    std::string instance;  ///< tells it from every other one
    WallTime arrival;
    Effects effects;
    std::size_t overshoot = 0;  ///< recipients past the limit
    std::unique_ptr<Content> content;
    smtp::StrayScan strays;       ///< of BDAT
    bool chunking = false;        ///< BDAT was said
    bool chunks_refused = false;  ///< and refused: the rest of the chunks go nowhere
};

class DnsblScore;

/// One SMTP conversation (RFC 5321).
class Session {
public:
    /// proxied: for whom a proxy at the other end speaks; nullptr: there is none.
    Session(Server& server, Fd socket, const ProxyHeader* proxied = nullptr);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Until the client leaves, breaks too many rules, or the process ends; never throws.
    Task<void> run();
    /// The process wants to end, and this client has been silent between two messages for so long:
    /// it hears 421.
    void dismiss(Milliseconds silence);

private:
    using Handler = Task<smtp::Reply> (Session::*)(std::string arguments);
    struct Verb {
        std::string_view name;
        unsigned flags;
        Handler handler;
    };
    static const Verb kVerbs[];
    static constexpr std::size_t kVerbCount = 18;

    // session.cc: the loop
    Task<bool> greet();
    Task<void> converse();
    Task<void> part(std::string farewell);
    std::string shutting_down() const;
    void note_end(std::string_view what) const;
    Task<smtp::Reply> command(Line line);
    smtp::Reply unknown_command(std::string_view verb, std::string_view line);
    Task<void> answer(smtp::Reply reply);
    bool talks_early();
    smtp::Reply break_off(int code, std::string status, std::string text);
    std::string summary() const;
    std::string where() const;
    void count(std::size_t verb, bool failed);

    // session_screen.cc: postscreen's tests
    enum class Standing { unknown, allowed, denied };
    Task<bool> screen_client();
    Task<std::optional<smtp::Reply>> first_look();
    Task<Standing> standing();
    std::optional<smtp::Reply> screen_full();
    std::optional<smtp::Reply> through(std::string_view line);
    void end_screening();
    void remember_client();
    bool is_stressed() const;
    bool is_well_known(const DnsblScore* score) const;
    Task<std::optional<smtp::Reply>> early_tests();
    Task<std::optional<smtp::Reply>> expect_silence(TimePoint begun, TimePoint end,
                                                    const DnsblScore* score);
    Task<std::optional<smtp::Reply>> judge_score(const DnsblScore& score);
    std::optional<smtp::Reply> screen_command(const Line& line);
    std::optional<smtp::Reply> screen_recipient(std::string_view arguments);
    bool is_screened_out() const { return screen_ && screen_->verdict(); }
    Milliseconds command_patience() const;

    // session_hello.cc
    Task<void> learn_client();
    Task<std::optional<smtp::Reply>> refuse_client();
    Task<smtp::Reply> do_ehlo(std::string arguments);
    Task<smtp::Reply> do_helo(std::string arguments);
    Task<smtp::Reply> hello(std::string name, bool esmtp);
    Task<smtp::Reply> do_starttls(std::string arguments);
    Task<bool> start_tls();
    void learn_certificate(const TlsInfo& info);
    Task<smtp::Reply> do_rset(std::string arguments);
    Task<smtp::Reply> do_noop(std::string arguments);
    Task<smtp::Reply> do_vrfy(std::string arguments);
    bool is_option(std::string_view local) const;
    Task<smtp::Reply> do_expn(std::string arguments);
    Task<std::optional<smtp::Reply>> refuse_to_tell(const char* verb, const std::string& address);
    Task<smtp::Reply> do_help(std::string arguments);
    Task<smtp::Reply> do_quit(std::string arguments);
    bool auth_offered() const;

    // session_etrn.cc
    Task<smtp::Reply> do_etrn(std::string arguments);

    // session_replies.cc
    std::optional<std::string> footer_value(std::string_view name) const;
    Task<smtp::Reply> dressed(smtp::Reply reply);
    Task<std::string> filtered(std::string line);
    Task<void> learn_discarded();
    bool offers(std::string_view keyword) const;

    // session_proxy.cc: whom a proxy speaks for
    Task<smtp::Reply> do_xclient(std::string arguments);
    Task<smtp::Reply> do_xforward(std::string arguments);
    Task<void> become(Client other);

    // session_auth.cc
    Task<std::vector<std::string>> mechanisms();
    Task<bool> offers_mechanism(std::string mechanism);
    Task<smtp::Reply> do_auth(std::string arguments);
    Task<smtp::Reply> authenticate(std::string mechanism, ipc::SaslReply answer);
    smtp::Reply authenticated(const std::string& mechanism, const ipc::SaslReply& answer);
    smtp::Reply refuse_auth(const std::string& mechanism, const ipc::SaslReply& answer);

    // session_envelope.cc
    Task<smtp::Reply> do_mail(std::string arguments);
    Task<bool> has_room(std::optional<std::uint64_t> size);
    // session_wishes.cc
    smtp::Offered offered() const;
    std::string offered_wishes() const;
    bool is_among(const std::vector<std::string>& who) const;
    std::optional<smtp::Reply> excessive_wish(const smtp::MailParameters& parameters) const;
    smtp::Reply settle_priority(smtp::MailParameters& parameters) const;
    void put_wishes(ipc::Submit& message) const;

    Result<Transaction> parse_mail(std::string_view arguments) const;
    Task<smtp::Reply> do_rcpt(std::string arguments);
    Result<ipc::SubmitRecipient> parse_rcpt(std::string_view arguments) const;
    Task<std::optional<smtp::Reply>> check_recipient(const std::string& address);
    void name_message();
    Task<void> expect_recipients();
    Task<std::optional<smtp::Reply>> ask_policy(ipc::PolicyMoment moment, const std::string& sender,
                                                const std::string& recipient);
    Facts facts(std::string_view verb) const;
    smtp::Reply refused(const Facts& facts, smtp::Reply reply) const;

    // session_content.cc
    Task<smtp::Reply> do_data(std::string arguments);
    Task<smtp::Reply> do_bdat(std::string arguments);
    Task<std::optional<smtp::Reply>> may_send_content();
    void begin_content();
    Task<void> receive_chunk(std::uint64_t size);
    bool is_endless(std::uint64_t size) const;
    void keep_pace(TimePoint started, std::uint64_t received);
    std::optional<smtp::Reply> content_fault(const smtp::Strays& strays) const;
    Task<smtp::Reply> finish_message(smtp::Strays strays);
    Task<std::optional<smtp::Reply>> judge_content(std::vector<std::string> headers,
                                                   const Facts& facts);
    Task<smtp::Reply> submit_message();
    std::string trace_fields() const;

    // session_clean.cc: checks and changes before the queue
    bool fixes_header() const;
    cleanup::Treatment treatment() const;
    void log_check(const Facts& facts, const checks::Event& event) const;
    Task<std::optional<smtp::Reply>> clean_content(const Facts& facts);
    void take_letter(cleanup::Letter& letter);

    // session_milters.cc
    Task<Result<std::vector<milter::Spec>>> choose_milters();
    Task<std::optional<smtp::Reply>> greet_milters();
    std::optional<smtp::Reply> heed(milter::Verdict verdict, const Facts& facts);
    Task<std::optional<smtp::Reply>> milters_on_helo(const Facts& facts);
    Task<std::optional<smtp::Reply>> milters_on_mail(const Facts& facts);
    Task<std::optional<smtp::Reply>> milters_on_recipient(const ipc::SubmitRecipient& recipient,
                                                          const Facts& facts);
    Task<void> milters_on_rejected(std::string recipient, smtp::Reply why);
    Task<std::optional<smtp::Reply>> milters_on_data(const Facts& facts);
    std::optional<smtp::Reply> milters_standing(std::string_view verb);
    std::string milter_name() const;
    Task<std::optional<smtp::Reply>> milters_on_unknown(std::string line);
    Task<std::optional<smtp::Reply>> milters_on_message(cleanup::Letter& letter,
                                                        const Facts& facts);
    Task<ipc::Destination> route(std::string address);

    // session_proxy_filter.cc
    bool is_proxied() const;
    bool adjusts_speed() const;
    std::vector<std::string> proxy_attributes() const;
    smtp::Reply proxy_failure(const Error& error);
    void log_proxy(std::string_view what, std::string_view verb, const smtp::Reply& reply) const;
    Task<std::optional<smtp::Reply>> open_proxy();
    std::optional<smtp::Reply> proxy_refusal(smtp::Reply reply, std::string_view verb);
    Task<std::optional<smtp::Reply>> proxy_recipient(ipc::SubmitRecipient recipient);
    Task<smtp::Reply> hand_to_proxy();
    void end_transaction();
    std::string client_macro(std::string_view name) const;
    std::string macro(std::string_view name) const;

    Server& server_;
    const Settings& settings_;
    Stream stream_;
    Client client_;
    std::vector<std::string> discarded_;  ///< EHLO keywords that are not offered
    std::string last_recipient_;          ///< of the last RCPT, for texts
    bool may_xclient_ = false;
    bool may_xforward_ = false;
    Forwarded forwarded_;             ///< until the next message
    std::unique_ptr<Screen> screen_;  ///< while the client is tested, and when it failed
    std::uint32_t screening_ = 0;     ///< connections of this client that are tested
    std::unique_ptr<Transaction> transaction_;
    ipc::Destination mail_route_;  ///< for milters' macros
    ipc::Destination rcpt_route_;
    std::unique_ptr<milter::Chain> milters_;  ///< nullptr: nobody is asked
    std::unique_ptr<ProxyFilter> proxy_;      ///< of this transaction
    std::string_view last_verb_ = "CONNECT";
    struct Count {
        std::uint16_t good = 0;
        std::uint16_t all = 0;
    };
    std::array<Count, kVerbCount + 1> counts_;  ///< the last: unknown commands
    /// Of this client, when this one came; 0: it is not counted.
    std::uint32_t connections_ = 0;
    int errors_ = 0;
    int junk_ = 0;
    std::uint32_t expected_ = 0;  ///< RCPT commands that were asked about ahead
    smtp::DotDecoder::BareLf bare_lf_ = smtp::DotDecoder::BareLf::keep;
    bool refuses_strays_ = true;
    bool auth_excepted_ = false;  ///< smtpd_sasl_exceptions_networks
    bool premature_ = false;
    bool denied_ = false;            ///< by the restrictions, before it said a word
    std::string certificate_fault_;  ///< why smtpd_tls_req_ccert ends this session
    bool quit_ = false;
    bool idle_ = false;  ///< waits for a command, between two messages
    bool dismissed_ = false;
    TimePoint idle_since_{};
};

}  // namespace facteur::smtpd

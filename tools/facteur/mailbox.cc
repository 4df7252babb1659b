/*++
NAME
    facteur-mailbox - the mailboxes of a user

SYNOPSIS
    facteur [-c directory] mailbox list [--json] [--mailbox PATTERN] USER
    facteur [-c directory] mailbox status [--json] [--mailbox PATTERN] USER
    facteur [-c directory] mailbox quota [--json] [--recalc] USER
    facteur [-c directory] mailbox import [--json] [--into MAILBOX] [--insecure] USER SOURCE
    facteur [-c directory] mailbox export [--format FORMAT] USER TARGET [QUERY...]
    facteur [-c directory] mailbox copy USER MAILBOX QUERY...
    facteur [-c directory] mailbox expunge USER QUERY...
    facteur [-c directory] mailbox undelete [--list] [--json] [--mailbox PATTERN] USER
    facteur [-c directory] mailbox purge [--all] USER

DESCRIPTION
    Works on a user's mailboxes while the mail system runs; authd says where they are.  It is for
    the user himself, for who owns virtual mail, and for root, who becomes that user first: what is
    read and written must be the user's.

    import takes mail from a SOURCE:

    maildir:PATH, maildir:PATH:LAYOUT=fs
        A Maildir of Dovecot, Courier or another program.  (One that is in its place already is
        taken over without an import.)
    mbox:PATH
        An mbox file, or a folder of them.
    imap://USER@HOST, imaps://USER@HOST
        All mailboxes of a user of another server, with STARTTLS or TLS, whose certificate must be
        right unless --insecure is given.  The password is asked for, or read from standard input.

    Flags, keywords, dates, names and subscriptions come along.  A mailbox that is not here yet (and
    an INBOX without a message) gets its UIDs and UIDVALIDITY too, so that no client fetches
    anything again.  Repeating an import brings what is new; one that was cut off goes on.

    export writes an mbox file a mailbox into the folder TARGET, or with --format maildir a
    Maildir++, or with tar one archive; - is standard output.

    A QUERY is made of the words of doveadm-search-query(7) that need no body: ALL, SEEN, UNSEEN,
    ANSWERED, FLAGGED, DELETED, DRAFT and their UN forms, KEYWORD, UNKEYWORD, BEFORE, SINCE, ON,
    SAVEDBEFORE, SAVEDSINCE, LARGER, SMALLER, UID, MAILBOX, SUBJECT, FROM, TO, CC, BCC, HEADER, NOT,
    OR and parentheses: "mailbox Trash savedbefore 30d".

    undelete puts expunged messages back that mail_expunged_keep_time kept, with new UIDs; purge
    removes those whose time is over, or with --all all of them.

SEE ALSO
    imapd(8), lmtp-local(8), facteur(1)
--*/
#include <memory>

#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/mailbox_work.h"

namespace facteur::tool {
namespace {

using Work = Task<Result<void>> (*)(Account&, const MailboxWish&);

/// Paths are meant as seen from here, before the account's own folder is entered.
void resolve_paths(MailboxWish& wish, Work work) {
    const std::size_t colon = wish.source.find(':');
    if (colon != std::string::npos && !wish.source.starts_with("imap"))
        wish.source.replace(colon + 1, std::string::npos,
                            absolute_path(wish.source.substr(colon + 1)));
    if (work == export_mail && wish.target != "-") wish.target = absolute_path(wish.target);
}

/// Coroutines give no Result<void> through Account::wait(): a number stands for success.
Task<Result<int>> with_number(Task<Result<void>> work) {
    Result<void> done = co_await std::move(work);
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return 0;
}

int perform(const Context& context, MailboxWish wish, Work work) {
    resolve_paths(wish, work);
    auto account = Account::open(context.directory, wish.user);
    if (!account) return complain(account.error().text);
    auto done = (*account)->wait(with_number(work(**account, wish)));
    return done ? 0 : complain(done.error().text);
}

}  // namespace

void add_mailbox(Command& app, Context& context) {
    Command& mailbox = app.add_subcommand("mailbox", "The mailboxes of a user");
    mailbox.require_subcommand();
    auto wish = std::make_shared<MailboxWish>();  // lives as long as the callbacks
    auto add = [&](const char* name, const char* help, Work work) -> Command& {
        Command& command = mailbox.add_subcommand(name, help);
        command.add_option("USER", wish->user, "Whose").required();
        command.add_flag("-q,--quiet", wish->quiet, "Say nothing of what was done");
        command.callback([=, &context] { context.status = perform(context, *wish, work); });
        return command;
    };
    Command& listing = add("list", "Show the names of the mailboxes", show_list);
    Command& status = add("status", "Show what is in the mailboxes", show_status);
    Command& quota = add("quota", "Show what is in use of the quota", show_quota);
    Command& importing = add("import", "Take mail from elsewhere", import_mail);
    Command& exporting = add("export", "Write mail to files", export_mail);
    Command& copying = add("copy", "Copy messages into a mailbox", copy_found);
    Command& expunging = add("expunge", "Remove messages", expunge_found);
    Command& undeleting = add("undelete", "Put expunged messages back", undelete);
    Command& purging = add("purge", "Remove expunged messages for good", purge);
    for (Command* command : {&listing, &status, &quota, &importing, &undeleting})
        command->add_flag("--json", wish->json, "As an array of objects");
    for (Command* command : {&listing, &status, &undeleting})
        command->add_option("--mailbox", wish->mailbox, "Only these: a name, or with * and %");
    quota.add_flag("--recalc", wish->recount, "Count anew");
    importing.add_option("SOURCE", wish->source, "maildir:PATH, mbox:PATH, imaps://USER@HOST")
        .required();
    importing.add_option("--into", wish->target, "Below (or a single one: as) this mailbox");
    importing.add_flag("--insecure", wish->insecure, "Whatever certificate the server has");
    exporting.add_option("TARGET", wish->target, "Folder or file; - is standard output").required();
    exporting.add_option("--format", wish->format, "mbox, maildir or tar").capture_default_str();
    copying.add_option("MAILBOX", wish->target, "Where to; made when it is missing").required();
    for (Command* command : {&exporting, &copying, &expunging})
        command->add_option("QUERY", wish->words, "Which messages");
    undeleting.add_flag("--list", wish->list, "Only show what could be put back");
    purging.add_flag("--all", wish->recount, "Whatever its age");
}

}  // namespace facteur::tool

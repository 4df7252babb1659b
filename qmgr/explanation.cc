#include "qmgr/explanation.h"

namespace facteur::qmgr {
namespace {

struct Meaning {
    std::string_view code;  ///< without the class: ".1.1"; ".1." is for all of the subject
    std::string_view text;
};

/// RFC 3463 section 3, RFC 7505 section 5.1 (.1.10); the first that fits counts.
constexpr Meaning kMeanings[] = {
    {".1.1", "There is no such mailbox at this domain. Check the address for typing errors."},
    {".1.2", "There is no such domain. Check what stands behind the @ for typing errors."},
    {".1.6", "The mailbox has moved, and nobody left word where to."},
    {".1.10", "This domain takes no mail at all."},
    {".1.7", "The other system does not accept your own address as the sender."},
    {".1.8", "The other system does not accept the domain of your own address."},
    {".1.", "The address cannot be used. Check it for typing errors."},
    {".2.1", "The mailbox is switched off or takes no mail now."},
    {".2.2", "The mailbox is full. The recipient has to make room; try again later."},
    {".2.3", "The message is too large for this mailbox. Send it in smaller parts."},
    {".2.", "Something is wrong with the mailbox. Its owner or the postmaster there can help."},
    {".3.4", "The message is too large. Send it in smaller parts, or only a link to it."},
    {".3.1", "The other system has no space left. Try again later."},
    {".3.", "A mail system on the way has a problem of its own. Try again later."},
    {".4.1", "The host that takes mail for this domain did not answer."},
    {".4.2", "The connection to the other system broke before the message was taken."},
    {".4.3", "It could not be found out which host takes mail for this domain."},
    {".4.4", "It could not be found out which host takes mail for this domain."},
    {".4.6",
     "The message ran in a circle between mail systems. Their postmasters have to mend it."},
    {".4.7", "The time for delivering the message is over."},
    {".4.", "The other system could not be reached."},
    {".5.3", "The message has too many recipients at once. Send it to fewer."},
    {".5.",
     "The two mail systems did not understand each other. The postmasters can find out why."},
    {".6.", "The message has a form that the other system cannot take."},
    {".7.",
     "The other system refused the message because of its rules, often those against "
     "unwanted mail or for lack of permission. Its postmaster can tell more."},
};

}  // namespace

std::string_view explanation(std::string_view status) {
    std::string_view detail = status.substr(status.size() > 1 ? 1 : status.size());
    for (const Meaning& meaning : kMeanings) {
        const bool whole = !meaning.code.ends_with('.');
        if (whole ? detail == meaning.code : detail.starts_with(meaning.code)) return meaning.text;
    }
    return status.starts_with('4') ? "The other system could not take the message so far."
                                   : "The other system refused the message.";
}

}  // namespace facteur::qmgr

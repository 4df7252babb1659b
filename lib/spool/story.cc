#include "lib/spool/story.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/spool/lines.h"

namespace facteur::spool {
namespace {

constexpr std::string_view kFates[] = {"deferred", "delivered", "relayed",
                                       "failed",   "expanded",  "handed-on"};

/// "12 rest" gives 12 and leaves "rest".
Result<std::uint64_t> take_number(std::string_view& text) {
    auto number = parse_number(take_word(text));
    if (!number) return permanent("step: number expected");
    return *number;
}

Result<std::size_t> take_recipient(const Story& story, std::string_view& text) {
    TRY(auto index, take_number(text));
    if (index >= story.progress.size()) return permanent("step: no such recipient");
    return static_cast<std::size_t>(index);
}

/// The line that was read last, so that details know what they belong to.
struct Cursor {
    Progress* progress = nullptr;
    Recipient* added = nullptr;
};

Result<bool> take_fate(Story& story, const TextLine& line, Cursor& at) {
    for (std::size_t i = 0; i < std::size(kFates); ++i) {
        if (line.key != kFates[i]) continue;
        std::string_view rest = line.value;
        TRY(std::size_t index, take_recipient(story, rest));
        Progress progress;
        progress.fate = static_cast<Fate>(i);
        progress.status = take_word(rest);
        progress.text = rest;
        story.progress[index] = std::move(progress);
        at.progress = &story.progress[index];
        return true;
    }
    return false;
}

Result<void> take_step_line(Story& story, TextLine& line, Cursor& at) {
    TRY(bool is_fate, take_fate(story, line, at));
    if (is_fate) return {};
    std::string_view rest = line.value;
    if (line.key == "remote" && at.progress) {
        at.progress->remote = line.value;
    } else if (line.key == "said" && at.progress) {
        at.progress->diagnostic = line.value;
    } else if (line.key == "tell-relay" && at.progress) {
        at.progress->tell_relay = true;
    } else if (line.key == "told") {
        TRY(std::size_t index, take_recipient(story, rest));
        story.progress[index].told = true;
    } else if (line.key == "notice") {
        TRY(std::size_t index, take_recipient(story, rest));
        story.progress[index].notice = rest;
    } else if (line.key == "warning") {
        story.warning = line.value;
    } else if (line.key == "report") {
        story.report = line.value;
    } else if (line.key == "reported") {
        story.reported = true;
    } else if (line.key == "recipient") {
        Recipient recipient;
        recipient.address = line.value;
        story.envelope.recipients.push_back(std::move(recipient));
        story.progress.emplace_back();
        at.added = &story.envelope.recipients.back();
        at.progress = nullptr;
    } else if (line.key == "next") {
        TRY(auto when, take_number(rest));
        story.next_attempt = static_cast<std::int64_t>(when);
        ++story.attempts;
    } else if (line.key == "warned") {
        story.warned = true;
    } else if (line.key == "filter" && !at.added) {
        story.envelope.filter = line.value;
    } else if (line.key == "expire") {
        story.force_expire = true;
    } else if (at.added) {
        take_recipient_detail(*at.added, line.key, line.value);
    }
    return {};
}

}  // namespace

Story::Story(Envelope from)
    : envelope(std::move(from)),
      progress(envelope.recipients.size()),
      own_recipients(envelope.recipients.size()),
      next_attempt(std::max(envelope.arrival / 1000000, envelope.release_at)) {}

Step::Step(const Story& story, std::int64_t now) {
    put_line(text_, "step", std::to_string(story.steps + 1) + " " + std::to_string(now));
}

void Step::fate(std::size_t recipient, const Progress& progress) {
    std::string value = std::to_string(recipient) + " " + progress.status + " " + progress.text;
    put_line(text_, kFates[static_cast<std::size_t>(progress.fate)], value);
    if (!progress.remote.empty()) put_line(text_, "remote", progress.remote);
    if (!progress.diagnostic.empty()) put_line(text_, "said", progress.diagnostic);
    if (progress.tell_relay) put_line(text_, "tell-relay", "yes");
}

void Step::told(std::size_t recipient) {
    put_line(text_, "told", std::to_string(recipient));
}

void Step::notice(std::size_t recipient, const std::string& id) {
    put_line(text_, "notice", std::to_string(recipient) + " " + id);
}
void Step::warning(const std::string& id) {
    put_line(text_, "warning", id);
}

void Step::report(const std::string& id) {
    put_line(text_, "report", id);
}
void Step::reported() {
    put_line(text_, "reported", "yes");
}

void Step::expanded(std::size_t recipient, const std::vector<Recipient>& into) {
    Progress progress;
    progress.fate = Fate::expanded;
    progress.status = "2.0.0";
    fate(recipient, progress);
    for (const Recipient& one : into)
        put_recipient(text_, one);
}

void Step::next_attempt(std::int64_t when) {
    put_line(text_, "next", std::to_string(when));
}
void Step::warned() {
    put_line(text_, "warned", "yes");
}
void Step::filter(const std::string& to) {
    put_line(text_, "filter", to);
}
void Step::expire() {
    put_line(text_, "expire", "yes");
}

Result<StepHead> step_head(std::string_view step) {
    TextLine line;
    if (!take_line(step, line) || line.key != "step") return permanent("step: no head");
    std::string_view rest = line.value;
    TRY(auto number, take_number(rest));
    TRY(auto when, take_number(rest));
    StepHead head;
    head.number = static_cast<std::uint32_t>(number);
    head.when = static_cast<std::int64_t>(when);
    return head;
}

Result<void> apply_step(Story& story, std::string_view step) {
    TRY(StepHead head, step_head(step));
    if (head.number <= story.steps) return {};
    TextLine line;
    take_line(step, line);
    Cursor at;
    while (take_line(step, line)) {
        TRY_VOID(take_step_line(story, line, at));
    }
    if (!step.empty()) return permanent("step: last line has no end");
    story.steps = head.number;
    return {};
}

}  // namespace facteur::spool

#include "lib/spool/spool.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"

namespace facteur::spool {
namespace {

/// A repeated request comes within seconds; this many are remembered at full speed for longer.
constexpr std::size_t kRememberForgotten = 1 << 16;
/// One flushes, one makes segments.
constexpr std::size_t kJournalThreads = 2;

}  // namespace

std::string Stored::path() const {
    return where == Where::hold ? hold_path(id.text()) : deferred_path(id.text());
}

Result<Fd> sealed_memory(std::string_view bytes) {
    Fd fd(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return system_error("memfd_create");
    Files plain;
    TRY_VOID(plain.write(fd.get(), bytes, 0));
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) {
        return system_error("seal a memory file");
    }
    return fd;
}

Spool::Spool(Files& files, WorkerPool& workers, Scope& scope, Options options)
    : files_(files),
      workers_(workers),
      scope_(scope),
      options_(std::move(options)),
      journal_workers_(kJournalThreads),
      journal_(files, journal_workers_, scope, options_.journal) {}

Result<void> Spool::make_folders() {
    for (const char* folder : {"journal", "deferred", "hold", "incoming", "corrupt", "maildrop"}) {
        TRY_VOID(files_.make_folder(folder, 0700));
    }
    return {};
}

Result<std::vector<Stored>> Spool::open() {
    TRY_VOID(make_folders());
    Messages messages;
    TRY_VOID(
        journal_.open([&](Segment& segment, const Scan::Found& found, std::string_view payload) {
            replay(messages, segment, found, payload);
        }));
    drop_half_moved(messages);
    remove_abandoned();
    std::vector<Stored> found;
    found.reserve(messages.size());
    for (auto& [id, stored] : messages)
        found.push_back(std::move(stored));
    std::sort(found.begin(), found.end(),
              [](const Stored& a, const Stored& b) { return a.id < b.id; });
    return found;
}

void Spool::remove_abandoned() {
    const std::lock_guard<std::mutex> guard(reserving_);
    for (const std::string& name : names_in("incoming")) {
        Result<void> removed = remove_if_abandoned(files_, name);
        if (!removed) log_warning("incoming/" + name + ": " + removed.error().text);
    }
}

void Spool::replay(Messages& messages, Segment& segment, const Scan::Found& found,
                   std::string_view payload) {
    const RecordHeader& header = found.header;
    auto known = messages.find(header.id);
    if (header.type == RecordType::message) {
        if (known != messages.end()) return;
        Stored stored;
        stored.id = header.id;
        stored.place = {&segment, found.offset, header.length, header.head};
        messages.emplace(header.id, std::move(stored));
        ++segment.live;
    } else if (header.type == RecordType::step) {
        ++segment.live;
        if (known != messages.end()) {
            known->second.steps.emplace_back(payload);
            known->second.pins.push_back(&segment);
            return;
        }
        Unread& unread = unread_[header.id];
        unread.steps.emplace_back(payload);
        unread.pins.push_back(&segment);
    } else if (header.type != RecordType::mark) {
        replay_end(messages, segment, header);
    }
}

/// F or X.  During the replay the counts of live records are the segments' own: the journal sums
/// them up when it is read.
void Spool::replay_end(Messages& messages, Segment& segment, const RecordHeader& header) {
    auto known = messages.find(header.id);
    if (known != messages.end()) {
        --known->second.place.segment->live;
        for (Segment* pin : known->second.pins)
            --pin->live;
        messages.erase(known);
        if (header.type == RecordType::forget) remember_forgotten(header.id);
        return;
    }
    if (auto unread = unread_.find(header.id); unread != unread_.end()) {
        for (Segment* pin : unread->second.pins)
            --pin->live;
        unread_.erase(unread);
    }
    if (header.type != RecordType::forget) return;
    remember_forgotten(header.id);
    for (const std::string& path : {deferred_path(header.id.text()), hold_path(header.id.text())}) {
        if (files_.remove(path)) segment.folders.insert(folder_of(path));
    }
}

/// Files whose message is still whole in the journal: moving out was cut.
void Spool::drop_half_moved(const Messages& messages) {
    for (const auto& [id, stored] : messages) {
        for (const std::string& path : {deferred_path(id.text()), hold_path(id.text())}) {
            if (::access(path.c_str(), F_OK) == 0) (void)files_.remove(path);
        }
    }
}

void Spool::remember_forgotten(QueueId id) {
    if (!forgotten_.insert(id).second) return;
    forgotten_order_.push_back(id);
    if (forgotten_order_.size() <= kRememberForgotten) return;
    forgotten_.erase(forgotten_order_.front());
    forgotten_order_.pop_front();
}

Task<Result<Stored>> Spool::accept(QueueId id, const Envelope& envelope, std::string_view content,
                                   Stored::Where to) {
    Stored stored;
    stored.id = id;
    std::string text = to_text(envelope);
    const std::size_t size = text.size() + content.size();
    const bool fits =
        content.size() <= options_.journal_message_limit && size <= journal_.most_payload();
    if (to != Stored::Where::hold && fits) {
        CO_TRY(stored.place, co_await journal_.append(RecordType::message, id, text, content));
        co_return stored;
    }
    stored.where = to == Stored::Where::hold ? to : Stored::Where::deferred;
    std::function<Result<void>()> work = [&]() -> Result<void> {
        std::vector<std::string> none;
        NewFile file{id.text(), content, &envelope, &none, envelope.arrival / 1000000};
        return write_file(files_, file, stored.path());
    };
    CO_TRY_VOID(co_await workers_.run<Result<void>>(std::move(work)));
    co_return stored;
}

Task<Result<Fd>> Spool::reserve(QueueId id) {
    std::function<Result<Fd>()> work = [this, id] {
        const std::lock_guard<std::mutex> guard(reserving_);
        return reserve_file(files_, id.text());
    };
    co_return co_await workers_.run<Result<Fd>>(std::move(work));
}

Task<Result<Stored>> Spool::accept_reserved(QueueId id, const Envelope& envelope,
                                            Stored::Where to) {
    Stored stored;
    stored.id = id;
    stored.where = to;
    std::function<Result<void>()> work = [&] {
        return complete_file(files_, id.text(), envelope, stored.path());
    };
    CO_TRY_VOID(co_await workers_.run<Result<void>>(std::move(work)));
    co_return stored;
}

/// The payload of its M record, checked again: the disk may have changed it since.
Result<std::string> Spool::read_record(const Stored& stored) const {
    const Journal::Place& place = stored.place;
    TRY(std::string bytes,
        read_exactly(place.segment->fd.get(), place.offset, record_size(place.length)));
    auto header = record_at(bytes, 0, place.segment->mark);
    if (!header || header->id != stored.id || header->type != RecordType::message) {
        return permanent("record in the journal is damaged");
    }
    bytes.resize(kRecordHeader + place.length);
    bytes.erase(0, kRecordHeader);
    return bytes;
}

Task<Result<Story>> Spool::load_journaled(const Stored& stored) {
    CO_TRY(std::string payload, read_record(stored));
    CO_TRY(Envelope envelope,
           parse_envelope(std::string_view(payload).substr(0, stored.place.head)));
    co_return with_steps(Story(std::move(envelope)), stored.steps);
}

Result<Story> Spool::with_steps(Story story, const std::vector<std::string>& steps) {
    for (const std::string& text : steps) {
        TRY_VOID(apply_step(story, text));
    }
    return story;
}

Task<Result<LoadedFile>> Spool::read_file(const Stored& stored) {
    std::function<Result<LoadedFile>()> work = [path = stored.path()] { return load_file(path); };
    co_return co_await workers_.run<Result<LoadedFile>>(std::move(work));
}

void Spool::take_unread(Stored& stored) {
    auto node = unread_.extract(stored.id);
    if (!node) return;
    Unread& unread = node.mapped();
    std::move(stored.steps.begin(), stored.steps.end(), std::back_inserter(unread.steps));
    std::move(stored.pins.begin(), stored.pins.end(), std::back_inserter(unread.pins));
    stored.steps = std::move(unread.steps);
    stored.pins = std::move(unread.pins);
}

void Spool::put_down(Stored stored) {
    if (stored.where == Stored::Where::journal || stored.pins.empty()) return;
    unread_[stored.id] = Unread{std::move(stored.steps), std::move(stored.pins)};
}

Task<Result<Story>> Spool::load_filed(Stored& stored) {
    CO_TRY(LoadedFile loaded, co_await read_file(stored));
    take_unread(stored);
    stored.file_end = loaded.end;
    co_return with_steps(std::move(loaded.trailer.story), stored.steps);
}

Task<Result<Story>> Spool::look(const Stored& stored) {
    if (stored.where == Stored::Where::journal) co_return co_await load_journaled(stored);
    CO_TRY(LoadedFile loaded, co_await read_file(stored));
    std::vector<std::string> steps = stored.steps;
    if (auto unread = unread_.find(stored.id); unread != unread_.end()) {
        steps = unread->second.steps;
    }
    co_return with_steps(std::move(loaded.trailer.story), steps);
}

Result<std::string> Spool::history(const Stored& stored) const {
    std::vector<std::string> steps = stored.steps;
    if (auto unread = unread_.find(stored.id); unread != unread_.end()) {
        steps = unread->second.steps;
    }
    if (stored.where != Stored::Where::journal) {
        TRY(auto loaded, load_file(stored.path()));
        steps.insert(steps.begin(), loaded.trailer.steps.begin(), loaded.trailer.steps.end());
    }
    std::string out;
    for (const std::string& text : steps)
        out += text;
    return out;
}

Task<Result<Story>> Spool::load(Stored& stored) {
    if (stored.where == Stored::Where::journal) co_return co_await load_journaled(stored);
    co_return co_await load_filed(stored);
}

Task<Result<Content>> Spool::content(const Stored& stored) {
    Content content;
    if (stored.where == Stored::Where::journal) {
        CO_TRY(std::string payload, read_record(stored));
        std::string_view bytes = std::string_view(payload).substr(stored.place.head);
        CO_TRY(content.fd, sealed_memory(bytes));
        content.size = bytes.size();
        co_return content;
    }
    CO_TRY(content.fd, open_to_read(stored.path()));
    CO_TRY(std::string head, read_exactly(content.fd.get(), 0, kContentOffset));
    CO_TRY(FileHeader header, decode_file_header(head));
    content.offset = kContentOffset;
    content.size = header.content_length;
    co_return content;
}

Task<Result<void>> Spool::step(Stored& stored, std::string text) {
    CO_TRY(Journal::Place place, co_await journal_.append(RecordType::step, stored.id, text));
    stored.steps.push_back(std::move(text));
    stored.pins.push_back(place.segment);
    co_return Result<void>();
}

void Spool::release(Stored& stored) {
    if (stored.where == Stored::Where::journal) journal_.release(*stored.place.segment);
    for (Segment* segment : stored.pins)
        journal_.release(*segment);
    stored.pins.clear();
    stored.steps.clear();
}

Task<Result<void>> Spool::forget(Stored& stored) {
    std::string_view nothing;
    CO_TRY(Journal::Place place, co_await journal_.append(RecordType::forget, stored.id, nothing));
    remember_forgotten(stored.id);
    if (stored.where != Stored::Where::journal) {
        std::string path = stored.path();
        place.segment->folders.insert(folder_of(path));
        removals_.emplace_back(std::move(path), place.segment);
        if (!removing_) scope_.spawn(remove_files());
    } else {
        journal_.release(*place.segment);
    }
    take_unread(stored);
    release(stored);
    co_return Result<void>();
}

/// Nobody waits for it: with the F on the disk the file does not count any more.  But the F may not
/// go before the file.
Task<void> Spool::remove_files() {
    removing_ = true;
    while (!removals_.empty()) {
        auto batch = std::exchange(removals_, {});
        std::function<void()> work = [this, &batch] {
            for (const auto& [path, segment] : batch) {
                Result<void> removed = files_.remove(path);
                if (!removed) log_warning(path + ": " + removed.error().text);
            }
        };
        co_await workers_.run_void(std::move(work));
        for (const auto& [path, segment] : batch)
            journal_.release(*segment);
    }
    removing_ = false;
}

Task<Result<void>> Spool::move_out(Stored& stored, Stored::Where to, std::int64_t due) {
    // First the file is whole and on the disk, then X says that it counts.
    CO_TRY(std::string payload, read_record(stored));
    std::string_view bytes = payload;
    CO_TRY(Envelope envelope, parse_envelope(bytes.substr(0, stored.place.head)));
    bytes.remove_prefix(stored.place.head);
    Stored moved;
    moved.id = stored.id;
    moved.where = to;
    std::function<Result<void>()> work = [&]() -> Result<void> {
        NewFile file{stored.id.text(), bytes, &envelope, &stored.steps, due};
        return write_file(files_, file, moved.path());
    };
    CO_TRY_VOID(co_await workers_.run<Result<void>>(std::move(work)));
    std::string_view nothing;
    if (to == Stored::Where::hold) {  // or a power cut would let it go on
        CO_TRY(Journal::Place place,
               co_await journal_.append(RecordType::moved, stored.id, nothing));
        journal_.release(*place.segment);
    } else {
        journal_.note(RecordType::moved, stored.id);
    }
    moved.file_end = kContentOffset + bytes.size() + encode_trailer(envelope, stored.steps).size();
    release(stored);
    stored = std::move(moved);
    co_return Result<void>();
}

Task<Result<void>> Spool::settle(Stored& stored, std::int64_t due) {
    if (stored.file_end == 0) {
        Result<Story> story = co_await load(stored);
        if (!story) co_return std::unexpected(story.error());
    }
    std::function<Result<std::uint64_t>()> work = [&] {
        return append_steps(files_, stored.path(), stored.file_end, stored.steps, due);
    };
    CO_TRY(stored.file_end, co_await workers_.run<Result<std::uint64_t>>(std::move(work)));
    release(stored);
    co_return Result<void>();
}

Task<Result<void>> Spool::relocate(Stored& stored, Stored::Where to, std::int64_t due) {
    Stored moved;
    moved.id = stored.id;
    moved.where = to;
    std::function<Result<void>()> work = [&]() -> Result<void> {
        TRY_VOID(files_.set_time(stored.path(), due));
        return move_file(files_, stored.path(), moved.path());
    };
    CO_TRY_VOID(co_await workers_.run<Result<void>>(std::move(work)));
    stored.where = to;
    co_return Result<void>();
}

Task<void> Spool::condemn(Stored& stored, std::string why) {
    std::string name = stored.id.text();
    log_error(name + ": " + why + ": moved to corrupt/");
    if (stored.where == Stored::Where::journal) {
        const Journal::Place& place = stored.place;
        auto bytes = read_exactly(place.segment->fd.get(), place.offset, record_size(place.length));
        keep_corrupt(files_, "corrupt", name, bytes.value_or(std::string()), why);
    } else {
        std::function<Result<void>()> work = [this, &stored, name] {
            return move_file(files_, stored.path(), "corrupt/" + name);
        };
        Result<void> moved = co_await workers_.run<Result<void>>(std::move(work));
        if (!moved) log_error(name + ": " + moved.error().text);
    }
    Result<void> forgotten = co_await forget(stored);
    if (!forgotten) log_error(name + ": " + forgotten.error().text);
}

void Spool::give_up(QueueId id) {
    Stored gone;
    gone.id = id;
    gone.where = Stored::Where::deferred;
    take_unread(gone);
    release(gone);
}

std::vector<QueueId> Spool::unread_in(const Segment* segment) const {
    std::vector<QueueId> ids;
    for (const auto& [id, unread] : unread_) {
        if (std::find(unread.pins.begin(), unread.pins.end(), segment) != unread.pins.end()) {
            ids.push_back(id);
        }
    }
    return ids;
}

}  // namespace facteur::spool

#include "lib/milter/header_list.h"

#include <algorithm>
#include <limits>

#include "lib/base/text.h"

namespace facteur::milter {
namespace {

class Fields : public checks::Sink {
public:
    bool wants_body(std::uint64_t) const override { return false; }
    void found(checks::Item item) override {
        if (item.primary) items.push_back(std::move(item));
    }
    std::vector<checks::Item> items;
};

/// In the content lines end in CR LF.
std::string stored(std::string_view text) {
    return replace_all(std::string(text), "\n", "\r\n").append("\r\n");
}

}  // namespace

std::string_view HeaderList::Field::name() const {
    return std::string_view(text).substr(0, checks::field_name_length(text));
}

std::string_view HeaderList::Field::value() const {
    return std::string_view(text).substr(text.find(':') + 1);
}

Result<HeaderList> HeaderList::read(const checks::Source& content, std::string_view trace) {
    checks::WalkerOptions options;
    options.mime = false;
    options.header = std::numeric_limits<std::uint32_t>::max();
    Fields sink;
    checks::Walker walker(options, sink);
    std::string block;
    for (std::uint64_t at = 0; at < content.size && walker.in_header();) {
        block.resize(std::min(checks::kBlock, content.size - at));
        TRY_VOID(checks::read_at(content.fd, block, content.base + at));
        at += block.size();
        walker.feed(block);
        if (at == content.size) walker.finish();
    }
    HeaderList list;
    bool found = trace.empty();
    for (checks::Item& item : sink.items) {
        Field field{item.at, item.size, std::move(item.text)};
        if (!found && iequals(field.name(), "Received"))
            found = field.hidden = field.text.find(trace) != std::string::npos;
        list.fields_.push_back(std::move(field));
    }
    list.end_ = list.body_ = walker.header_end();
    std::string ending(std::min<std::uint64_t>(2, content.size - list.end_), '\0');
    TRY_VOID(checks::read_at(content.fd, ending, content.base + list.end_));
    if (ending == "\r\n") list.body_ += 2;
    return list;
}

void HeaderList::add(std::string text) {
    fields_.push_back(Field{0, 0, std::move(text), true, false});
}

void HeaderList::insert(std::uint32_t index, std::string text) {
    const std::size_t place = std::min<std::size_t>(index, fields_.size());
    fields_.insert(fields_.begin() + static_cast<std::ptrdiff_t>(place),
                   Field{0, 0, std::move(text), true, false});
}

std::vector<HeaderList::Field>::iterator HeaderList::find(std::uint32_t index,
                                                          std::string_view name) {
    return std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) {
        return !field.hidden && iequals(field.name(), name) && --index == 0;
    });
}

void HeaderList::change(std::uint32_t index, std::string_view name, std::string text) {
    const auto field = find(index, name);
    if (field == fields_.end()) return add(std::move(text));
    field->text = std::move(text);
    field->changed = true;
}

void HeaderList::remove(std::uint32_t index, std::string_view name) {
    const auto field = find(index, name);
    if (field == fields_.end()) return;
    if (field->size > 0) removed_.push_back(checks::Edit{field->at, field->size, {}});
    fields_.erase(field);
}

checks::Edits HeaderList::edits() const {
    checks::Edits all = removed_;
    for (const Field& field : fields_) {
        if (field.size > 0 && field.changed)
            all.push_back(checks::Edit{field.at, field.size, stored(field.text)});
    }
    // What was put in stands before the next field of the message that is still there.
    std::uint64_t place = end_;
    std::vector<checks::Edit> added;
    for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
        if (field->size > 0) place = field->at;
        if (field->size == 0) added.push_back(checks::Edit{place, 0, stored(field->text)});
    }
    all.insert(all.end(), added.rbegin(), added.rend());
    // At one place additions come first, in their order.
    std::stable_sort(all.begin(), all.end(), [](const checks::Edit& a, const checks::Edit& b) {
        return a.at != b.at ? a.at < b.at : (a.size == 0) > (b.size == 0);
    });
    return all;
}

}  // namespace facteur::milter

#include "lib/config/edit.h"

#include <set>

#include "lib/base/text.h"

namespace facteur::conf {
namespace {

class Editor {
public:
    explicit Editor(const std::vector<Edit>& edits) : edits_(edits) {}

    std::string edit(std::string_view text) {
        while (!text.empty()) {
            const auto end = text.find('\n');
            line(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        for (const Edit& edit : edits_) {
            if (edit.kind == Edit::Kind::set && done_.insert(edit.name).second) set(edit);
        }
        return std::move(out_);
    }

private:
    void set(const Edit& edit) {
        out_.append(edit.name).append(" =").append(edit.value.empty() ? "" : " ");
        out_.append(edit.value).append("\n");
    }
    void keep(std::string_view text) { out_.append(text).append("\n"); }
    const Edit* edit_of(std::string_view text) const {
        const std::string_view name = trim(text.substr(0, text.find('=')));
        const Edit* last = nullptr;
        for (const Edit& edit : edits_)
            if (edit.name == name) last = &edit;
        return text.find('=') == std::string_view::npos ? nullptr : last;
    }
    void line(std::string_view text) {
        const std::string_view content = trim(text);
        // Comments and empty lines stay, even those inside a value that goes.
        if (content.empty() || content.front() == '#') return keep(text);
        if (is_space(text.front())) return continuation(text);
        current_ = edit_of(text);
        if (!current_) return keep(text);
        if (current_->kind == Edit::Kind::comment_out) return keep("#" + std::string(text));
        if (current_->kind == Edit::Kind::set && done_.insert(current_->name).second)
            set(*current_);
    }
    void continuation(std::string_view text) {
        if (!current_) return keep(text);
        if (current_->kind == Edit::Kind::comment_out) keep("#" + std::string(text));
    }

    const std::vector<Edit>& edits_;
    const Edit* current_ = nullptr;  ///< what happens to the lines of the current parameter
    std::set<std::string> done_;
    std::string out_;
};

}  // namespace

std::string edit_main_cf(std::string_view text, const std::vector<Edit>& edits) {
    return Editor(edits).edit(text);
}

}  // namespace facteur::conf

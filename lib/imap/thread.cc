#include "lib/imap/thread.h"

#include <algorithm>
#include <unordered_map>

#include "lib/imap/thread_tree.h"
#include "lib/mime/tokens.h"

namespace facteur::imap {

namespace {

using Index = ThreadTree::Index;

bool sent_before(const ThreadMessage& a, const ThreadMessage& b) {
    return a.date != b.date ? a.date < b.date : a.number < b.number;
}

/// RFC 5256 section 3, REFERENCES.
class Threader {
public:
    explicit Threader(const std::vector<ThreadMessage>& messages) : messages_(messages) {}

    /// Without the subjects, by the newest message of each.
    std::string run_refs() {
        link();
        tree_.prune();
        tree_.sort_siblings([this](Index a, Index b) { return before(a, b); });
        std::vector<Index> newest(of_.size(), 0);
        for (Index root : tree_.children(0))
            newest[root] = newest_below(root);
        tree_.sort_children(
            0, [&](Index a, Index b) { return sent_before(*of_[newest[a]], *of_[newest[b]]); });
        return tree_.text();
    }
    std::string run() {
        link();
        tree_.prune();
        sort_roots();
        gather_subjects();
        tree_.sort_siblings([this](Index a, Index b) { return before(a, b); });
        return tree_.text();
    }

private:
    Index node_of_id(const std::string& id);
    void link();
    Index newest_below(Index root) const;
    void sort_roots();
    void gather_subjects();
    void merge(Index node, Index& holder);
    const ThreadMessage* first_message(Index node) const;
    bool before(Index a, Index b) const {
        const ThreadMessage* first = first_message(a);
        const ThreadMessage* second = first_message(b);
        return first != nullptr && (second == nullptr || sent_before(*first, *second));
    }

    const std::vector<ThreadMessage>& messages_;
    ThreadTree tree_;
    std::unordered_map<std::string, Index> by_id_;
    std::vector<const ThreadMessage*> of_;  ///< by node; nullptr for what is only referred to
};

Index Threader::node_of_id(const std::string& id) {
    auto [at, is_new] = by_id_.try_emplace(id, 0);
    if (!is_new) return at->second;
    at->second = tree_.add();
    of_.resize(at->second + 1, nullptr);
    return at->second;
}

// Step 1.
void Threader::link() {
    of_.resize(1, nullptr);  // the root
    for (const ThreadMessage& message : messages_) {
        Index node = 0;
        if (!message.id.empty()) node = node_of_id(message.id);
        if (node == 0 || of_[node] != nullptr) {  // a second message of that id gets one of its own
            node = tree_.add();
            of_.resize(node + 1, nullptr);
        }
        of_[node] = &message;
        tree_.set_number(node, message.number);
        Index parent = 0;
        for (const std::string& id : message.references) {
            Index next = node_of_id(id);
            // Links that are there stay, and nobody becomes an ancestor of itself.
            if (parent != 0 && tree_.parent(next) == 0 && !tree_.is_ancestor(next, parent)) {
                tree_.set_parent(next, parent);
            }
            parent = next;
        }
        // The message itself knows its parent best.
        if (parent == 0 || !tree_.is_ancestor(node, parent)) tree_.set_parent(node, parent);
    }
    tree_.gather();
}

Index Threader::newest_below(Index root) const {
    Index newest = 0;
    std::vector<Index> open{root};
    while (!open.empty()) {
        Index node = open.back();
        open.pop_back();
        bool is_newer =
            of_[node] != nullptr && (newest == 0 || sent_before(*of_[newest], *of_[node]));
        if (is_newer) newest = node;
        const std::vector<Index>& below = tree_.children(node);
        open.insert(open.end(), below.begin(), below.end());
    }
    return newest;
}

const ThreadMessage* Threader::first_message(Index node) const {
    while (of_[node] == nullptr && !tree_.children(node).empty())
        node = tree_.children(node).front();
    return of_[node];
}

// Step 4: a dummy counts as its first child, so the children are put in order before it.
void Threader::sort_roots() {
    for (Index node : tree_.children(0)) {
        if (of_[node] == nullptr) {
            tree_.sort_children(node, [this](Index a, Index b) { return before(a, b); });
        }
    }
    tree_.sort_children(0, [this](Index a, Index b) { return before(a, b); });
}

// Step 5.
void Threader::gather_subjects() {
    std::unordered_map<std::string, Index> table;
    const std::vector<Index> roots = tree_.children(0);
    for (Index node : roots) {
        const ThreadMessage* message = first_message(node);
        if (message == nullptr || message->subject.empty()) continue;
        auto [at, is_new] = table.try_emplace(message->subject, node);
        if (is_new) continue;
        const ThreadMessage* held = first_message(at->second);
        bool is_better = of_[node] == nullptr && of_[at->second] != nullptr;
        is_better |= of_[at->second] != nullptr && held->is_reply && !message->is_reply;
        if (is_better) at->second = node;
    }
    for (Index node : roots) {
        const ThreadMessage* message = first_message(node);
        if (message == nullptr || message->subject.empty()) continue;
        Index& holder = table[message->subject];
        if (holder != node) merge(node, holder);
    }
    tree_.tidy_root();
}

void Threader::merge(Index node, Index& holder) {
    bool is_dummy = of_[node] == nullptr;
    bool holds_dummy = of_[holder] == nullptr;
    if (is_dummy && holds_dummy) {
        const std::vector<Index> children = tree_.children(node);
        for (Index child : children)
            tree_.adopt(child, holder);
        tree_.remove_root(node);
    } else if (holds_dummy) {
        tree_.adopt(node, holder);
    } else if (first_message(node)->is_reply && !first_message(holder)->is_reply) {
        tree_.adopt(node, holder);
    } else {
        Index both = tree_.add();
        of_.resize(both + 1, nullptr);
        tree_.add_root(both);
        tree_.adopt(holder, both);
        tree_.adopt(node, both);
        holder = both;
    }
}

}  // namespace

std::vector<std::string> message_ids(std::string_view value, std::size_t limit) {
    std::vector<std::string> ids;
    mime::Tokens tokens(value);
    while (!tokens.done() && ids.size() < limit) {
        char c = tokens.peek();
        if (c == '"') {
            (void)tokens.quoted();
        } else if (c == '(') {
            tokens.skip();
        } else if (tokens.take() == '<') {
            std::string id;
            // A quoted local part means the same without its quotes.
            while (!tokens.done() && tokens.peek() != '>') {
                if (tokens.peek() == '"') {
                    id += tokens.quoted();
                } else if (char next = tokens.take(); next > ' ') {
                    id += next;
                }
            }
            if (tokens.take_if('>') && !id.empty()) ids.push_back(std::move(id));
        }
    }
    return ids;
}

// RFC 5256 section 3, ORDEREDSUBJECT: by base subject, then by date; the first message of a subject
// is the parent of all others.
std::string thread_by_subject(std::vector<ThreadMessage> messages) {
    std::sort(messages.begin(), messages.end(), [](const auto& a, const auto& b) {
        return a.subject != b.subject ? a.subject < b.subject : sent_before(a, b);
    });
    ThreadTree tree;
    std::vector<const ThreadMessage*> of(1, nullptr);
    Index first = 0;
    for (const ThreadMessage& message : messages) {
        bool goes_on = first != 0 && of[first]->subject == message.subject;
        Index node = tree.add();
        tree.set_parent(node, goes_on ? first : 0);
        tree.set_number(node, message.number);
        of.push_back(&message);
        if (!goes_on) first = node;
    }
    tree.gather();
    tree.sort_children(0, [&of](Index a, Index b) { return sent_before(*of[a], *of[b]); });
    return tree.text();
}

std::string thread_by_references(const std::vector<ThreadMessage>& messages) {
    return Threader(messages).run();
}

std::string thread_by_refs(const std::vector<ThreadMessage>& messages) {
    return Threader(messages).run_refs();
}

}  // namespace facteur::imap

#include "lib/imap/thread_tree.h"

namespace facteur::imap {

ThreadTree::Index ThreadTree::add() {
    nodes_.emplace_back();
    return nodes_.size() - 1;
}

void ThreadTree::set_parent(Index node, Index parent) {
    nodes_[node].parent = parent;
    nodes_[parent].has_children = true;
}

bool ThreadTree::is_ancestor(Index ancestor, Index node) const {
    // Saves the walk for nearly everybody: a long chain would cost the square of its length.
    if (!nodes_[ancestor].has_children) return ancestor == node;
    while (node != 0 && node != ancestor)
        node = nodes_[node].parent;
    return node == ancestor;
}

void ThreadTree::gather() {
    for (Index node = 1; node < nodes_.size(); ++node)
        nodes_[nodes_[node].parent].children.push_back(node);
}

void ThreadTree::adopt(Index child, Index parent) {
    nodes_[child].parent = parent;
    nodes_[parent].children.push_back(child);
}

void ThreadTree::tidy_root() {
    std::erase_if(nodes_[0].children, [this](Index node) { return nodes_[node].parent != 0; });
}

std::vector<ThreadTree::Index> ThreadTree::leaves_first() const {
    std::vector<Index> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::vector<Index>& below = nodes_[order[i]].children;
        order.insert(order.end(), below.begin(), below.end());
    }
    std::reverse(order.begin(), order.end());
    return order;
}

void ThreadTree::prune() {
    for (Index node : leaves_first()) {
        std::vector<Index> kept;
        for (Index child : nodes_[node].children) {
            const std::vector<Index>& below = nodes_[child].children;
            bool is_dummy = nodes_[child].number == 0;
            if (!is_dummy || (node == 0 && below.size() > 1)) {
                kept.push_back(child);
                continue;
            }
            for (Index grandchild : below) {
                nodes_[grandchild].parent = node;
                kept.push_back(grandchild);
            }
        }
        nodes_[node].children = std::move(kept);
    }
}

// RFC 5256 section 5: thread-list.  A node with one child goes on in the same list, several open a
// list each.
std::string ThreadTree::text() const {
    struct Open {
        Index node;
        std::size_t next = 0;
        bool closes = false;  ///< a ")" ends it
    };
    std::string out;
    std::vector<Open> stack{Open{0}};
    while (!stack.empty()) {
        Open& open = stack.back();
        const std::vector<Index>& below = nodes_[open.node].children;
        if (open.next == below.size()) {
            if (open.closes) out += ')';
            stack.pop_back();
            continue;
        }
        Index child = below[open.next++];
        bool opens = open.node == 0 || below.size() > 1;
        bool is_first = nodes_[open.node].number == 0 && !opens;
        if (open.node != 0 && !is_first && !(opens && open.next > 1) &&
            nodes_[open.node].number != 0) {
            out += ' ';
        }
        if (opens) out += '(';
        if (nodes_[child].number != 0) out += std::to_string(nodes_[child].number);
        stack.push_back(Open{child, 0, opens});
    }
    return out;
}

}  // namespace facteur::imap

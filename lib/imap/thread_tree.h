#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace facteur::imap {

/// The tree that THREAD builds.  Node 0 is the root; a node without a number is only a place that
/// others refer to (RFC 5256 section 3 calls it a dummy).  Nothing here recurses: a stranger's
/// mail may refer to mail a hundred thousand deep.
class ThreadTree {
public:
    using Index = std::size_t;

    ThreadTree() : nodes_(1) {}

    /// First everybody gets a parent: a new node the root, …
    Index add();
    void set_number(Index node, std::uint32_t number) { nodes_[node].number = number; }
    void set_parent(Index node, Index parent);
    Index parent(Index node) const { return nodes_[node].parent; }
    bool is_ancestor(Index ancestor, Index node) const;

    /// … then the parents get their children, in the order in which the nodes were made.
    void gather();
    const std::vector<Index>& children(Index node) const { return nodes_[node].children; }

    /// RFC 5256 section 3 step 3: dummies without children go; the children of others take their
    /// place, at the root only when it is one.
    void prune();
    template <class Before>
    void sort_children(Index node, Before before) {
        std::vector<Index>& all = nodes_[node].children;
        std::stable_sort(all.begin(), all.end(), before);
    }
    /// Every node's children, from the leaves up.
    template <class Before>
    void sort_siblings(Before before) {
        for (Index node : leaves_first())
            sort_children(node, before);
    }
    /// A child of the root becomes the last child of another; tidy_root() makes the root forget it.
    void adopt(Index child, Index parent);
    void remove_root(Index node) { nodes_[node].parent = node; }
    void add_root(Index node) { nodes_[0].children.push_back(node); }
    void tidy_root();
    std::string text() const;

private:
    struct Node {
        Index parent = 0;
        std::uint32_t number = 0;
        bool has_children = false;  ///< ever
        std::vector<Index> children;
    };
    std::vector<Index> leaves_first() const;

    std::vector<Node> nodes_;
};

}  // namespace facteur::imap

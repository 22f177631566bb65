#pragma once
// Intrusive doubly linked list: no allocation, an object unlinks itself in O(1) and on destruction.
// T derives from ListNode<Tag>; a Tag per list lets one object stand in several lists. Single thread.
#include <cstddef>

namespace headgate {

template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }
  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (!next_) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class List;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <typename T, typename Tag>
class List {
  using Node = ListNode<Tag>;

 public:
  List() { head_.next_ = head_.previous_ = &head_; }
  ~List() {
    while (!empty()) front().Node::unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.previous_); }
  void push_back(T& item) { insert_before(head_, item); }
  void push_front(T& item) { insert_before(*head_.next_, item); }
  T* next_of(T& item) {
    Node* next = static_cast<Node&>(item).next_;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }

 private:
  static void insert_before(Node& at, Node& node) {
    node.unlink();
    node.next_ = &at;
    node.previous_ = at.previous_;
    at.previous_->next_ = &node;
    at.previous_ = &node;
  }
  Node head_;
};

}  // namespace headgate

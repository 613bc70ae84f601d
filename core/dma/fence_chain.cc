#include "core/dma/fence_chain.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"
#include "core/kernel/slab.h"

namespace dma {

namespace {

constexpr char kChainWalk[] = "dma_fence_chain walk";

kernel::Holder chain_holds(const FenceChain& chain, const char* role) {
  return {role, fence_object(chain.base)};
}

FenceChain& to_chain(Fence& fence) { return *container_of(&fence, FenceChain, base); }

Fence* get_prev(FenceChain& chain, kernel::Holder holder) {
  kernel::rcu_read_lock();
  Fence* prev = fence_get_rcu_safe(chain.prev, holder);
  kernel::rcu_read_unlock();
  return prev;
}

const char* get_driver_name(Fence&) { return "dma_fence_chain"; }
const char* get_timeline_name(Fence&) { return "unbound"; }

bool enable_signaling(Fence& fence);

// Mirrors dma_fence_chain_irq_work.
void irq_work_func(kernel::IrqWork& work) {
  FenceChain& chain = *container_of(&work, FenceChain, work);
  // The next fence of the chain that is pending, if there is any, gets the callback.
  if (!enable_signaling(chain.base)) fence_signal(chain.base);
  fence_put(&chain.base, chain_holds(chain, kChainCallback));
}

// Under the lock of `fence`, which may be taken within the chain's: the chain goes on later.
void fence_signaled(Fence& fence, FenceCb& cb) {
  FenceChain& chain = *container_of(&cb, FenceChain, cb);
  const kernel::Holder callback = chain_holds(chain, kChainCallback);
  kernel::irq_work_queue(chain.work);  // may be the end of the chain
  fence_put(&fence, callback);
}

bool enable_signaling(Fence& fence) {
  FenceChain& head = to_chain(fence);
  const kernel::Holder callback = chain_holds(head, kChainCallback);
  const kernel::Holder walk = chain_holds(head, kChainWalk);
  fence_get(&head.base, callback);
  Fence* iter;
  fence_chain_for_each(iter, &head.base, walk) {
    Fence* contained = fence_get(fence_chain_contained(iter), callback);
    if (fence_add_callback(*contained, head.cb, fence_signaled) == 0) {
      fence_put(iter, walk);
      return true;
    }
    fence_put(contained, callback);
  }
  fence_put(&head.base, callback);
  return false;
}

bool signaled(Fence& fence) {
  const kernel::Holder walk = chain_holds(to_chain(fence), kChainWalk);
  Fence* iter;
  fence_chain_for_each(iter, &fence, walk) {
    if (fence_is_signaled(*fence_chain_contained(iter))) continue;
    fence_put(iter, walk);
    return false;
  }
  return true;
}

// A long chain may hang on the last node. It is taken apart here, node by node: each of them
// putting the one before it would need a stack as deep as the chain is long.
void release(Fence& fence) {
  FenceChain& chain = to_chain(fence);
  const kernel::Holder slot = chain_holds(chain, kChainPrev);
  while (chain.prev != nullptr) {
    Fence* prev = chain.prev;
    // Acquire: what others did to the node before they let go of it.
    if (kernel::load_acquire(prev->refcount.count) > 1) break;
    FenceChain* prev_chain = to_fence_chain(prev);
    if (prev_chain == nullptr) break;
    // Nobody else has prev: no need for atomics.
    chain.prev = prev_chain->prev;
    if (chain.prev != nullptr)
      kernel::kref_move(chain.prev->refcount, chain_holds(*prev_chain, kChainPrev), slot);
    prev_chain->prev = nullptr;
    fence_put(prev, slot);
  }
  fence_put(chain.prev, slot);
  fence_put(chain.fence, chain_holds(chain, kChainFence));
  fence_free(fence);
}

void set_deadline(Fence& fence, uint64_t deadline) {
  Fence* iter;
  fence_chain_for_each(iter, &fence, chain_holds(to_chain(fence), kChainWalk))
      fence_set_deadline(*fence_chain_contained(iter), deadline);
}

}  // namespace

const FenceOps kFenceChainOps = {get_driver_name, get_timeline_name, signaled,    enable_signaling,
                                 release,         nullptr,           set_deadline};

FenceChain* to_fence_chain(Fence* fence) {
  return fence != nullptr && fence_is_chain(*fence) ? &to_chain(*fence) : nullptr;
}

Fence* fence_chain_contained(Fence* fence) {
  const FenceChain* chain = to_fence_chain(fence);
  return chain != nullptr ? chain->fence : fence;
}

FenceChain* fence_chain_alloc() { return kernel::kzalloc_obj<FenceChain>("fence chain"); }

void fence_chain_free(FenceChain* chain) { kernel::kfree(chain); }

void fence_chain_init(FenceChain& chain, Fence* prev, Fence* fence, uint64_t seqno,
                      kernel::Holder holder) {
  const FenceChain* prev_chain = to_fence_chain(prev);
  kernel::rcu_assign_pointer(chain.prev, prev);
  chain.fence = fence;
  chain.prev_seqno = 0;
  kernel::init_irq_work(chain.work, irq_work_func);
  uint64_t context;
  if (prev_chain != nullptr && seqno_is_later(*prev, seqno, prev->seqno)) {
    context = prev->context;
    chain.prev_seqno = prev->seqno;
  } else {
    context = fence_context_alloc(1);
    if (prev_chain != nullptr && seqno < prev->seqno) seqno = prev->seqno;
  }
  fence_init64(chain.base, kFenceChainOps, nullptr, context, seqno, "fence chain", holder);
  if (prev != nullptr) kernel::kref_move(prev->refcount, holder, chain_holds(chain, kChainPrev));
  kernel::kref_move(fence->refcount, holder, chain_holds(chain, kChainFence));
  // Chains grow by prev alone; anything else that recurses has to be flattened by the caller.
  WARN_ON(fence_is_chain(*fence));
}

Fence* fence_chain_walk(Fence* fence, kernel::Holder holder) {
  FenceChain* chain = to_fence_chain(fence);
  if (chain == nullptr) {
    fence_put(fence, holder);
    return nullptr;
  }
  const kernel::Holder slot = chain_holds(*chain, kChainPrev);
  Fence* prev;
  while ((prev = get_prev(*chain, holder)) != nullptr) {
    if (!fence_is_signaled(*fence_chain_contained(prev))) break;
    FenceChain* prev_chain = to_fence_chain(prev);
    Fence* replacement = prev_chain != nullptr ? get_prev(*prev_chain, slot) : nullptr;
    const bool replaced = kernel::cmpxchg(chain->prev, prev, replacement) == prev;
    fence_put(replaced ? prev : replacement, slot);
    fence_put(prev, holder);
  }
  fence_put(fence, holder);
  return prev;
}

int fence_chain_find_seqno(Fence** pfence, uint64_t seqno, kernel::Holder holder) {
  if (seqno == 0) return 0;
  FenceChain* chain = to_fence_chain(*pfence);
  if (chain == nullptr || chain->base.seqno < seqno) return -EINVAL;
  fence_chain_for_each(*pfence, &chain->base, holder) {
    if ((*pfence)->context != chain->base.context || to_fence_chain(*pfence)->prev_seqno < seqno)
      break;
  }
  fence_put(&chain->base, holder);
  return 0;
}

}  // namespace dma

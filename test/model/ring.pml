/*
 * The ring of a Queue: src/queue/ring.ts with waiters.ts and wait-requests.ts. Its two locks are those of
 * mutex.pml, held only for a moment.
 *
 *   put, got: items ever put and taken; the one store to each of them publishes
 *
 * A ring of one place. Participant 0 puts an item for each of the others, which take one each. Every item
 * arrives once, in order, or is lost with the one who had it in hand.
 *
 * Mutants: COMMIT_FIRST  the item is published before it is written
 *          NO_REPAIR     a dead holder's lock is not taken over
 *          LOOK_FIRST    who is about to sleep looks for items before it says so
 *          SILENT_WIN    who took an item does not look for those who sleep on
 *          EARLY_WIN     who took an item looks for them before its own bit is gone
 */
/* Who puts lives: nobody else does. */
#define MAY_DIE me != 0
#include "common.pml"

#define EMPTY 255
byte place = EMPTY;
byte put, got;
byte send_lock, receive_lock;
bool items_word, space_word;
byte items_bits, space_bits;
byte last;           /* the item taken last */

#ifdef NO_REPAIR
#undef LOCK
#define LOCK(at) if :: atomic { at == 0 -> at = me + 1 } OR_DIE fi
#endif

inline signal(word, bits) {
  if
  :: word ->
    if
    :: d_step { if :: word -> word = false; ok = true :: else -> ok = false fi }
    OR_DIE
    fi;
    if :: ok -> ring_one(bits) :: else fi
  :: else
  fi
}

/* The duty of one that was rung: says again that others sleep, and rings one if there is something left. */
inline pass_on(word, bits, more) {
  if
  :: (bits & ~BIT(me)) != 0 ->
    STEP(word = true);
    if :: more -> signal(word, bits) :: else fi
  :: else
  fi
}

inline try_put(item) {
  won = false;
  LOCK(send_lock);
  if
  :: put - got < 1 ->
#ifdef COMMIT_FIRST
    STEP(put++);
    STEP(place = item);
#else
    STEP(place = item);
    STEP(put++);
#endif
    won = true
  :: else
  fi;
  UNLOCK(send_lock);
  if :: won -> signal(items_word, items_bits) :: else fi
}

inline try_take() {
  won = false;
  LOCK(receive_lock);
  if
  :: put != got ->
    item = place;
    /* What was published is whole, and what was taken is not there twice. */
    assert(item != EMPTY);
    if
    :: atomic { got++; place = EMPTY; assert(item == last + 1); last = item }
    OR_DIE
    fi;
    won = true
  :: else
  fi;
  UNLOCK(receive_lock);
  if :: won -> signal(space_word, space_bits) :: else fi
}

proctype Producer(byte me; byte count) {
  byte snap, who, round, item;
  bool ok, won;
  do
  :: round == count -> break
  :: else ->
    round++;
    item = round;
    try_put(item);
    if
    :: !won ->
      STEP(space_bits = space_bits | BIT(me));
again:
      try_put(item);
      if :: won -> goto over :: else fi;
      STEP(space_word = true);
      if :: put - got < 1 -> goto again :: else fi;
      sleep_until_rung();
      goto again;
over:
      STEP(space_bits = space_bits & ~BIT(me));
      pass_on(space_word, space_bits, put - got < 1)
    :: else
    fi;
    atomic { ALIVE; won = false }
  od;
#if KILLS > 0
gone:
#endif
  skip
}

proctype Consumer(byte me; byte count) {
  byte snap, who, round, item;
  bool ok, won;
  do
  :: round == count -> break
  :: else ->
    round++;
    try_take();
    if
    :: !won ->
      STEP(items_bits = items_bits | BIT(me));
again:
      try_take();
      if :: won -> goto over :: else fi;
#ifdef LOOK_FIRST
      if :: put != got -> goto again :: else fi;
      STEP(items_word = true);
#else
      STEP(items_word = true);
      if :: put != got -> goto again :: else fi;
#endif
      sleep_until_rung();
      goto again;
over:
#ifdef EARLY_WIN
      pass_on(items_word, items_bits, put != got);
#endif
      STEP(items_bits = items_bits & ~BIT(me));
#if !defined(SILENT_WIN) && !defined(EARLY_WIN)
      pass_on(items_word, items_bits, put != got)
#endif
    :: else
    fi;
    atomic { ALIVE; won = false }
  od;
#if KILLS > 0
gone:
#endif
  skip
}

init {
  atomic {
    run Producer(0, N - 1);
    run Consumer(1, 1);
#if N > 2
    run Consumer(2, 1);
#endif
  }
}

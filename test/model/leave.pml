/*
 * How participants leave: src/parking/participant.ts and tidy.ts. Whoever leaves with the arena's lock removes
 * itself, then the dead it comes upon, until it has seen one that lives: that one will do so in its turn. Whoever
 * gives up the lock, since a stopped process has it, leaves as one who was killed, though the holder may have
 * taken it for living; so it leaves a mark.
 *
 * The lock is the kernel's: it goes with its holder. A stop is nothing but a long time between two steps, and one
 * may give up whenever another has the lock. When all have left and nobody was killed, nobody's slot is left; what
 * the killed leave is removed by the next one who comes and goes.
 *
 * Mutants: NO_MARK     who gives up leaves no mark
 *          MARK_FIRST  it leaves the mark before its bell is closed
 *          LATE_MARK   it tries the lock once more first, then leaves the mark
 *          ONE_LOOK    who tidied does not look at the mark after it has let go of the lock
 */
#include "common.pml"

byte lock;         /* who has it, + 1 */
bool reads[N];     /* the kernel closes its bell when it ends */
bool taken[N];     /* its slot */
bool untidy;
byte left;         /* how many have ended */

#define MINE (lock == me + 1)

/* SIGKILL, and what the kernel does then. */
#define DIES atomic { if :: MINE -> lock = 0 :: else fi; reads[me] = false }

/* Call it exclusively. */
inline tidy() {
  STEP(untidy = false);
  who = 0;
  do
  :: who == N -> break
  :: who < N && !taken[who] -> who++
  :: who < N && taken[who] ->
    if
    :: d_step { reads[who] -> who = N }
    :: d_step { !reads[who] -> taken[who] = false; who++ }
    OR_DIE
    fi
  od;
  who = 0
}

inline unlock() { STEP(lock = 0) }

/* Looks at the mark, without waiting for the lock: who has it looks later. */
inline tidy_again() {
#ifndef ONE_LOOK
  do
  :: !untidy -> break
  :: untidy ->
    if
    :: atomic { lock == 0 -> lock = me + 1 }
      tidy();
      unlock()
    :: lock != 0 -> break
    OR_DIE
    fi
  od
#else
  skip
#endif
}

inline withdraw() {
  if
  :: taken[me] -> STEP(taken[me] = false); tidy()
  :: else
  fi
}

proctype participant(byte me) {
  byte who;

  if
  :: atomic { lock == 0 -> lock = me + 1 }
    withdraw();
    unlock();
    tidy_again()
  :: lock != 0 ->
#ifdef MARK_FIRST
    STEP(untidy = true);
#endif
    STEP(reads[me] = false);
#if !defined(NO_MARK) && !defined(MARK_FIRST) && !defined(LATE_MARK)
    STEP(untidy = true);
#endif
    if
    :: atomic { lock == 0 -> lock = me + 1 }
      withdraw();
      unlock();
      tidy_again()
    :: lock != 0
    OR_DIE
    fi;
#ifdef LATE_MARK
    STEP(untidy = true)
#else
    skip
#endif
  OR_DIE
  fi;
gone:
  DIES;
  atomic { left++; who = 0 }
}

init {
  byte me = 0;
  byte who = 0;
  atomic {
    do
    :: me < N -> reads[me] = true; taken[me] = true; run participant(me); me++
    :: else -> break
    od;
    me = 0
  }
  left == N;
  do
  :: who < N -> assert(!taken[who] || kills != KILLS); who++
  :: else -> break
  od
}

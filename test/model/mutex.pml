/*
 * The owner word of Lock, RLock and the writers of an RWLock: src/sync/ownership.ts with the loops of
 * src/parking/park.ts around it. Stealing from the dead, and the hand-off to one that starves.
 *
 *   word: token << 2 | S << 1 | W          named: who starves (token), 0 for nobody
 *
 * Mutants: BLIND_ARM       W is set whether or not the word still has an owner
 *          SILENT_LEAVE    who gives up does not pass the baton
 *          LATE_WITHDRAWAL who gives up leaves its request standing
 *          HEIR_IN_WORD    the release writes the heir's token into the word (as it was at first)
 *          STEAL_BLIND     taking over from the dead by a store
 */
#include "common.pml"

#define W 1
#define S 2
#define TOKEN(i) (((i) + 1) << 2)
#define OWNER(w) ((w) & 252)
#define RESERVED (S | W)

byte word;
byte named;
byte bits;
bool inside[N];      /* who believes to hold it */
byte reported[N];    /* how often its death was reported */

inline stop_starving() {
  if
  :: starving ->
    do
    :: w = word;
      if
      :: (w & S) == 0 -> break
      :: else ->
        CAS(word, w, (w == RESERVED -> 0 : w & 253), ok);
        if :: ok -> break :: else fi
      fi
    od;
    starving = false;
    CAS(named, me + 1, 0, ok)
  :: else
  fi
}

inline starve() {
  if
  :: !starving ->
    h = named;
    if
    :: h != 0 && h != me + 1 && !dead[h - 1]
    :: else -> CAS(named, h, me + 1, ok); starving = ok
    fi
  :: else
  fi;
  if
  :: starving ->
    w = word;
    if
    :: w == 0 || (w & S) != 0
    :: else -> CAS(word, w, w | S | W, ok)
    fi
  :: else
  fi
}

inline attempt() {
  w = word;
  won = false;
  if
  :: w == 0 -> CAS(word, 0, (waiting -> TOKEN(me) | W : TOKEN(me)), won)
  :: w == RESERVED && starving -> CAS(word, RESERVED, TOKEN(me) | W, won)
  :: w != 0 && OWNER(w) == TOKEN(me) -> won = true
  :: else
  fi;
  if :: won -> stop_starving() :: else fi
}

inline pass() {
  do
  :: w = word;
    h = 0;
    if :: (w & S) != 0 -> h = named :: else fi;
    /* Whether the slot is still the heir's: of a dead one until it is swept. */
    if
    :: h != 0 -> heir = true
    :: h == 0 || dead[h - 1] -> heir = false
    fi;
#ifdef HEIR_IN_WORD
    CAS(word, w, (heir -> TOKEN(h - 1) | W : 0), ok);
#else
    CAS(word, w, (heir -> RESERVED : 0), ok);
#endif
    if
    :: ok ->
      ok = false;
      if
      :: heir ->
#ifndef HEIR_IN_WORD
        h = named;
#endif
        if :: h != 0 -> RING(h - 1, ok) :: else -> ok = true fi
      :: else
      fi;
      if :: !ok -> ring_one(bits) :: else fi;
      break
    :: else
    fi
  od;
  atomic { h = 0; heir = false }
}

inline leave() {
#ifndef LATE_WITHDRAWAL
  stop_starving();
#endif
#ifndef SILENT_LEAVE
  do
  :: w = word;
    if
#ifdef HEIR_IN_WORD
    :: w != 0 && OWNER(w) == TOKEN(me) -> pass(); break
#endif
    :: w == 0 -> ring_one(bits); break
    :: w != 0 && ((w & W) != 0 || bits == 0) -> break
    :: else -> CAS(word, w, w | W, ok); if :: ok -> break :: else fi
    fi
  od
#endif
}

/* Sets `won` when the state has changed: attempt again. */
inline recover() {
  w = word;
  won = false;
  if
  :: w == RESERVED ->
    h = named;
    if
    :: h != 0 && !dead[h - 1]
    :: else -> CAS(word, RESERVED, 0, ok); won = true
    fi
  :: OWNER(w) != 0 && OWNER(w) != TOKEN(me) && dead[(w >> 2) - 1] ->
#ifdef STEAL_BLIND
    STEP(word = TOKEN(me) | W; ok = true; reported[(w >> 2) - 1]++);
#else
    if
    :: d_step {
        if
        :: word == w -> word = TOKEN(me) | W; reported[(w >> 2) - 1]++
        :: else
        fi
      }
    OR_DIE
    fi;
#endif
    won = true
  :: else
  fi
}

proctype Participant(byte me) {
  byte w, h, snap, who, round;
  bool ok, won, waiting, starving, heir, timed;
  do
  :: round == ROUNDS -> break
  :: round < ROUNDS ->
    round++;
    CAS(word, 0, TOKEN(me), won);
    if
    :: !won ->
      if :: timed = true :: timed = false fi;
      STEP(bits = bits | BIT(me));
      waiting = true;
again:
      attempt();
      if :: won -> goto over :: else fi;
      if :: starve() :: true fi;
      /* arm */
      w = word;
      if
      :: w == 0 || (w == RESERVED && starving) || (w != 0 && OWNER(w) == TOKEN(me)) -> goto again
      :: else
      fi;
      if
      :: (w & W) == 0 ->
#ifdef BLIND_ARM
        STEP(word = word | W)
#else
        CAS(word, w, w | W, ok);
        if :: !ok -> goto again :: else fi
#endif
      :: else
      fi;
      /* A task of the event loop asks only now; then it sleeps without another look. */
      if :: starve() :: true fi;
#if KILLS > 0
      recover();
      if :: won -> goto again :: else fi;
#endif
      if
      :: timed -> attempt()
      :: sleep_until_rung(); goto again
      fi;
over:
      waiting = false;
      STEP(bits = bits & ~BIT(me));
      if :: !won -> leave() :: else fi
    :: else
    fi;
    if
    :: won ->
      atomic {
        inside[me] = true;
        who = 0;
        do
        :: who < N -> assert(who == me || !inside[who] || dead[who]); who++
        :: else -> break
        od;
        who = 0
      };
      STEP(inside[me] = false);
      CAS(word, TOKEN(me), 0, ok);
      if :: !ok -> pass() :: else fi
    :: else
    fi;
    atomic { ALIVE; won = false; w = 0; timed = false }
  od
#if KILLS > 0
gone:
#endif
  /* Of one death at most one is told: the word carries the dead one's token only once. */
  assert(reported[me] <= 1)
}

init {
  atomic {
    run Participant(0);
    run Participant(1);
#if N > 2
    run Participant(2);
#endif
#if N > 3
    run Participant(3);
#endif
  }
}

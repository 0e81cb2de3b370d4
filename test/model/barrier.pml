/*
 * Barrier: src/sync/barrier-rounds.ts, without reset and abort.
 *
 *   round, broken, arrived, W: one word, changed by compare-and-swap      members: a bit for each party inside
 *
 * Mutants: EARLY_GO    the last but one lets the others go
 *          LATE_MEMBER a party counts as arrived before its bit is set
 *          BLIND_ARM   W is set without a look at the round
 *          NO_SEARCH   nobody looks for dead members
 */
byte state;        /* broken << 6 | round << 4 | arrived << 1 | W */
#define W 1
#define BROKEN 64
#define ARRIVED(s) (((s) >> 1) & 7)
#define ROUND(s) (((s) >> 4) & 3)

/*
 * Who dies before it has arrived is missed only by a timeout, which is not modelled; so is who dies in the
 * moment in which the last one lets it go, when there is another round.
 */
#define MAY_DIE ((members & BIT(me)) != 0 || (came && ROUND(state) == ROUND(mine)))
#include "common.pml"

byte members;
byte bits;
byte arrivals[4];  /* of each round */

inline break_it() {
  do
  :: w = state;
    if
    :: (w & BROKEN) != 0 -> break
    :: else -> CAS(state, w, w | BROKEN, ok); if :: ok -> ring_all(bits); break :: else fi
    fi
  od
}

inline break_for_dead() {
  won = false;
#ifndef NO_SEARCH
  if
  :: (state & BROKEN) == 0 ->
    who = 0;
    do
    :: who == N -> break
    :: else ->
      if
      :: who != me && (members & BIT(who)) != 0 && dead[who] -> won = true; break
      :: else
      fi;
      who++
    od;
    who = 0;
    if :: won -> break_it() :: else fi
  :: else
  fi
#endif
}

proctype Party(byte me) {
  byte w, snap, who, round, mine;
  bool ok, won, came;
  do
  :: round == ROUNDS -> break
  :: else ->
    STEP(bits = bits | BIT(me));
arrive:
    w = state;
    if
    :: (w & BROKEN) != 0 -> goto over
    :: (w & BROKEN) == 0 && ARRIVED(w) >= N ->
      /* The round before was not left yet. */
      if
      :: (w & W) == 0 ->
        CAS(state, w, w | W, ok);
        if :: !ok -> goto arrive :: else fi
      :: else
      fi;
#if KILLS > 0
      break_for_dead();
      if :: won -> goto arrive :: else fi;
#endif
      sleep_until_rung();
      goto arrive
    :: else
    fi;
#ifndef LATE_MEMBER
    STEP(members = members | BIT(me));
#endif
    if
    :: d_step {
        if
        :: state == w -> state = w + 2; mine = w; ok = true; came = true; arrivals[ROUND(w)]++
        :: else -> ok = false
        fi
      }
    OR_DIE
    fi;
    if :: !ok -> goto arrive :: else fi;
#ifdef LATE_MEMBER
    STEP(members = members | BIT(me));
#endif
#ifdef EARLY_GO
    if
    :: ARRIVED(mine) + 2 == N ->
#else
    if
    :: ARRIVED(mine) + 1 == N ->
#endif
#if KILLS > 0
      break_for_dead();
#endif
      w = state;
      if :: (w & BROKEN) != 0 -> goto over :: else fi;
      STEP(members = members & BIT(me));
      do
      :: CAS(state, w, ((ROUND(w) + 1) & 3) << 4, ok);
        if :: ok -> break :: else fi;
        w = state;
        if :: (w & BROKEN) != 0 -> goto over :: else fi
      od;
      if :: (w & W) != 0 -> ring_all(bits) :: else fi
    :: else ->
wait:
      w = state;
      if
      :: ROUND(w) != ROUND(mine) -> goto passed
      :: ROUND(w) == ROUND(mine) && (w & BROKEN) != 0 -> goto over
      :: else
      fi;
      if
      :: (w & W) == 0 ->
#ifdef BLIND_ARM
        STEP(state = state | W)
#else
        CAS(state, w, w | W, ok);
        if :: !ok -> goto wait :: else fi
#endif
      :: else
      fi;
#if KILLS > 0
      break_for_dead();
      if :: won -> goto wait :: else fi;
#endif
      sleep_until_rung();
      goto wait
    fi;
passed:
    /* Nobody passes before all have come. */
    assert(arrivals[ROUND(mine)] == N);
    STEP(members = members & ~BIT(me));
    STEP(bits = bits & ~BIT(me));
    atomic { ALIVE; came = false; round++; mine = 0; w = 0; won = false }
  od;
over:
  atomic { ALIVE; goto ended };
#if KILLS > 0
gone:
#endif
ended:
  skip
}

init {
  atomic {
    run Party(0);
    run Party(1);
#if N > 2
    run Party(2);
#endif
  }
}

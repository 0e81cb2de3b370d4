/*
 * Semaphore: src/sync/semaphore.ts.
 *
 *   word: permits << 1 | W
 *
 * Each participant gives back what it took; with GIVER, participant 0 gives permits one by one, which the
 * others keep, one each.
 *
 * Mutants: BLIND_ARM     W is set whether or not there is a permit
 *          SILENT_LEAVE  who gives up does not pass the baton
 *          SILENT_WIN    nor who was rung once more between taking a permit and taking its bit away
 */
#ifdef GIVER
/* The permits of the dead are lost, so it is a giver's world in which the others go on. */
#define MAY_DIE me != 0
#endif
#include "common.pml"

#ifdef GIVER
#define PERMITS 0
#define TAKES 1
#else
#define PERMITS 1
#define TAKES ROUNDS
#endif
#define W 1

byte word = PERMITS << 1;
byte bits;
byte total = PERMITS;   /* permits that exist: in the word, in hands, lost with the dead */
byte taken;

inline attempt() {
  do
  :: w = word;
    if
    :: (w >> 1) == 0 -> won = false; break
    :: else ->
      next = (w - 2) | (waiting -> W : 0);
      if
      :: d_step { if :: word == w -> word = next; taken++; won = true :: else -> won = false fi }
      OR_DIE
      fi;
      if
      :: won ->
        if :: waiting && (next >> 1) != 0 -> ring_one(bits) :: else fi;
        break
      :: else
      fi
    fi
  od;
  atomic { next = 0; w = 0 }
}

inline release() {
  do
  :: w = word;
    CAS(word, w, ((w >> 1) + 1) << 1, ok);
    if
    :: ok -> if :: (w & W) != 0 -> ring_one(bits) :: else fi; break
    :: else
    fi
  od;
  w = 0
}

inline leave() {
  do
  :: w = word;
    if
    :: (w >> 1) != 0 -> ring_one(bits); break
    :: (w >> 1) == 0 && ((w & W) != 0 || bits == 0) -> break
    :: else -> CAS(word, w, w | W, ok); if :: ok -> break :: else fi
    fi
  od
}

proctype Participant(byte me; bool gives) {
  byte w, next, snap, who, round;
  bool ok, won, waiting, timed;
  do
  :: round == (gives -> N - 1 : TAKES) -> break
  :: else ->
    round++;
    if
    :: gives -> STEP(total++); release()
    :: else ->
      attempt();
      if
      :: !won ->
        if :: timed = true :: timed = false fi;
        STEP(bits = bits | BIT(me));
        waiting = true;
again:
        attempt();
        if :: won -> goto over :: else fi;
        w = word;
        if :: (w >> 1) != 0 -> goto again :: else fi;
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
        if
        :: timed -> attempt()
        :: sleep_until_rung(); goto again
        fi;
over:
        waiting = false;
        STEP(bits = bits & ~BIT(me));
        if
#ifndef SILENT_LEAVE
        :: !won -> leave()
#endif
#ifndef SILENT_WIN
        :: won -> leave()
#endif
        :: else
        fi
      :: else
      fi;
      if
      :: won ->
        assert(taken <= total);
#ifndef GIVER
        STEP(taken--);
        release()
#endif
      :: else
      fi
    fi;
    atomic { ALIVE; won = false; timed = false; w = 0 }
  od;
#if KILLS > 0
gone:
#endif
  skip
}

init {
  atomic {
#ifdef GIVER
    run Participant(0, true);
#else
    run Participant(0, false);
#endif
    run Participant(1, false);
#if N > 2
    run Participant(2, false);
#endif
  }
}

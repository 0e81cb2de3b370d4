/*
 * Event: src/sync/event.ts. Manual by default; with AUTO each set lets one through.
 *
 *   word: SET | W          seq: how often it was set or pulsed (manual); part of the word
 *
 * Participant 0 sets once all others have begun to wait (with AUTO, once for each of them, and waits until
 * the one before was used), and clears at once. Everybody who waited has to go on.
 *
 * TWICE: who goes through, clears the event and comes again has to wait for another set.
 *
 * Mutants: NO_SEQ        manual: who waits looks at the flag alone
 *          LATE_SEQ      manual: the flag is set before the sequence is counted
 *          EARLY_SEQ     manual, with TWICE: the sequence is counted before the flag is set
 *          BLIND_ARM     W is set whether or not it is set
 *          SILENT_LEAVE  auto: who gives up does not pass the baton
 *          SILENT_WIN    auto: nor who was rung once more between going through and taking its bit away
 */
/* Who sets lives: nobody else does. */
#define MAY_DIE me != 0
#include "common.pml"

#define W 1
#define SET 2

byte word;
byte seq;
byte bits;
byte begun;       /* others that have begun to wait, died or gave up before */
byte used;        /* sets that let somebody through */
byte gave_up;

#ifdef AUTO
inline attempt() {
  do
  :: w = word;
    if
    :: (w & SET) == 0 -> won = false; break
    :: else ->
      if :: d_step { if :: word == w -> word = (w & ~SET) | (waiting -> W : 0); used++; won = true :: else -> won = false fi } OR_DIE fi;
      if :: won -> break :: else fi
    fi
  od
}
#else
inline attempt() {
#ifdef NO_SEQ
  won = (word & SET) != 0
#else
  won = (word & SET) != 0;
  if :: !won -> won = seq != seen :: else fi
#endif
}
#endif

inline set() {
#ifdef EARLY_SEQ
  STEP(seq++);
#endif
  do
  :: w = word;
    if
    :: (w & SET) != 0 -> ok = true
#if !defined(AUTO) && !defined(LATE_SEQ) && !defined(EARLY_SEQ)
    /* The count is part of the word. */
    :: else -> d_step { if :: word == w -> word = SET; seq++; ok = true :: else -> ok = false fi }
#else
    :: else -> CAS(word, w, SET, ok)
#endif
    fi;
    if :: ok -> break :: else fi
  od;
#if !defined(AUTO) && defined(LATE_SEQ)
  STEP(word = word & ~SET);
  STEP(seq++);
#endif
  if
  :: (w & W) != 0 ->
#ifdef AUTO
    ring_one(bits)
#else
    ring_all(bits)
#endif
  :: else
  fi
}

inline leave() {
#ifdef AUTO
  do
  :: w = word;
    if
    :: (w & SET) != 0 -> ring_one(bits); break
    :: (w & SET) == 0 && ((w & W) != 0 || bits == 0) -> break
    :: else -> CAS(word, w, w | W, ok); if :: ok -> break :: else fi
    fi
  od
#else
  skip
#endif
}

proctype Waiter(byte me) {
  byte w, seen, snap, who;
  bool ok, won, waiting, timed;
  if :: timed = true :: timed = false fi;
  atomic { seen = seq; begun++ };
  attempt();
  if
  :: !won ->
    STEP(bits = bits | BIT(me));
    waiting = true;
again:
    attempt();
    if :: won -> goto over :: else fi;
    w = word;
    if :: (w & SET) != 0 -> goto again :: else fi;
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
#if !defined(AUTO) && !defined(NO_SEQ)
    if :: seq != seen -> goto again :: else fi;
#endif
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
  if :: !won -> atomic { gave_up++ } :: else fi;
  atomic { ALIVE; goto ended };
#if KILLS > 0
gone:
  atomic { if :: !won -> gave_up++ :: else fi };
#endif
ended:
  skip
}

#ifdef TWICE
proctype Passer(byte me) {
  byte w, seen;
  bool won;
  atomic { seen = seq; begun++ };
  do
  :: attempt(); if :: won -> break :: else fi
  od;
  STEP(word = word & ~SET);
  seen = seq;
  attempt();
  assert(!won)
}
#endif

proctype Setter(byte me) {
  byte w, snap, who, round;
  bool ok;
  begun == N - 1;
#ifdef AUTO
  do
  :: round == N - 1 -> break
  :: round < N - 1 ->
    round++;
    set();
    /* Setting it twice before anybody came is once. */
    if
    :: used == round
    :: used + gave_up >= N - 1 -> break
    fi
  od;
#else
  set();
#ifndef TWICE
  STEP(word = word & ~SET);
#endif
#endif
#if KILLS > 0
gone:
#endif
  skip
}

init {
  atomic {
    run Setter(0);
#ifdef TWICE
    run Passer(1);
#else
    run Waiter(1);
#endif
#if N > 2
    run Waiter(2);
#endif
#if N > 3
    run Waiter(3);
#endif
  }
}

/*
 * Condition: src/sync/condition.ts and waiting-list.ts. Each wait has a seat; seats change only under the
 * lock, and who was notified is rung when the notifier has let go of it.
 *
 * Participant 0 puts an item for each of the others, one at a time, and notifies; they wait for one each.
 *
 * Mutants: EARLY_LEAVE   who has waited long enough gives its seat up before it has the lock again
 *          LATE_SEAT     the seat is taken after the lock was let go of
 */
/* Who produces lives: nobody else does. */
#define MAY_DIE me != 0
#include "common.pml"

#define WAITING 1
#define NOTIFIED 2

byte lock;
byte seat[N];
byte items;
byte given;       /* notifications to those who lived */
byte received;    /* waits that returned true */
byte lost;        /* and those who died before they could */

inline notify(count) {
  left = count;
  who = 1;
  do
  :: who == N || left == 0 -> break
  :: else ->
    if
    :: seat[who] == WAITING ->
      if
      :: dead[who] -> STEP(seat[who] = 0)
      :: else ->
        STEP(seat[who] = NOTIFIED; given++);
        ring = ring | BIT(who);
        left--
      fi
    :: else
    fi;
    who++
  od;
  atomic { who = 0; left = 0 }
}

proctype Consumer(byte me) {
  bool timed, told;
  LOCK(lock);
  do
  :: items > 0 -> STEP(items--); break
  :: else ->
#ifdef LATE_SEAT
    UNLOCK(lock);
    STEP(seat[me] = WAITING);
#else
    STEP(seat[me] = WAITING);
    UNLOCK(lock);
#endif
    if :: timed = true :: timed = false fi;
    do
    :: seat[me] == NOTIFIED -> break
    :: seat[me] != NOTIFIED ->
      if
      :: timed -> break
      :: sleep_until_rung()
      fi
    od;
#ifdef EARLY_LEAVE
    told = seat[me] == NOTIFIED;
    STEP(seat[me] = 0);
    LOCK(lock);
#else
    LOCK(lock);
    told = seat[me] == NOTIFIED;
    STEP(seat[me] = 0);
#endif
    if
    :: told -> atomic { received++; told = false }
    :: else
    fi;
    atomic { timed = false; ALIVE }
  od;
  UNLOCK(lock);
  atomic { ALIVE; goto ended };
#if KILLS > 0
gone:
  atomic { if :: seat[me] == NOTIFIED -> lost++ :: else fi };
#endif
ended:
  skip
}

proctype Producer(byte me) {
  byte left, who, ring, round;
  bool ok;
  do
  :: round == N - 1 -> break
  :: round < N - 1 ->
    round++;
    LOCK(lock);
    STEP(items++);
#if KILLS > 0
    /* One that was notified may die with its item unused; the others are to hear of it. */
    notify(N);
#else
    notify(1);
#endif
    UNLOCK(lock);
    who = 1;
    do
    :: who == N -> break
    :: else ->
      if :: (ring & BIT(who)) != 0 -> RING(who, ok) :: else fi;
      who++
    od;
    atomic { ring = 0; who = 0; ALIVE }
  od;
#if KILLS > 0
gone:
#endif
  skip
}

init {
  atomic {
    run Producer(0);
    run Consumer(1);
#if N > 2
    run Consumer(2);
#endif
#if N > 3
    run Consumer(3);
#endif
  };
  (_nr_pr == 1);
  /* No notification is lost to a timeout. */
  assert(KILLS > 0 || given == received)
}

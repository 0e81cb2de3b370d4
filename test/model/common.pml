/*
 * What all models share: participants that die at any step, doorbells, and the operations of the hardware.
 *
 *   N       participants                ROUNDS  how often each of them does its work
 *   KILLS   how many may die, before any step (0: nobody, and there are no slices)
 *   SLICES  1: a sleep may end at any moment (safety under every interleaving)
 *           0: it ends by itself only when nothing else in the whole system can happen (nobody is lost)
 *
 * Without kills a sleeper has only its bell: one that is forgotten is an invalid end state.
 */
#ifndef N
#define N 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef SLICES
#define SLICES 0
#endif

#define BIT(i) (1 << (i))

bool bell[N];     /* its FIFO has something to read */
bool dead[N];     /* the kernel knows; nobody has swept it yet */
byte kills = KILLS;
/*
 * How many slices each one has slept since anybody got what it waited for. Nobody sleeps more of them than
 * this in vain: who must, has no further step, and that is an invalid end state.
 */
#define ENOUGH 3
byte slices[N];

/* Somebody got what it waited for, or went away. */
#if KILLS > 0 && !SLICES
#define ALIVE slices[0] = 0; slices[1] = 0; slices[N - 2] = 0; slices[N - 1] = 0
#else
#define ALIVE skip
#endif

/* SIGKILL instead of the next step; what is only read or local cannot tell a little earlier from a little later. */
#ifndef MAY_DIE
#define MAY_DIE true
#endif
#if KILLS > 0
#define OR_DIE :: atomic { kills > 0 && MAY_DIE -> kills--; dead[me] = true; ALIVE; goto gone }
#else
#define OR_DIE
#endif

/* One step that others see. */
#define STEP(what) if :: atomic { what } OR_DIE fi

#define CAS(at, from, to, ok) \
  if :: d_step { if :: at == (from) -> at = (to); ok = true :: else -> ok = false fi } OR_DIE fi

/* Wakes i; `ok` is false when it is dead. */
#define RING(i, ok) \
  if :: d_step { if :: dead[i] -> ok = false :: else -> bell[i] = true; ok = true fi } OR_DIE fi

/* Sleeps until the bell rings or the slice ends. */
inline sleep_until_rung() {
  if
  :: d_step { bell[me] -> bell[me] = false }
  OR_DIE
#if KILLS > 0
#if SLICES
  :: true
#else
  :: atomic { timeout && slices[me] < ENOUGH -> slices[me]++ }
#endif
#endif
  fi
}

/* Rings one of those whose bit is set in `bits`, in any order; takes the bits of the dead away. */
inline ring_one(bits) {
  snap = bits & ~BIT(me);
  do
  :: snap == 0 -> break
  :: snap != 0 ->
    if
    :: (snap & BIT(0)) != 0 -> who = 0
    :: (snap & BIT(1)) != 0 -> who = 1
#if N > 2
    :: (snap & BIT(2)) != 0 -> who = 2
#endif
#if N > 3
    :: (snap & BIT(3)) != 0 -> who = 3
#endif
    fi;
    snap = snap & ~BIT(who);
    RING(who, ok);
    if
    :: ok -> break
    :: else -> STEP(bits = bits & ~BIT(who))
    fi
  od;
  atomic { snap = 0; who = 0 }
}

/* Rings all of them. */
inline ring_all(bits) {
  snap = bits;
  who = 0;
  do
  :: who == N -> break
  :: who < N ->
    if
    :: (snap & BIT(who)) != 0 ->
      RING(who, ok);
      if
      :: ok
      :: else -> STEP(bits = bits & ~BIT(who))
      fi
    :: else
    fi;
    who++
  od;
  atomic { snap = 0; who = 0 }
}

/* One that serves as a lock whose own proof is mutex.pml: a dead holder is replaced by whoever comes. */
#define LOCK(at) \
  if :: atomic { at == 0 || dead[at - 1] -> at = me + 1 } OR_DIE fi
#define UNLOCK(at) STEP(at = 0)

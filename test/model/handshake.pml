/*
 * The handshake: src/connection/handshake.ts, with an attacker who is the network.
 *
 * CLIENTS clients and LISTENERS listeners know the key and run the handshake once each. Whatever they say the
 * attacker hears; whatever one of them hears the attacker has said: a challenge he has heard from anybody, or
 * one he made up (of any look), an answer that he has heard, a verdict. He opens sessions, reflects, relays,
 * mixes and drops as he likes. He cannot make the answer to a challenge, which needs the key.
 *
 * Nonces are numbered by who asks: the nonce of participant i is i. MADE_UP is the attacker's own; what is
 * answered to it is of no use to him. An answer is known by its nonce.
 *
 * Whoever believes that the other side knows the key is right: a participant of the other role has answered
 * his very challenge. (That one may have been relayed word by word: who only passes everything on is a wire.)
 *
 * Mutants: NO_MARKER  nobody looks whose role a challenge carries
 *          UNMARKED   one of the clients is Python's, which neither marks nor looks
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef LISTENERS
#define LISTENERS 2
#endif
#define ALL (CLIENTS + LISTENERS)
#define MADE_UP ALL
#define BIT(i) (1 << (i))
#define IS_CLIENT(i) ((i) < CLIENTS)

byte asked;          /* bits: challenges that the attacker has heard */
byte answered;       /* bits: answers that he has heard */
byte by_client;      /* bits: challenges that a client has answered */
byte by_listener;    /* bits: challenges that a listener has answered */

#ifdef UNMARKED
#define IS_PYTHON(i) ((i) == 0)
#else
#define IS_PYTHON(i) false
#endif

/* Whether participant `me` answers the challenge `n`: not if it bears the mark of its own role. */
#ifdef NO_MARKER
#define ANSWERS(me, n) true
#else
#define ANSWERS(me, n) (IS_PYTHON(me) || (n) == MADE_UP || IS_PYTHON(n) || IS_CLIENT(me) != IS_CLIENT(n))
#endif

inline ask(me) { atomic { asked = asked | BIT(me) } }

/* The attacker chooses what `me` is asked; me answers, or leaves. */
inline be_asked(me) {
  atomic {
    n = MADE_UP;
    do
    :: n > 0 -> n--
    :: break
    od;
    if
    :: n != MADE_UP && (asked & BIT(n)) == 0 -> n = MADE_UP
    :: else
    fi;
    if
    :: ANSWERS(me, n) ->
      if
      :: n != MADE_UP ->
        answered = answered | BIT(n);
        if
        :: IS_CLIENT(me) -> by_client = by_client | BIT(n)
        :: else -> by_listener = by_listener | BIT(n)
        fi
      :: else
      fi
    :: else -> goto out
    fi
  }
}

/* The attacker answers `me`: with what he has heard, else me leaves. */
inline be_answered(me) {
  if
  :: atomic { (answered & BIT(me)) != 0 ->
       if
       :: IS_CLIENT(me) -> assert((by_listener & BIT(me)) != 0)
       :: else -> assert((by_client & BIT(me)) != 0)
       fi }
  :: goto out
  fi
}

proctype participant(byte me) {
  byte n;
  if
  :: IS_CLIENT(me) ->
    be_asked(me);
    /* The verdict: anybody can say WELCOME. */
    ask(me);
    be_answered(me)
  :: else ->
    ask(me);
    be_answered(me);
    be_asked(me)
  fi;
out:
  skip
}

init {
  byte i;
  atomic {
    do
    :: i < ALL -> run participant(i); i++
    :: else -> break
    od
  }
}

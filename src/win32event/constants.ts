/** No limit of time. */
export const INFINITE = 0xffffffff;
/** What was waited for was signaled; with several, the index of the one that was is added. */
export const WAIT_OBJECT_0 = 0;
/** The time was up. */
export const WAIT_TIMEOUT = 0x102;
/** As {@link WAIT_ABANDONED_0}. */
export const WAIT_ABANDONED = 0x80;
/** A mutex is held now whose holder died with it; with several, the index of the one is added. */
export const WAIT_ABANDONED_0 = 0x80;
/** The most objects of one wait. */
export const MAXIMUM_WAIT_OBJECTS = 64;
/** {@link GetLastError} after a Create… that has opened what was there. */
export const ERROR_ALREADY_EXISTS = 183;

/** Rights to objects. All objects are this user's own, so they are not looked at. */
export const SYNCHRONIZE = 0x100000;
export const EVENT_MODIFY_STATE = 0x2;
export const EVENT_ALL_ACCESS = 0x1f0003;
export const MUTEX_MODIFY_STATE = 0x1;
export const MUTEX_ALL_ACCESS = 0x1f0001;
export const SEMAPHORE_MODIFY_STATE = 0x2;
export const SEMAPHORE_ALL_ACCESS = 0x1f0003;
export const TIMER_MODIFY_STATE = 0x2;
export const TIMER_ALL_ACCESS = 0x1f0003;

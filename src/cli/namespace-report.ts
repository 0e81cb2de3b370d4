import type { Census, SeenObject, SeenParticipant } from "../parking/index.ts";
import { describeState, type ObjectState } from "../sync/index.ts";
import { tableText } from "./table.ts";
import { spanText } from "./text.ts";

/** One wait, for machines. */
export interface WaitReport {
  readonly object: string;
  readonly sync: boolean;
  readonly sinceMs: number;
}

/** One participant, for machines. */
export interface ParticipantReport {
  readonly name: string;
  readonly pid: number;
  readonly threadId: number;
  readonly alive: boolean;
  readonly upMs: number;
  readonly holds: readonly string[];
  readonly waitsFor: readonly WaitReport[];
}

/** One object, for machines. */
export interface ObjectReport extends ObjectState {
  readonly kind: string;
  readonly name: string | null;
  readonly index: number;
  readonly persistent: boolean;
  readonly users: readonly string[];
  readonly waiters: readonly {
    readonly name: string;
    readonly pid: number;
    readonly forMs: number | null;
  }[];
}

/** A namespace, for machines: what `--json` prints, one line each. */
export interface NamespaceReport {
  readonly namespace: string;
  readonly folder: string;
  readonly participants: readonly ParticipantReport[];
  readonly objects: readonly ObjectReport[];
  readonly deadlocks: readonly string[];
}

/** Puts a census into words and numbers. */
export function reportNamespace(census: Census, now: number): NamespaceReport {
  const states = census.objects.map((object) => describeState(census.arena, object));
  const bySlot = new Map(census.participants.map((participant) => [participant.slot, participant]));
  const nameOf = (slot: number): string => personText(bySlot.get(slot));
  return {
    namespace: census.namespace,
    folder: census.folder,
    participants: census.participants.map((seen) => ({
      name: seen.name,
      pid: seen.pid,
      threadId: seen.threadId,
      alive: seen.isAlive,
      upMs: Math.max(0, now - seen.started),
      holds: census.objects
        .filter((_, index) => states[index]!.holders.some((holder) => holder.slot === seen.slot))
        .map((object) => object.title),
      waitsFor: seen.waits.map((wait) => ({
        object: wait.object,
        sync: wait.isSync,
        sinceMs: Math.max(0, now - wait.since),
      })),
    })),
    objects: census.objects.map((object, index) => ({
      ...states[index]!,
      kind: object.title.slice(0, object.title.indexOf(" ")),
      name: object.name ?? null,
      index: object.index,
      persistent: object.isPersistent,
      users: object.users.map(nameOf),
      waiters: object.waiters.map((slot) => waiterReport(bySlot.get(slot), object, now)),
    })),
    deadlocks: census.deadlocks,
  };
}

function waiterReport(
  seen: SeenParticipant | undefined,
  object: SeenObject,
  now: number,
): ObjectReport["waiters"][number] {
  const since = seen?.waits
    .filter((wait) => wait.index === object.index)
    .reduce((first, wait) => Math.min(first, wait.since), Infinity);
  return {
    name: seen?.name ?? "someone dead",
    pid: seen?.pid ?? 0,
    forMs: since === undefined || since === Infinity ? null : Math.max(0, now - since),
  };
}

/** `Process-1 (pid 7)` */
function personText(seen: { readonly name: string; readonly pid: number } | undefined): string {
  return seen === undefined ? "someone dead" : `${seen.name} (pid ${seen.pid})`;
}

/** `manycore ps`, for people. */
export function participantsText(report: NamespaceReport): string {
  if (report.participants.length === 0) return `${report.namespace}: nobody\n`;
  const rows = report.participants.map((seen) => [
    String(seen.pid),
    seen.threadId === 0 ? "main" : String(seen.threadId),
    seen.name + (seen.alive ? "" : " (dead)"),
    spanText(seen.upMs),
    seen.holds.join(", ") || "-",
    seen.waitsFor.map((wait) => `${wait.object} (${spanText(wait.sinceMs)})`).join(", ") || "-",
  ]);
  const head = ["PID", "THREAD", "NAME", "UP", "HOLDS", "WAITS FOR"];
  return `${report.namespace} (${report.folder})\n${tableText([head, ...rows])}`;
}

/** `manycore locks`, for people. */
export function objectsText(report: NamespaceReport): string {
  if (report.objects.length === 0) return `${report.namespace}: no shared objects\n`;
  const rows = report.objects.map((object) => [
    object.kind,
    object.name ?? `#${object.index}`,
    object.text,
    String(object.users.length),
    object.waiters
      .map(
        (waiter) =>
          personText(waiter) + (waiter.forMs === null ? "" : ` for ${spanText(waiter.forMs)}`),
      )
      .join(", ") || "-",
  ]);
  const head = ["KIND", "NAME", "STATE", "USERS", "WAITING"];
  const deadlocks = report.deadlocks.map((sentence) => `\n${sentence}\n`).join("");
  return `${report.namespace} (${report.folder})\n${tableText([head, ...rows])}${deadlocks}`;
}

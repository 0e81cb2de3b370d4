/** The parts of OpenTelemetry's API object that this package uses; it is never imported. */
interface TraceApi {
  readonly context?: { active(): unknown; with<T>(context: unknown, body: () => T): T };
  readonly propagation?: {
    inject(context: unknown, carrier: object, writer: object): void;
    extract(context: unknown, carrier: object, reader: object): unknown;
  };
}

const setter = {
  set(carrier: { [name: string]: string }, name: string, value: string): void {
    carrier[name] = value;
  },
};

const getter = {
  get: (carrier: { [name: string]: string }, name: string): string | undefined => carrier[name],
  keys: (carrier: object): string[] => Object.keys(carrier),
};

/** Where `@opentelemetry/api` 1.x keeps what the program registered: a symbol meant for finding it without importing. */
const API_KEY = Symbol.for("opentelemetry.js.api.1");

function traceApi(): TraceApi | undefined {
  return (globalThis as { [key: symbol]: unknown })[API_KEY] as TraceApi | undefined;
}

/** The active trace as headers (`traceparent` …) in JSON, or null when the program traces nothing. */
export function captureTrace(): string | null {
  const api = traceApi();
  if (api?.propagation === undefined || api.context === undefined) return null;
  const carrier = {};
  api.propagation.inject(api.context.active(), carrier, setter);
  return Object.keys(carrier).length === 0 ? null : JSON.stringify(carrier);
}

/** Runs `body` under the trace that {@link captureTrace} took, when this worker traces. */
export function withTrace<T>(trace: string | null, body: () => T): T {
  const api = traceApi();
  if (trace === null || api?.propagation === undefined || api.context === undefined) return body();
  const context = api.propagation.extract(
    api.context.active(),
    JSON.parse(trace) as object,
    getter,
  );
  return api.context.with(context, body);
}

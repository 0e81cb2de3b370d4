import * as manycore from "manycore";
import { square } from "../fixtures/executor/work.js";
import * as win32event from "../../dist/win32event/index.js";

const {
  Barrier,
  BoundedSemaphore,
  Condition,
  DupFd,
  Event,
  Future,
  InlineExecutor,
  JoinableQueue,
  Listener,
  Lock,
  Manager,
  pipe,
  Pool,
  Process,
  ProcessPoolExecutor,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemoryManager,
  SharedValue,
  SimpleQueue,
  Thread,
  ThreadPoolExecutor,
  Timer,
  WaitableTimer,
} = manycore;

/** Makes one of each class whose methods are called. None of them has started anything of its own. */
export async function instances(): Promise<ReadonlyMap<string, object>> {
  const manager = await Manager.start();
  const lock = await manager.lock();
  const process = new Process();
  const made = {
    Barrier: new Barrier(2),
    BarrierProxy: await manager.barrier(2),
    ArrayProxy: await manager.array("int32", 4),
    BoundedSemaphore: new BoundedSemaphore(1),
    Condition: new Condition(),
    ConditionProxy: await manager.condition(),
    Connection: pipe()[0],
    DictProxy: await manager.dict(),
    DupFd: new DupFd(1),
    Event: new Event(),
    EventProxy: await manager.event(),
    Future: new Future(),
    InlineExecutor: new InlineExecutor(),
    IteratorProxy: await manager.dict(),
    JoinableQueue: new JoinableQueue(),
    JoinableQueueProxy: await manager.joinableQueue(),
    Listener: await Listener.listen(),
    ListProxy: await manager.list([1, 2]),
    Lock: new Lock(),
    LockProxy: lock,
    Acquirable: lock,
    ObjectProxy: lock,
    Manager: manager,
    NamespaceProxy: await manager.namespace(),
    Pool: new Pool({ workers: 1, kind: "thread" }),
    PoolProxy: await manager.pool({ workers: 1, kind: "thread" }),
    Process: process,
    WorkerHandle: process,
    ProcessPoolExecutor: new ProcessPoolExecutor({ maxWorkers: 1 }),
    Queue: new Queue(),
    QueueProxy: await manager.queue(),
    RLock: new RLock(),
    RLockProxy: await manager.rlock(),
    RWLock: new RWLock(),
    Semaphore: new Semaphore(),
    SemaphoreProxy: await manager.semaphore(),
    SetProxy: await manager.set(),
    ShareableList: new ShareableList([1, 2]),
    SharedArray: new SharedArray("int32", 4),
    SharedMemoryManager: await SharedMemoryManager.start(),
    SharedValue: new SharedValue("int32", 1),
    SimpleQueue: new SimpleQueue(),
    Thread: new Thread(),
    ThreadPoolExecutor: new ThreadPoolExecutor({ maxWorkers: 1 }),
    ValueProxy: await manager.value("int32"),
    Timer: new Timer(1, square, [1]),
    WaitableTimer: new WaitableTimer(),
  };
  return new Map(Object.entries(made));
}

type Callable = (...args: unknown[]) => unknown;
const exported: Readonly<Record<string, unknown>> = { ...win32event, ...manycore };

/** How a callee of the declarations is called. */
export function callee(name: string, of: ReadonlyMap<string, object>): Callable {
  if (name.startsWith("new ")) {
    const Class = exported[name.slice(4)] as new (...args: unknown[]) => unknown;
    return (...args) => new Class(...args);
  }
  const [owner, member] = name.split(/[#.]/);
  if (member === undefined) return exported[name] as Callable;
  if (name.includes(".")) {
    const Class = exported[owner!] as Record<string, Callable>;
    return (...args) => Class[member]!(...args);
  }
  const object = of.get(owner!) as Record<string, Callable> | undefined;
  if (object === undefined) throw new Error(`callees.ts has no instance of ${owner}`);
  if (!member.endsWith("=")) return (...args) => object[member]!(...args);
  return (value) => {
    object[member.slice(0, -1)] = value as Callable;
  };
}
